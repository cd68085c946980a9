//! What does something with tasks on behalf of somebody, beside cancelling them.

use actix::Message;
use evertask_core::manage::{Action, Refusal};
use evertask_core::schedule::{Schedule, SeriesPolicy};
use evertask_core::storage::Deletion;
use evertask_core::storage::query::TaskFilter;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;

use super::messages::RequestError;

/// Does something with a task; the answer comes once that is stored, with who did it.
///
/// Whatever is in a window or runs is left alone. What it writes to the audit is kept at every level.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<ManageOutcome, RequestError>")]
pub struct ManageTask {
    pub(super) id: TaskId,
    pub(super) order: Order,
}

/// Does something with all tasks that a filter means; the answer comes when it is done with each.
///
/// An empty filter means every task. Those that are dispatched after it was sent are not meant, and those
/// that it can't be done with are left alone. It goes page by page and holds up nobody; if it fails on
/// the way, what was done stays done, and it can be sent again.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<ManageReport, RequestError>")]
pub struct ManageAll {
    pub(super) filter: TaskFilter,
    pub(super) order: Order,
}

/// Reads what is kept of a task that somebody deleted; `None` if nobody did.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Option<Deletion>, RequestError>")]
pub struct GetDeletion(pub TaskId);

/// What is to be done, for whom and why.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) action: Action,
    pub(super) actor: Option<String>,
    pub(super) reason: Option<String>,
}

/// What became of a [`ManageTask`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ManageOutcome {
    /// It is done.
    Done,
    /// Nothing was changed, because the task is not one that this can be done with.
    Refused(Refusal),
    /// There is no such task.
    Unknown,
}

/// What became of the tasks that a filter means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ManageReport {
    /// With so many it was done.
    pub done: u64,
    /// So many are not ones that this can be done with, and are as they were.
    pub refused: u64,
    /// So many were gone before it came to them.
    pub unknown: u64,
}

impl ManageReport {
    pub(super) fn count(&mut self, outcome: ManageOutcome) {
        match outcome {
            ManageOutcome::Done => self.done += 1,
            ManageOutcome::Refused(_) => self.refused += 1,
            ManageOutcome::Unknown => self.unknown += 1,
        }
    }
}

impl Order {
    fn of(action: Action) -> Self {
        Self {
            action,
            actor: None,
            reason: None,
        }
    }
}

impl ManageTask {
    /// Runs a task that is over once more, under its id and with its history, as if it had never been tried.
    ///
    /// It is bound to no deadline, and a key that it gave up stays given up. A series that is over is
    /// revived by registering it again.
    pub fn retry(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::Retry)
    }

    /// Runs a task now that waits for its time or for its next attempt.
    ///
    /// A series that rests between two runs runs beside its schedule: the run counts, and the instants
    /// that follow stay what they were. One that runs is left alone; see [`run_beside`](Self::run_beside).
    pub fn run_now(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::RunNow)
    }

    /// Has a task that waits run at another instant, cut to whole microseconds; of a series, only the
    /// next run is moved.
    pub fn reschedule(id: impl Into<TaskId>, at: Timestamp) -> Self {
        Self::new(id, Action::Reschedule(at))
    }

    /// Has a task that waits, or a series that rests between two runs, not start any more until it is
    /// resumed, whatever comes due and however often the process starts.
    pub fn pause(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::Pause)
    }

    /// Has a task that was paused wait for its time again; if that is over, it runs. Of the occurrences
    /// that a series missed meanwhile it runs what it would run after a time without any process: the last
    /// one if the next is not due yet, and else none.
    pub fn resume(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::Resume)
    }

    /// Runs a series once more now, by a task of its own that is not counted, whatever the series is
    /// doing itself.
    pub fn run_beside(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::RunBeside)
    }

    /// Has a series leave out its next occurrence, which is not counted.
    pub fn skip_next(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::SkipNext)
    }

    /// Has a series run by another schedule from now on, with its end.
    ///
    /// That stays so when the program registers the series again at its next start, until what it
    /// registers is different from what it did before.
    pub fn edit_schedule(id: impl Into<TaskId>, schedule: Schedule) -> Self {
        Self::new(id, Action::EditSchedule(Box::new(schedule)))
    }

    /// Has a series treat occurrences that can't run at their time in another way from now on; it stays
    /// so as [`edit_schedule`](Self::edit_schedule) does.
    pub fn edit_policy(id: impl Into<TaskId>, policy: SeriesPolicy) -> Self {
        Self::new(id, Action::EditPolicy(policy))
    }

    /// Removes a task that is over, with its history. Who did it and why is kept for good; see
    /// [`GetDeletion`].
    pub fn delete(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::Delete)
    }

    fn new(id: impl Into<TaskId>, action: Action) -> Self {
        Self {
            id: id.into(),
            order: Order::of(action),
        }
    }
}

impl ManageAll {
    /// See [`ManageTask::retry`].
    pub fn retry(filter: TaskFilter) -> Self {
        Self::new(filter, Action::Retry)
    }

    /// See [`ManageTask::run_now`].
    pub fn run_now(filter: TaskFilter) -> Self {
        Self::new(filter, Action::RunNow)
    }

    /// See [`ManageTask::reschedule`].
    pub fn reschedule(filter: TaskFilter, at: Timestamp) -> Self {
        Self::new(filter, Action::Reschedule(at))
    }

    /// See [`ManageTask::pause`].
    pub fn pause(filter: TaskFilter) -> Self {
        Self::new(filter, Action::Pause)
    }

    /// See [`ManageTask::resume`].
    pub fn resume(filter: TaskFilter) -> Self {
        Self::new(filter, Action::Resume)
    }

    /// See [`ManageTask::delete`].
    pub fn delete(filter: TaskFilter) -> Self {
        Self::new(filter, Action::Delete)
    }

    fn new(filter: TaskFilter, action: Action) -> Self {
        Self {
            filter,
            order: Order::of(action),
        }
    }
}

macro_rules! says_who_and_why {
    ($($message:ident),+) => {$(
        impl $message {
            /// Says in the audit who asked for it; otherwise it was the `application`.
            #[must_use]
            pub fn by(mut self, actor: impl Into<String>) -> Self {
                self.order.actor = Some(actor.into());
                self
            }

            /// Says in the audit why.
            #[must_use]
            pub fn because(mut self, reason: impl Into<String>) -> Self {
                self.order.reason = Some(reason.into());
                self
            }
        }
    )+};
}

says_who_and_why!(ManageTask, ManageAll);
