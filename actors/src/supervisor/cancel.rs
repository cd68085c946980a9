//! What cancels tasks: by its id, by its key, or all that a filter means.

use actix::Message;
use evertask_core::storage::query::TaskFilter;
use evertask_core::task::{Status, TaskId};

use super::messages::RequestError;
use crate::delivery::Cancellation;

/// Cancels a task, wherever it is; the answer comes once that is stored.
///
/// A task that waits never runs. One that runs is told to stop, and aborted if it does not; whatever
/// it returns, it stays cancelled.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<CancelOutcome, RequestError>")]
pub struct Cancel {
    pub(super) id: TaskId,
    pub(super) by: Cancellation,
}

/// Cancels the task that holds a [key](crate::Dispatch::key); the answer says which that was, and is `None`
/// if none holds it.
///
/// A series is cancelled as a whole and keeps its key.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Option<CancelledTask>, RequestError>")]
pub struct CancelByKey {
    pub(super) key: String,
    pub(super) by: Cancellation,
}

/// Cancels all tasks that a filter means and that are not over; the answer comes when all are.
///
/// An empty filter means every task. Those that are dispatched after it was sent are not meant. It goes page
/// by page and holds up nobody; if it fails on the way, what was cancelled stays cancelled, and it can be
/// sent again.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<CancelReport, RequestError>")]
pub struct CancelAll {
    pub(super) filter: TaskFilter,
    pub(super) by: Cancellation,
}

impl Cancel {
    /// Cancels the task of that id.
    pub fn new(id: impl Into<TaskId>) -> Self {
        Self {
            id: id.into(),
            by: Cancellation::default(),
        }
    }
}

impl CancelByKey {
    /// Cancels the task that holds that key, told apart exactly.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            by: Cancellation::default(),
        }
    }
}

impl CancelAll {
    /// Cancels the tasks that are meant.
    pub fn new(filter: TaskFilter) -> Self {
        Self {
            filter,
            by: Cancellation::default(),
        }
    }
}

macro_rules! says_who_and_why {
    ($($message:ident),+) => {$(
        impl $message {
            /// Says in the audit who asked for it.
            #[must_use]
            pub fn by(mut self, actor: impl Into<String>) -> Self {
                self.by.actor = Some(actor.into());
                self
            }

            /// Says in the audit why.
            #[must_use]
            pub fn because(mut self, reason: impl Into<String>) -> Self {
                self.by.reason = Some(reason.into());
                self
            }
        }
    )+};
}

says_who_and_why!(Cancel, CancelByKey, CancelAll);

/// What a cancel found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// The task was waiting and never runs.
    Cancelled,
    /// Its handler was running and has been told to stop.
    CancelledWhileRunning,
    /// It was over already and is left as it was.
    AlreadyOver(Status),
    /// There is no such task.
    Unknown,
}

/// A task that was meant by its key, and what the cancel found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CancelledTask {
    /// The task.
    pub id: TaskId,
    /// What became of it.
    pub outcome: CancelOutcome,
}

/// What became of the tasks that a filter means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CancelReport {
    /// So many were waiting and never run.
    pub cancelled: u64,
    /// So many were running and have been told to stop.
    pub cancelled_while_running: u64,
    /// So many came to their end before they could be cancelled.
    pub already_over: u64,
}

impl CancelOutcome {
    /// What a cancel found that ended its task.
    pub(super) fn of(was_running: bool) -> Self {
        if was_running {
            Self::CancelledWhileRunning
        } else {
            Self::Cancelled
        }
    }
}

impl CancelReport {
    pub(super) fn count(&mut self, outcome: CancelOutcome) {
        match outcome {
            CancelOutcome::Cancelled => self.cancelled += 1,
            CancelOutcome::CancelledWhileRunning => self.cancelled_while_running += 1,
            CancelOutcome::AlreadyOver(_) => self.already_over += 1,
            // Retention has taken it meanwhile.
            CancelOutcome::Unknown => {}
        }
    }
}
