use evertask_core::task::{AttemptRecord, Failure, Progress, Status, TaskId, TaskRecord};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskView {
    /// The task itself.
    pub record: TaskRecord,
    /// Its attempts that have ended, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

impl TaskView {
    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.record.id()
    }

    /// Where the task is in its life.
    pub fn status(&self) -> Status {
        self.record.state.status
    }

    /// Whether nothing happens to the task any more; a series between two runs is not over.
    pub fn is_over(&self) -> bool {
        self.record.state.is_over()
    }

    /// How far its handler said it has come, since it was started last.
    pub fn progress(&self) -> Option<&Progress> {
        self.record.state.progress.as_ref()
    }

    /// What its handler returned when it succeeded last; `None` if that was nothing, or if it has
    /// not succeeded.
    ///
    /// # Errors
    ///
    /// Fails if what is stored is no `O`.
    pub fn result<O: DeserializeOwned>(&self) -> Result<Option<O>, serde_json::Error> {
        let result = self.record.state.result.as_deref();
        result.map(serde_json::from_str).transpose()
    }

    /// What the task returned if it is completed; why there is nothing if it is not.
    ///
    /// A task that returned nothing is read as `()` or as `None`.
    ///
    /// # Errors
    ///
    /// See [`NoResult`].
    pub fn into_result<O: DeserializeOwned>(self) -> Result<O, NoResult> {
        let state = self.record.state;
        match state.status {
            Status::Completed => {
                let result = state.result.as_deref().unwrap_or("null");
                serde_json::from_str(result).map_err(NoResult::OtherType)
            }
            Status::Cancelled => Err(NoResult::Cancelled),
            Status::Failed => match state.failure {
                Some(failure) => Err(NoResult::Failed(failure)),
                None => Err(NoResult::NotOver(Status::Failed)),
            },
            status @ (Status::WaitingQueue
            | Status::Queued
            | Status::InProgress
            | Status::ServiceStopped) => Err(NoResult::NotOver(status)),
        }
    }
}

/// Why a task has no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NoResult {
    /// It failed.
    #[error("the task failed: {0}")]
    Failed(Failure),
    /// It was cancelled.
    #[error("the task was cancelled")]
    Cancelled,
    /// It has not come to its end yet.
    #[error("the task is not over, its status is {0}")]
    NotOver(Status),
    /// It returned a value of another type.
    #[error("what the task returned is not of the type that was asked for: {0}")]
    OtherType(serde_json::Error),
}
