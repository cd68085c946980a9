use std::time::Duration;

use crate::task::{Failure, ProcessId, Status, TaskId, TaskRecord, WaitReason};
use crate::time::Timestamp;

/// A task as lists show it: without its payload and with the beginning of its failure only, so that
/// a page is small whatever the tasks carry.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSummary {
    /// The id of the task.
    pub id: TaskId,
    /// When it was dispatched.
    pub created_at: Timestamp,
    /// The stable name of the task type.
    pub task: String,
    /// The queue it runs in.
    pub queue: String,
    /// When it was asked to run first, if not at once.
    pub scheduled_at: Option<Timestamp>,
    /// Higher runs first.
    pub priority: i32,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// An id of the application's that ties tasks together.
    pub correlation_id: Option<String>,
    /// The task whose handler or hook dispatched it.
    pub parent_id: Option<TaskId>,
    /// The series it is an occurrence of.
    pub series_id: Option<TaskId>,
    /// Which occurrence of the series it is.
    pub occurrence_at: Option<Timestamp>,
    /// The key it was dispatched with.
    pub key: Option<String>,
    /// Whether it is a series.
    pub is_recurring: bool,
    /// How many runs a series has at most.
    pub max_runs: Option<u32>,
    /// Where the task is in its life.
    pub status: Status,
    /// The process that works on it or judged that it must wait.
    pub owner: Option<ProcessId>,
    /// From when on it may be claimed.
    pub available_at: Option<Timestamp>,
    /// Why claims pass it over.
    pub wait_reason: Option<WaitReason>,
    /// How many attempts have ended in failure.
    pub attempts: u32,
    /// The failure of the latest write; its text is cut to [`EXCERPT`](Self::EXCERPT) characters.
    pub failure: Option<Failure>,
    /// Groups failures that are alike.
    pub error_fingerprint: Option<String>,
    /// When its last attempt ended for good.
    pub last_execution_at: Option<Timestamp>,
    /// How long its last attempt ran.
    pub execution_time: Option<Duration>,
    /// How often a series has run.
    pub run_count: u32,
    /// The occurrence of a series that is due next or running.
    pub next_run_at: Option<Timestamp>,
}

impl TaskSummary {
    /// How many characters of a failure's text are shown.
    pub const EXCERPT: usize = 200;

    /// Sums up a task.
    pub fn of(record: &TaskRecord) -> Self {
        let definition = &record.definition;
        let state = &record.state;
        Self {
            id: definition.id,
            created_at: definition.created_at,
            task: definition.task.clone(),
            queue: definition.queue.clone(),
            scheduled_at: definition.scheduled_at,
            priority: definition.priority,
            tags: definition.tags.clone(),
            correlation_id: definition.correlation_id.clone(),
            parent_id: definition.parent_id,
            series_id: definition.series_id,
            occurrence_at: definition.occurrence_at,
            key: definition.key.clone(),
            is_recurring: definition.series.is_some(),
            max_runs: definition
                .series
                .as_ref()
                .and_then(|series| series.max_runs),
            status: state.status,
            owner: state.owner,
            available_at: state.available_at,
            wait_reason: state.wait_reason,
            attempts: state.attempts,
            failure: state.failure.as_ref().map(excerpt),
            error_fingerprint: state.error_fingerprint.clone(),
            last_execution_at: state.last_execution_at,
            execution_time: state.execution_time,
            run_count: state.run_count,
            next_run_at: state.next_run_at,
        }
    }
}

fn excerpt(failure: &Failure) -> Failure {
    Failure {
        kind: failure.kind,
        text: failure.text.chars().take(TaskSummary::EXCERPT).collect(),
    }
}
