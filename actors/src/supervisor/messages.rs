use actix::{Message, Recipient};
use evertask_core::task::{AttemptRecord, Status, TaskId, TaskRecord};
use thiserror::Error;

use super::shutdown::ShutdownReport;
use crate::monitor::TaskEvent;

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
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
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

/// Reads a task with its attempts; `None` if there is no such task.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Option<TaskView>, RequestError>")]
pub struct GetTask(pub TaskId);

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// The task itself.
    pub record: TaskRecord,
    /// Its attempts that have ended, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

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

/// Shuts the runtime down: drains, tells handlers to stop, aborts; every sender gets the report.
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
    /// The runtime has ended, or crashed over this request.
    #[error("the runtime did not answer, the outcome is unknown")]
    NoAnswer,
}
