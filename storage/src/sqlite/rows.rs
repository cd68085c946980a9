//! What goes into the JSON parameters of the set-based statements.
//!
//! A field has the name of its column; [`statements`](super::statements) reads it by that name.

use std::time::Duration;

use evertask_core::retry::RetryPolicy;
use evertask_core::storage::{AuditEntry, RowChange, StorageError, StorageErrorKind};
use evertask_core::task::{
    AttemptRecord, Failure, RowState, TaskDefinition, TaskId, TaskRecord, WaitReason,
};
use evertask_core::time::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// Writes a parameter.
pub(super) fn json<T: Serialize + ?Sized>(rows: &T) -> Result<String, StorageError> {
    serde_json::to_string(rows).map_err(|error| {
        StorageError::new(StorageErrorKind::Rejected, "encode rows").with_source(error)
    })
}

/// An id, which JSON can't carry as bytes; `unhex` of `SQLite` makes them again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex(pub(super) Uuid);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// A row to insert.
#[derive(Serialize)]
pub(super) struct TaskRow<'a> {
    id: Hex,
    created_at: i64,
    task: &'a str,
    payload_version: u32,
    queue: &'a str,
    scheduled_at: Option<i64>,
    priority: i32,
    tags: String,
    correlation_id: Option<&'a str>,
    parent_id: Option<Hex>,
    series_id: Option<Hex>,
    occurrence_at: Option<i64>,
    limit_key: Option<&'a str>,
    retry: Option<String>,
    timeout_us: Option<i64>,
    trace_parent: Option<&'a str>,
    trace_state: Option<&'a str>,
    payload: &'a str,
    generation: i64,
    #[serde(flatten)]
    state: StateRow<'a>,
}

impl<'a> TaskRow<'a> {
    pub(super) fn new(record: &'a TaskRecord) -> Result<Self, StorageError> {
        let definition: &TaskDefinition = &record.definition;
        Ok(Self {
            id: Hex(definition.id.0),
            created_at: micros(definition.created_at),
            task: &definition.task,
            payload_version: definition.payload_version,
            queue: &definition.queue,
            scheduled_at: definition.scheduled_at.map(micros),
            priority: definition.priority,
            tags: json(&definition.tags)?,
            correlation_id: definition.correlation_id.as_deref(),
            parent_id: definition.parent_id.map(|id| Hex(id.0)),
            series_id: definition.series_id.map(|id| Hex(id.0)),
            occurrence_at: definition.occurrence_at.map(micros),
            limit_key: definition.limit_key.as_deref(),
            retry: definition
                .retry
                .as_ref()
                .map(json::<RetryPolicy>)
                .transpose()?,
            timeout_us: definition.timeout.map(span),
            trace_parent: definition.trace.as_ref().map(|trace| trace.parent.as_str()),
            trace_state: definition
                .trace
                .as_ref()
                .and_then(|trace| trace.state.as_deref()),
            payload: &definition.payload,
            generation: record.generation.0,
            state: StateRow::new(&record.state),
        })
    }
}

/// A row to update, if it has the generation `expected`.
#[derive(Serialize)]
pub(super) struct ChangeRow<'a> {
    id: Hex,
    expected: i64,
    generation: i64,
    #[serde(flatten)]
    state: StateRow<'a>,
}

impl<'a> ChangeRow<'a> {
    pub(super) fn new(change: &'a RowChange) -> Self {
        Self {
            id: Hex(change.id.0),
            expected: change.expected.0,
            generation: change.generation.0,
            state: StateRow::new(&change.state),
        }
    }
}

#[derive(Serialize)]
struct StateRow<'a> {
    status: &'static str,
    owner: Option<Hex>,
    available_at: Option<i64>,
    wait_reason: Option<&'static str>,
    attempts: u32,
    interruptions: u32,
    on_probation: bool,
    recovery_failures: u32,
    error: Option<&'a str>,
    error_kind: Option<&'static str>,
    error_fingerprint: Option<&'a str>,
    last_execution_at: Option<i64>,
    execution_time_us: Option<i64>,
}

impl<'a> StateRow<'a> {
    fn new(state: &'a RowState) -> Self {
        Self {
            status: state.status.as_str(),
            owner: state.owner.map(|owner| Hex(owner.0)),
            available_at: state.available_at.map(micros),
            wait_reason: state.wait_reason.map(WaitReason::as_str),
            attempts: state.attempts,
            interruptions: state.interruptions,
            on_probation: state.on_probation,
            recovery_failures: state.recovery_failures,
            error: text(state.failure.as_ref()),
            error_kind: kind(state.failure.as_ref()),
            error_fingerprint: state.error_fingerprint.as_deref(),
            last_execution_at: state.last_execution_at.map(micros),
            execution_time_us: state.execution_time.map(span),
        }
    }
}

/// A line of the status audit.
#[derive(Serialize)]
pub(super) struct AuditRow {
    task_id: Hex,
    at: i64,
    status: &'static str,
    error: Option<String>,
    error_kind: Option<&'static str>,
    actor: Option<String>,
    reason: Option<String>,
}

impl AuditRow {
    pub(super) fn new(task: TaskId, entry: &AuditEntry) -> Self {
        Self {
            task_id: Hex(task.0),
            at: micros(entry.at),
            status: entry.status.as_str(),
            error: text(entry.failure.as_ref()).map(str::to_owned),
            error_kind: kind(entry.failure.as_ref()),
            actor: entry.actor.clone(),
            reason: entry.reason.clone(),
        }
    }
}

/// An attempt that ended.
#[derive(Serialize)]
pub(super) struct AttemptRow {
    id: Hex,
    task_id: Hex,
    number: u32,
    process_id: Hex,
    started_at: i64,
    waited_us: i64,
    ran_us: i64,
    outcome: &'static str,
    error: Option<String>,
    error_kind: Option<&'static str>,
}

impl AttemptRow {
    pub(super) fn new(task: TaskId, attempt: &AttemptRecord) -> Self {
        Self {
            id: Hex(attempt.id.0),
            task_id: Hex(task.0),
            number: attempt.number,
            process_id: Hex(attempt.process.0),
            started_at: micros(attempt.started_at),
            waited_us: span(attempt.waited),
            ran_us: span(attempt.ran),
            outcome: attempt.outcome.as_str(),
            error: text(attempt.failure.as_ref()).map(str::to_owned),
            error_kind: kind(attempt.failure.as_ref()),
        }
    }
}

/// An instant as it is stored.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.timestamp_micros()
}

/// A span as it is stored; one of more than 292 000 years is cut to that.
fn span(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn text(failure: Option<&Failure>) -> Option<&str> {
    failure.map(|failure| failure.text.as_str())
}

fn kind(failure: Option<&Failure>) -> Option<&'static str> {
    failure.map(|failure| failure.kind.as_str())
}
