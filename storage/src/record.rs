//! From rows to the vocabulary of the core.

use std::str::FromStr;
use std::time::Duration;

use chrono::DateTime;
use evertask_core::storage::{AuditEntry, StorageError, StorageErrorKind};
use evertask_core::task::{
    AttemptId, AttemptRecord, Failure, FailureKind, Generation, ProcessId, RowState,
    TaskDefinition, TaskId, TaskRecord, TraceContext,
};
use evertask_core::time::Timestamp;
use evertask_entities::{Instant, attempt, status_audit, task};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A row that holds something this version can't read: somebody else wrote it.
#[derive(Debug, Error)]
#[error("the column {column} can't be read: {reason}")]
pub(crate) struct UnreadableRow {
    column: &'static str,
    reason: String,
}

impl From<UnreadableRow> for StorageError {
    fn from(error: UnreadableRow) -> Self {
        Self::new(StorageErrorKind::Unusable, "read a row").with_source(error)
    }
}

pub(crate) fn task_record(row: task::Model) -> Result<TaskRecord, UnreadableRow> {
    let state = RowState {
        status: named("status", &row.status)?,
        owner: row.owner.map(ProcessId),
        available_at: row
            .available_at
            .map(|at| instant("available_at", at))
            .transpose()?,
        wait_reason: row
            .wait_reason
            .map(|reason| named("wait_reason", &reason))
            .transpose()?,
        attempts: count("attempts", row.attempts)?,
        interruptions: count("interruptions", row.interruptions)?,
        on_probation: row.on_probation,
        recovery_failures: count("recovery_failures", row.recovery_failures)?,
        failure: failure(row.error_kind.as_deref(), row.error),
        error_fingerprint: row.error_fingerprint,
        last_execution_at: row
            .last_execution_at
            .map(|at| instant("last_execution_at", at))
            .transpose()?,
        execution_time: row
            .execution_time_us
            .map(|span| duration("execution_time_us", span))
            .transpose()?,
    };
    let definition = TaskDefinition {
        id: TaskId(row.id),
        created_at: instant("created_at", row.created_at)?,
        task: row.task,
        payload_version: count("payload_version", row.payload_version)?,
        payload: row.payload,
        queue: row.queue,
        scheduled_at: row
            .scheduled_at
            .map(|at| instant("scheduled_at", at))
            .transpose()?,
        priority: row.priority,
        tags: json("tags", &row.tags)?,
        correlation_id: row.correlation_id,
        parent_id: row.parent_id.map(TaskId),
        series_id: row.series_id.map(TaskId),
        occurrence_at: row
            .occurrence_at
            .map(|at| instant("occurrence_at", at))
            .transpose()?,
        limit_key: row.limit_key,
        retry: row.retry.map(|policy| json("retry", &policy)).transpose()?,
        timeout: row
            .timeout_us
            .map(|span| duration("timeout_us", span))
            .transpose()?,
        trace: row.trace_parent.map(|parent| TraceContext {
            parent,
            state: row.trace_state,
        }),
    };
    Ok(TaskRecord {
        definition,
        generation: Generation(row.generation),
        state,
    })
}

pub(crate) fn attempt_record(row: attempt::Model) -> Result<AttemptRecord, UnreadableRow> {
    Ok(AttemptRecord {
        id: AttemptId(row.id),
        number: count("number", row.number)?,
        process: ProcessId(row.process_id),
        started_at: instant("started_at", row.started_at)?,
        waited: duration("waited_us", row.waited_us)?,
        ran: duration("ran_us", row.ran_us)?,
        outcome: named("outcome", &row.outcome)?,
        failure: failure(row.error_kind.as_deref(), row.error),
    })
}

pub(crate) fn audit_entry(row: status_audit::Model) -> Result<AuditEntry, UnreadableRow> {
    Ok(AuditEntry {
        at: instant("at", row.at)?,
        status: named("status", &row.status)?,
        failure: failure(row.error_kind.as_deref(), row.error),
        actor: row.actor,
        reason: row.reason,
    })
}

fn named<T>(column: &'static str, text: &str) -> Result<T, UnreadableRow>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse().map_err(|error: T::Err| UnreadableRow {
        column,
        reason: error.to_string(),
    })
}

fn json<T: DeserializeOwned>(column: &'static str, text: &str) -> Result<T, UnreadableRow> {
    serde_json::from_str(text).map_err(|error| UnreadableRow {
        column,
        reason: error.to_string(),
    })
}

fn instant(column: &'static str, micros: Instant) -> Result<Timestamp, UnreadableRow> {
    DateTime::from_timestamp_micros(micros.0).ok_or_else(|| out_of_range(column, micros.0))
}

fn duration(column: &'static str, micros: i64) -> Result<Duration, UnreadableRow> {
    u64::try_from(micros)
        .map(Duration::from_micros)
        .map_err(|_| out_of_range(column, micros))
}

fn count(column: &'static str, number: i64) -> Result<u32, UnreadableRow> {
    u32::try_from(number).map_err(|_| out_of_range(column, number))
}

fn out_of_range(column: &'static str, number: i64) -> UnreadableRow {
    UnreadableRow {
        column,
        reason: format!("{number} is out of range"),
    }
}

fn failure(kind: Option<&str>, text: Option<String>) -> Option<Failure> {
    let kind = kind?.parse().unwrap_or(FailureKind::Other);
    Some(Failure {
        kind,
        text: text.unwrap_or_default(),
    })
}
