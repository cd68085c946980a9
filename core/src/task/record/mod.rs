use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Failure, Generation, ProcessId, Progress, SeriesDefinition, Status, TaskId, WaitReason,
};
use crate::audit::AuditLevel;
use crate::limit;
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
    /// What it shares its rate limit with, among the tasks of its type; at most 200 characters.
    pub limit_key: Option<String>,
    /// How much of its rate limits one start costs; 1 unless the task says otherwise.
    pub limit_cost: u32,
    /// What it shares with others of its type of which only so many run at once; at most 200
    /// characters.
    pub concurrency_key: Option<String>,
    /// How its failures are retried; `None` takes the default of its type and queue.
    pub retry: Option<RetryPolicy>,
    /// How long an attempt may run; `None` takes the default of its type and queue, and zero means
    /// without limit.
    pub timeout: Option<Duration>,
    /// The instant after which it is not started any more; see [`RowState::start_by`].
    pub deadline: Option<Timestamp>,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
    /// The key it was dispatched with, which tells repeated dispatches from new ones; at most 200
    /// characters.
    pub key: Option<String>,
    /// Until when a task that runs once holds its key though it is over; `None` gives it up at its
    /// end.
    pub key_until: Option<Timestamp>,
    /// How much of its history is kept.
    pub audit_level: AuditLevel,
    /// When it runs again, if it is a series; `None` for a task that runs once.
    pub series: Option<SeriesDefinition>,
}

impl TaskDefinition {
    /// The longest key, in characters.
    pub const MAX_KEY_LENGTH: usize = 200;

    /// A task that runs once and as soon as possible, with nothing set but what it must have; its
    /// queue is `default`.
    pub fn new(id: TaskId, task: &str, payload: &str, created_at: Timestamp) -> Self {
        Self {
            id,
            created_at,
            task: task.to_owned(),
            payload_version: 1,
            payload: payload.to_owned(),
            queue: "default".to_owned(),
            scheduled_at: None,
            priority: 0,
            tags: Vec::new(),
            correlation_id: None,
            parent_id: None,
            series_id: None,
            occurrence_at: None,
            limit_key: None,
            limit_cost: 1,
            concurrency_key: None,
            retry: None,
            timeout: None,
            deadline: None,
            trace: None,
            key: None,
            key_until: None,
            audit_level: AuditLevel::default(),
            series: None,
        }
    }

    /// The declared set of series it belongs to, if it does.
    pub fn declared_in(&self) -> Option<&String> {
        self.series.as_ref()?.declared_in.as_ref()
    }

    /// Where storages keep it apart from the tasks of other limit keys; `None` without such a key.
    pub fn limit_lane(&self) -> Option<String> {
        let key = self.limit_key.as_deref()?;
        Some(limit::lane(&self.task, key))
    }

    /// When it is due first.
    pub fn first_due(&self) -> Timestamp {
        self.scheduled_at.unwrap_or(self.created_at)
    }

    /// Whether the task holds its key though it is over at `now`: a series does, so that it can be
    /// found and revived under it, and a task that was dispatched to hold it for a time.
    pub fn keeps_key(&self, now: Timestamp) -> bool {
        self.series.is_some() || self.key_until.is_some_and(|until| until > now)
    }
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
    /// The key that no other task may be stored with; a task that runs once gives it up when it is
    /// over, a series keeps it.
    pub active_key: Option<String>,
    /// How often a series has run; skipped and interrupted occurrences don't count. Stands still at
    /// [`MAX_RUN_COUNT`](super::MAX_RUN_COUNT).
    pub run_count: u32,
    /// How many runs of a series have failed since one succeeded.
    pub failures_in_row: u32,
    /// The occurrence of a series that is due next or running; `None` once it is over, and for a
    /// task that runs once.
    pub next_run_at: Option<Timestamp>,
    /// The instant by which its handler has to be entered; `None` once it was, or without a
    /// deadline. What goes on after an interruption, a retry or a snooze is late as it likes.
    pub start_by: Option<Timestamp>,
    /// The delay after which the next attempt was to follow a failed one; `None` unless the next
    /// attempt is a retry.
    pub retry_delay: Option<Duration>,
    /// How often in a row the handler asked to be called again later.
    pub snoozes: u32,
    /// Why it did the last time, while the task waits for it.
    pub snooze_reason: Option<String>,
    /// What its last run returned, as JSON; `None` if that was nothing or the run failed.
    pub result: Option<String>,
    /// How far its last delivery said it has come, if it said so.
    pub progress: Option<Progress>,
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

impl TaskRecord {
    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.definition.id
    }
}

impl RowState {
    /// Whether nothing happens to the task any more.
    ///
    /// A series between two runs is `Completed` or `Failed`, as its last run ended, and not over.
    pub fn is_over(&self) -> bool {
        self.status == Status::Cancelled
            || (self.status.is_terminal() && self.next_run_at.is_none())
    }

    /// From when on claims take the row, if they ever do: `None` if it is over, waits for a reason or
    /// has no instant.
    pub fn claimable_from(&self) -> Option<Timestamp> {
        if self.is_over() || self.wait_reason.is_some() {
            return None;
        }
        self.available_at
    }

    /// Whether a claim of its queue takes the row at `now`: it is due, and nobody who `lives` owns
    /// it. Every storage decides like this function.
    pub fn is_claimable(&self, now: Timestamp, lives: impl FnOnce(ProcessId) -> bool) -> bool {
        let is_due = self.claimable_from().is_some_and(|due| due <= now);
        is_due && !self.owner.is_some_and(lives)
    }

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
            active_key: None,
            run_count: 0,
            failures_in_row: 0,
            next_run_at: None,
            start_by: None,
            retry_delay: None,
            snoozes: 0,
            snooze_reason: None,
            result: None,
            progress: None,
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

#[cfg(test)]
mod tests;
