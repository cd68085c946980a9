use actix::{Message, Recipient};
use evertask_core::log::{InvalidLogSearch, LogPage, LogSearch};
use evertask_core::task::{Status, TaskId};
use thiserror::Error;

use super::shutdown::ShutdownReport;
use super::view::TaskView;
use crate::log::LogTail;
use crate::monitor::TaskEvent;
use crate::retention::RetentionReport;

/// Cancels a task, wherever it is; the answer comes once that is stored.
///
/// A task that waits never runs. One that runs is told to stop, and aborted if it does not; whatever
/// it returns, it stays cancelled.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<CancelOutcome, RequestError>")]
pub struct Cancel {
    pub(super) id: TaskId,
    pub(super) actor: Option<String>,
    pub(super) reason: Option<String>,
}

impl Cancel {
    /// Cancels the task of that id.
    pub fn new(id: impl Into<TaskId>) -> Self {
        Self {
            id: id.into(),
            actor: None,
            reason: None,
        }
    }

    /// Says in the audit who asked for it.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says in the audit why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

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

/// Reads a task with its attempts; `None` if there is no such task.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Option<TaskView>, RequestError>")]
pub struct GetTask(pub TaskId);

/// Reads a page of the lines that a task logged; an unknown task has none.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<LogPage, RequestError>")]
pub struct GetLogs(pub LogSearch);

/// Follows the lines that a task logs from now on; `None` if there is no such task.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Option<LogTail>, RequestError>")]
pub struct TailLogs(pub TaskId);

/// Sends every event from now on to an actor.
///
/// The size of the actor's mailbox is the size of its outbox: what does not fit is dropped, and
/// [`TaskEvent::missed`] of the next event says how many.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    pub(super) recipient: Recipient<TaskEvent>,
}

impl Subscribe {
    /// Subscribes the actor behind `recipient`.
    pub fn to(recipient: Recipient<TaskEvent>) -> Self {
        Self { recipient }
    }
}

/// Does a cycle of retention now, without waiting for its time; the answer comes at its end.
///
/// A cycle that is under way ends first.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<RetentionReport, RequestError>")]
pub struct RunRetention;

/// Counts what a cycle of retention would delete now, and deletes nothing.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<RetentionReport, RequestError>")]
pub struct PreviewRetention;

/// Shuts the runtime down: drains, tells handlers to stop, aborts; every sender gets the report.
///
/// If that says that the storage was not closed, it is let go of right after the answer:
/// [`Client::stopped`](crate::Client::stopped) tells when.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "ShutdownReport")]
pub struct Shutdown;

/// A request other than a dispatch that could not be answered.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The storage could not be used.
    #[error("the storage could not be used: {0}")]
    Storage(String),
    /// The search asks for something that can't be answered.
    #[error(transparent)]
    Search(#[from] InvalidLogSearch),
    /// No retention policy is set.
    #[error("no retention policy is set; add one with `.retention(…)`")]
    NoRetention,
    /// The runtime has ended, or crashed over this request.
    #[error("the runtime did not answer, the outcome is unknown")]
    NoAnswer,
}
