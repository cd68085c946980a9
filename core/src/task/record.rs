use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Failure, Generation, ProcessId, Status, TaskId, WaitReason};
use crate::retry::RetryPolicy;
use crate::time::Timestamp;

/// The W3C trace context of whoever dispatched a task, so that a trace crosses the queue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TraceContext {
    /// The `traceparent` header.
    pub parent: String,
    /// The `tracestate` header, if there was one.
    pub state: Option<String>,
}

/// What was asked for: the part of a row that running it does not change.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TaskDefinition {
    /// The id of the task.
    pub id: TaskId,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// The stable name of the task type.
    pub task: String,
    /// The version of the payload's shape.
    pub payload_version: u32,
    /// The payload as JSON.
    pub payload: String,
    /// The queue it runs in.
    pub queue: String,
    /// When it was asked to run first, if not at once.
    pub scheduled_at: Option<Timestamp>,
    /// Higher runs first; the default is 0.
    pub priority: i32,
    /// Free words to find it by.
    pub tags: Vec<String>,
    /// An id of the application's that ties tasks together.
    pub correlation_id: Option<String>,
    /// The task whose handler or hook dispatched it.
    pub parent_id: Option<TaskId>,
    /// The series it is an occurrence of.
    pub series_id: Option<TaskId>,
    /// Which occurrence of the series it is.
    pub occurrence_at: Option<Timestamp>,
    /// The key of the rate limit it falls under.
    pub limit_key: Option<String>,
    /// How its failures are retried; `None` takes the default of its type and queue.
    pub retry: Option<RetryPolicy>,
    /// How long an attempt may run; `None` takes the default of its type and queue, and zero means
    /// without limit.
    pub timeout: Option<Duration>,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
}

/// The part of a row that running it changes.
///
/// A write to a row replaces the whole of it, so there is no combination of columns that only some
/// order of writes could produce.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RowState {
    /// Where the task is in its life.
    pub status: Status,
    /// The process that works on it or judged that it must wait.
    pub owner: Option<ProcessId>,
    /// From when on it may be claimed; `None` once it is over.
    pub available_at: Option<Timestamp>,
    /// Why claims pass it over, if they do.
    pub wait_reason: Option<WaitReason>,
    /// How many attempts have ended in failure.
    pub attempts: u32,
    /// How often in a row its process died soon after it had been started alone.
    pub interruptions: u32,
    /// Whether it was started alone after a crash and has not outlived its probation yet.
    pub on_probation: bool,
    /// In how many starts it could not be decoded.
    pub recovery_failures: u32,
    /// The failure of the latest write, if any.
    pub failure: Option<Failure>,
    /// Groups failures that are alike; see [`fingerprint`](super::fingerprint).
    pub error_fingerprint: Option<String>,
    /// When its last attempt ended for good.
    pub last_execution_at: Option<Timestamp>,
    /// How long its last attempt ran.
    pub execution_time: Option<Duration>,
}

/// A stored task.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TaskRecord {
    /// What was asked for.
    pub definition: TaskDefinition,
    /// How often the row has been written since.
    pub generation: Generation,
    /// What became of it so far.
    pub state: RowState,
}

impl RowState {
    /// The state of a task that has just been stored without a place in a window.
    pub fn waiting(available_at: Timestamp) -> Self {
        Self {
            status: Status::WaitingQueue,
            owner: None,
            available_at: Some(available_at),
            wait_reason: None,
            attempts: 0,
            interruptions: 0,
            on_probation: false,
            recovery_failures: 0,
            failure: None,
            error_fingerprint: None,
            last_execution_at: None,
            execution_time: None,
        }
    }

    /// The state of a task that has just been stored on its way to a place in a window.
    pub fn queued(available_at: Timestamp, owner: ProcessId) -> Self {
        Self {
            status: Status::Queued,
            owner: Some(owner),
            ..Self::waiting(available_at)
        }
    }
}
