//! The states of a row as a pure model, and every step that may lead from one to another.

use std::collections::BTreeMap;
use std::fmt;

use evertask::Status;
use evertask::task::RowState;

use super::wishes::Wish;

/// Where a task is, as far as its row tells.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Place {
    /// Not stored.
    Nowhere,
    /// Stored, and nobody's.
    Waiting,
    /// Waiting for another start, because of a reason.
    Aside,
    /// In the window of a process.
    Queued,
    /// Its handler runs, or is about to, or waits in its slot.
    Running,
    /// Between two attempts, and nobody's.
    Parked,
    /// Sleeping because its handler asked for it, and nobody's.
    Snoozed,
    /// Interrupted by a shutdown, and nobody's.
    Stopped,
    /// A series between two runs.
    Resting,
    /// Over, successfully.
    Completed,
    /// Over, having failed.
    Failed,
    /// Over, because somebody said so.
    Cancelled,
}

impl Place {
    pub(super) fn of(state: &RowState) -> Self {
        let is_free = state.owner.is_none();
        match state.status {
            Status::Cancelled => Self::Cancelled,
            _ if state.wait_reason.is_some() => Self::Aside,
            Status::Completed if state.is_over() => Self::Completed,
            Status::Failed if state.is_over() => Self::Failed,
            Status::Completed | Status::Failed => Self::Resting,
            Status::WaitingQueue => Self::Waiting,
            Status::Queued => Self::Queued,
            Status::ServiceStopped => Self::Stopped,
            Status::InProgress if is_free && state.snooze_reason.is_some() => Self::Snoozed,
            Status::InProgress if is_free => Self::Parked,
            Status::InProgress => Self::Running,
        }
    }

    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What moves a task.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Cause {
    /// Somebody dispatched it.
    Insert,
    /// A process took it.
    Claim,
    /// The delivery that has it went on.
    Delivery,
    /// Somebody wanted it so.
    Asked(Wish),
    /// A start looked at what could not run before.
    Reconsideration,
}

/// A step from one place to another.
pub(super) type Transition = (Place, Cause, Place);

/// The whole life of a task: every step that may happen, and each of them can.
pub(super) const LEGAL: &[Transition] = {
    use Cause::{Asked, Claim, Delivery, Insert, Reconsideration};
    use Place::{
        Aside, Cancelled, Completed, Failed, Nowhere, Parked, Queued, Resting, Running, Snoozed,
        Stopped, Waiting,
    };
    use Wish::{Cancel, Reschedule, Retry, RunNow};
    &[
        (Nowhere, Insert, Waiting),
        (Nowhere, Insert, Queued),
        (Waiting, Claim, Queued),
        (Stopped, Claim, Queued),
        (Resting, Claim, Queued),
        (Parked, Claim, Running),
        (Snoozed, Claim, Running),
        // The process that had it is dead.
        (Queued, Claim, Queued),
        (Running, Claim, Queued),
        (Queued, Delivery, Running),
        // A retry in its slot, or the end of a probation.
        (Running, Delivery, Running),
        (Running, Delivery, Parked),
        (Running, Delivery, Snoozed),
        (Running, Delivery, Completed),
        (Running, Delivery, Failed),
        (Running, Delivery, Resting),
        (Running, Delivery, Stopped),
        // Given back, or a series whose occurrence was overtaken.
        (Queued, Delivery, Waiting),
        // Too late to be started.
        (Queued, Delivery, Failed),
        // No handler for it here.
        (Queued, Delivery, Aside),
        (Running, Delivery, Aside),
        // How it fared is kept although it does not matter any more.
        (Cancelled, Delivery, Cancelled),
        (Aside, Reconsideration, Waiting),
        (Waiting, Asked(Cancel), Cancelled),
        (Aside, Asked(Cancel), Cancelled),
        (Queued, Asked(Cancel), Cancelled),
        (Running, Asked(Cancel), Cancelled),
        (Parked, Asked(Cancel), Cancelled),
        (Snoozed, Asked(Cancel), Cancelled),
        (Stopped, Asked(Cancel), Cancelled),
        (Resting, Asked(Cancel), Cancelled),
        // The one way back from what is over.
        (Completed, Asked(Retry), Waiting),
        (Failed, Asked(Retry), Waiting),
        (Cancelled, Asked(Retry), Waiting),
        // Only when it is due is another instant.
        (Waiting, Asked(RunNow), Waiting),
        (Parked, Asked(RunNow), Parked),
        (Snoozed, Asked(RunNow), Snoozed),
        (Stopped, Asked(RunNow), Stopped),
        (Resting, Asked(RunNow), Resting),
        (Waiting, Asked(Reschedule), Waiting),
        (Parked, Asked(Reschedule), Parked),
        (Snoozed, Asked(Reschedule), Snoozed),
        (Stopped, Asked(Reschedule), Stopped),
        (Resting, Asked(Reschedule), Resting),
    ]
};

/// The steps that were taken, and how often.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(BTreeMap<Transition, u64>);

impl Taken {
    /// Notes a step, and answers whether it is a legal one.
    pub(super) fn note(&mut self, step: Transition) -> bool {
        *self.0.entry(step).or_default() += 1;
        LEGAL.contains(&step)
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (step, times) in &other.0 {
            *self.0.entry(*step).or_default() += times;
        }
    }

    /// The legal steps that were never taken.
    pub(super) fn missing(&self) -> Vec<Transition> {
        let missing = LEGAL.iter().filter(|step| !self.0.contains_key(step));
        missing.copied().collect()
    }
}

/// The rarest first.
impl fmt::Display for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps: Vec<_> = self.0.iter().collect();
        steps.sort_by_key(|(_, times)| **times);
        for ((from, cause, to), times) in &steps {
            writeln!(formatter, "{times:>9} {from:?} -> {to:?} by {cause:?}")?;
        }
        let all: u64 = self.0.values().sum();
        write!(formatter, "{all:>9} steps of {} kinds", steps.len())
    }
}
