//! What the end of an attempt means for its task.
//!
//! Two pure decisions: [`classify`] says how an attempt ended, by which token fired and never by
//! what kind of error came back; [`next_step`] says what follows from it.

use std::time::Duration;

use crate::random::Randomness;
use crate::retry::{Advice, Retries};
use crate::task::{Failure, FailureKind};
use crate::time::Timestamp;

/// A delay of at least this long before a retry frees the slot and parks the task; a shorter one is
/// waited for in the slot.
pub const PARK_FROM: Duration = Duration::from_secs(1);

/// Why an attempt was told to stop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopCause {
    /// Somebody cancelled the task.
    Cancel,
    /// The runtime is stopping.
    Shutdown,
    /// The attempt ran longer than its timeout.
    Timeout(Duration),
}

/// How the body of a handler ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BodyEnd {
    /// It returned successfully, with this value as JSON, if it had one.
    Returned(Option<String>),
    /// It returned an error or panicked.
    Failed(Failure, Advice),
    /// It asked to be called again later.
    Snoozed(Snooze),
    /// It did not stop when told to and was aborted or abandoned.
    Aborted,
}

/// A handler's wish to be called again later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snooze {
    /// How much later.
    pub delay: Duration,
    /// Why.
    pub reason: String,
}

/// How an attempt ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AttemptEnd {
    /// It did its work, and returned this value as JSON, if it had one.
    Succeeded(Option<String>),
    /// It failed.
    Failed(Failure, Advice),
    /// It is to be called again later, which is no failure.
    Snoozed(Snooze),
    /// Somebody cancelled the task; whatever the body returned does not count.
    Cancelled,
    /// A shutdown interrupted it.
    Stopped,
}

/// Answers how an attempt ended.
///
/// `fired` is the token that told it to stop, if one did; `cancelled` whether the task has been
/// cancelled by now, which wins over everything else.
pub fn classify(body: BodyEnd, fired: Option<StopCause>, cancelled: bool) -> AttemptEnd {
    if cancelled {
        return AttemptEnd::Cancelled;
    }
    match (fired, body) {
        (Some(StopCause::Timeout(limit)), _) => {
            let text = format!("the attempt ran longer than its timeout of {limit:?}");
            let failure = Failure::new(FailureKind::TimedOut, text);
            AttemptEnd::Failed(failure, Advice::default())
        }
        (_, BodyEnd::Returned(result)) => AttemptEnd::Succeeded(result),
        // Told to stop, it says itself when it wants to go on.
        (_, BodyEnd::Snoozed(snooze)) => AttemptEnd::Snoozed(snooze),
        (Some(StopCause::Shutdown), _) | (None | Some(StopCause::Cancel), BodyEnd::Aborted) => {
            AttemptEnd::Stopped
        }
        (None | Some(StopCause::Cancel), BodyEnd::Failed(failure, advice)) => {
            AttemptEnd::Failed(failure, advice)
        }
    }
}

/// Makes a snooze that follows `snoozes` others in a row an ordinary failure, if those are all that
/// may be: a handler that snoozes for ever would never end, and nobody would hear of it.
pub fn bound_snoozes(end: AttemptEnd, snoozes: u32, limit: u32) -> AttemptEnd {
    match end {
        AttemptEnd::Snoozed(Snooze { reason, .. }) if snoozes >= limit => {
            let text = format!("snoozed more than {limit} times in a row, at last: {reason}");
            let failure = Failure::new(FailureKind::Transient, text);
            AttemptEnd::Failed(failure, Advice::default())
        }
        end @ (AttemptEnd::Succeeded(_)
        | AttemptEnd::Failed(..)
        | AttemptEnd::Snoozed(_)
        | AttemptEnd::Cancelled
        | AttemptEnd::Stopped) => end,
    }
}

/// Answers the failure of a task that was to be started by an instant which has passed.
///
/// A task may be started at that very instant.
pub fn expired(start_by: Option<Timestamp>, now: Timestamp) -> Option<Failure> {
    let start_by = start_by.filter(|start_by| *start_by < now)?;
    let text = format!("it was not started by its deadline, {start_by}");
    Some(Failure::new(FailureKind::Expired, text))
}

/// What a task does after an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NextStep {
    /// It is completed.
    Complete,
    /// It waits that long in its slot and is attempted again.
    RetryInSlot(Duration),
    /// It leaves its slot and is attempted again after that long.
    Park(Duration),
    /// It leaves its slot and is called again later, as if nothing had been.
    Snooze(Snooze),
    /// It has failed for good.
    Fail,
    /// It is cancelled.
    Cancel,
    /// It runs again after the next start.
    Stop,
}

/// Answers what a task does after attempt number `attempt` ended so.
pub fn next_step(
    end: &AttemptEnd,
    attempt: u32,
    retries: &Retries,
    randomness: &dyn Randomness,
) -> NextStep {
    match end {
        AttemptEnd::Succeeded(_) => NextStep::Complete,
        AttemptEnd::Cancelled => NextStep::Cancel,
        AttemptEnd::Stopped => NextStep::Stop,
        AttemptEnd::Snoozed(snooze) => NextStep::Snooze(snooze.clone()),
        AttemptEnd::Failed(failure, advice) => {
            match retries.delay_after(attempt, failure, *advice, randomness) {
                None => NextStep::Fail,
                Some(delay) if delay < PARK_FROM => NextStep::RetryInSlot(delay),
                Some(delay) => NextStep::Park(delay),
            }
        }
    }
}

/// Puts the failures of a task's attempts into one, of the kind of the last.
///
/// That of a single attempt is kept as it is.
pub fn aggregate(attempts: u32, failures: &[Failure], last: &Failure) -> Failure {
    if attempts < 2 {
        return last.clone();
    }
    let what = format!("all {attempts} attempts failed");
    after_failures(last.kind, what, attempts, failures)
}

/// Says what happened to a task, and lists the failures of its attempts before.
///
/// They may be only the last ones of its `attempts`: at an audit level that keeps no attempts, a
/// task that was parked knows none but its latest failure. The numbers say which are listed.
pub fn after_failures(
    kind: FailureKind,
    what: impl Into<String>,
    attempts: u32,
    failures: &[Failure],
) -> Failure {
    let forgotten = (attempts as usize).saturating_sub(failures.len());
    let numbered = failures.iter().zip(forgotten + 1..);
    let lines = numbered.map(|(failure, number)| format!("{number}. {failure}"));
    let text: Vec<_> = std::iter::once(what.into()).chain(lines).collect();
    Failure::new(kind, text.join("\n"))
}

#[cfg(test)]
mod tests;
