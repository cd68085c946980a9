use std::sync::Arc;
use std::time::Duration;

use evertask_core::lease::RowLease;
use evertask_core::limit::Refusal;
use evertask_core::rank::Rank;
use evertask_core::retry::{Retries, RetryPolicy};
use evertask_core::schedule::{Next, Recurrence, SeriesEnd};
use evertask_core::task::{Failure, TaskId, TaskRecord};
use evertask_core::time::Timestamp;

use super::registry::Registration;
use crate::queue::{Gate, Place, Turn};
use crate::task::{Payload, RegisteredTask, SeriesRun};
use crate::throttle::{Booking, Counted, Subject};

/// What the handler is given.
pub(crate) enum Input {
    /// The very value that was dispatched.
    Live(Payload),
    /// The stored JSON and its version, decoded when the delivery runs.
    Stored { version: u32, json: String },
}

/// A task on its way to a handler.
pub(crate) struct Delivery {
    pub(crate) lease: RowLease,
    pub(crate) input: Input,
    pub(crate) task: RegisteredTask,
    pub(crate) retries: Retries,
    /// How long an attempt may run, if limited.
    pub(crate) timeout: Option<Duration>,
    /// When it runs again, if it does.
    pub(crate) recurrence: Option<Box<Recurrence>>,
    /// The series that it runs beside, and for which instant.
    occurrence: Option<(TaskId, Timestamp)>,
    /// Its place among those that wait for a slot.
    pub(crate) rank: Rank,
    /// Since when it could have run.
    pub(crate) due_at: Timestamp,
    /// Whether it was taken from a dead owner.
    pub(crate) interrupted: bool,
    pub(crate) gate: Arc<Gate>,
    /// What its rate limits go by.
    pub(crate) counted: Counted,
    /// What its rate limits have said.
    pub(crate) budget: Budget,
    /// Whether it has waited for its slot.
    pub(crate) has_waited: bool,
    /// What the attempts before have failed with, if they were made by this process.
    pub(crate) failures: Vec<Failure>,
    // Dropped last and in this order: the id is free before its place is.
    pub(crate) registration: Registration,
    /// None while it waits for its slot.
    pub(crate) place: Option<Place>,
    /// Dropped last: who gets the turn finds a place. None while it waits for its slot.
    pub(crate) turn: Option<Turn>,
}

/// Where a delivery stands with its rate limits.
#[derive(Debug, Default)]
pub(crate) enum Budget {
    /// It has not been asked for.
    #[default]
    Unasked,
    /// It has a slot.
    Booked(Booking),
    /// It is spent.
    Spent,
    /// It is refused.
    Refused(Box<Refusal>),
}

impl Delivery {
    pub(crate) fn new(
        mut record: TaskRecord,
        live: Option<Payload>,
        task: &RegisteredTask,
        gate: &Arc<Gate>,
        registration: Registration,
        place: Place,
    ) -> Self {
        let rank = Rank::of(&record, gate.config.ageing);
        let stored = Input::Stored {
            version: record.definition.payload_version,
            json: std::mem::take(&mut record.definition.payload),
        };
        let definition = &record.definition;
        let timeout = definition
            .timeout
            .or(task.options.timeout)
            .or(gate.config.timeout);
        Self {
            lease: RowLease::new(&record),
            recurrence: None,
            occurrence: definition.series_id.zip(definition.occurrence_at),
            input: live.map_or(stored, Input::Live),
            retries: retries(&record, task, gate),
            timeout: timeout.filter(|timeout| !timeout.is_zero()),
            rank,
            due_at: record.state.available_at.unwrap_or(definition.created_at),
            interrupted: false,
            task: task.clone(),
            gate: Arc::clone(gate),
            counted: Counted::of(&record.definition),
            budget: Budget::default(),
            has_waited: false,
            failures: Vec::new(),
            registration,
            place: Some(place),
            turn: None,
        }
    }

    /// Who asks for budget.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            queue: self.gate.name(),
            task: self.task.name,
            counted: &self.counted,
        }
    }

    /// Whether it has failed before in this run.
    pub(crate) fn is_retry(&self) -> bool {
        self.lease.state().attempts > 0
    }

    /// Which run of a series this is.
    pub(crate) fn series_run(&self) -> Option<SeriesRun> {
        let state = self.lease.state();
        let Some((recurrence, due)) = self.recurrence.as_ref().zip(state.next_run_at) else {
            return self.occurrence.map(|(series, scheduled_at)| SeriesRun {
                series,
                scheduled_at,
                number: None,
                previous_ended_at: None,
                next_at: None,
            });
        };
        let number = state.run_count.saturating_add(1);
        Some(SeriesRun {
            series: self.lease.id(),
            scheduled_at: due,
            number: Some(number),
            previous_ended_at: state.last_execution_at,
            next_at: recurrence.after(due, number, due).at,
        })
    }

    /// When the series runs if its due occurrence does not; `None` for a task that runs once.
    pub(crate) fn next_unless_run(&self, now: Timestamp) -> Option<Next> {
        let state = self.lease.state();
        let due = state.next_run_at?;
        Some(self.recurrence.as_ref()?.after(due, state.run_count, now))
    }

    /// When the series goes on if its due occurrence finds no budget before `slot`; `None` for a task that
    /// runs once.
    pub(crate) fn next_from_slot(&self, slot: Timestamp) -> Option<Next> {
        let state = self.lease.state();
        let due = state.next_run_at?;
        let recurrence = self.recurrence.as_ref()?;
        Some(recurrence.after_refusal(due, state.run_count, slot))
    }

    /// When the series runs again after the run that ended at `now`, and whether well.
    pub(crate) fn next_run(&self, has_failed: bool, now: Timestamp) -> Next {
        let state = self.lease.state();
        let (Some(recurrence), Some(due)) = (&self.recurrence, state.next_run_at) else {
            return Next::default();
        };
        let failures = state.failures_in_row.saturating_add(1);
        let most = recurrence.policy().stop_after_failures;
        match most.filter(|most| has_failed && failures >= *most) {
            Some(most) => SeriesEnd::Failures(most).into(),
            None => recurrence.after(due, state.run_count.saturating_add(1), now),
        }
    }
}

/// How a task is retried: as it says itself, as its kind does, as its queue does. That of the queue is
/// the runtime's if it has none of its own.
///
/// What a task says was checked when it was dispatched, but perhaps by another program: what can't be
/// used here is passed over.
fn retries(record: &TaskRecord, task: &RegisteredTask, gate: &Gate) -> Retries {
    let resolve = |policy: &RetryPolicy| Retries::resolve(policy, &task.customs);
    if let Some(own) = &record.definition.retry {
        match resolve(own) {
            Ok(retries) => return retries,
            Err(error) => {
                let (id, name) = (record.id(), task.name);
                tracing::warn!(%id, task = name, %error, "the task is retried as its kind is");
            }
        }
    }
    let inherited = task.options.retry.as_ref().or(gate.config.retry.as_ref());
    // These were checked at start.
    let inherited = inherited.and_then(|policy| resolve(policy).ok());
    inherited.unwrap_or_default()
}
