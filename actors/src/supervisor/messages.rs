use actix::{Message, Recipient};
use evertask_core::log::{InvalidLogSearch, LogPage, LogSearch};
use evertask_core::storage::StorageError;
use evertask_core::task::TaskId;
use thiserror::Error;

use super::shutdown::ShutdownReport;
use super::view::TaskView;
use crate::log::LogTail;
use crate::monitor::TaskEvent;
use crate::persistence::WriteError;
use crate::queue::QueueError;
use crate::retention::RetentionReport;

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

/// Shuts the runtime down without waiting for handlers: they are told to stop and aborted at once. A
/// shutdown that was begun skips to that.
///
/// Interrupted tasks are stored as stopped and run again after the next start.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "ShutdownReport")]
pub struct ShutdownNow;

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
    /// No queue of that name is configured.
    #[error("the queue {queue:?} is not configured; add it with `.queue(…)`")]
    UnknownQueue {
        /// The name.
        queue: String,
    },
    /// A queue can't be what is asked for.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// No retention policy is set.
    #[error("no retention policy is set; add one with `.retention(…)`")]
    NoRetention,
    /// The runtime has ended, or crashed over this request.
    #[error("the runtime did not answer, the outcome is unknown")]
    NoAnswer,
}

impl From<StorageError> for RequestError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<WriteError> for RequestError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Lost | WriteError::Ended => Self::NoAnswer,
            WriteError::Rejected(_) | WriteError::Unavailable(_) => {
                Self::Storage(error.to_string())
            }
        }
    }
}
