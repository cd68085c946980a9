//! From rows to the vocabulary of the core.

use std::str::FromStr;
use std::time::Duration;

use chrono::DateTime;
use evertask_core::audit::AuditLevel;
use evertask_core::log::LogLine;
use evertask_core::storage::{
    AuditEntry, Deletion, QueueChange, QueueChangeRecord, QueueSettings, StorageError,
    StorageErrorKind,
};
use evertask_core::task::{
    AttemptId, AttemptRecord, DeliveryId, Failure, FailureKind, Generation, ProcessId, Progress,
    RowState, RunRecord, SeriesDefinition, TaskDefinition, TaskId, TaskRecord, TraceContext,
};
use evertask_core::time::Timestamp;
use evertask_entities::{
    Instant, attempt, deletion, log_line, queue, queue_audit, run, status_audit, task,
};
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

#[allow(
    clippy::too_many_lines,
    reason = "it is a table, with a line or two for each column"
)]
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
        active_key: row.active_key,
        run_count: count("run_count", row.run_count.unwrap_or(0))?,
        next_run_at: row
            .next_run_at
            .map(|at| instant("next_run_at", at))
            .transpose()?,
        start_by: optional("start_by", row.start_by, instant)?,
        retry_delay: optional("retry_delay_us", row.retry_delay_us, duration)?,
        snoozes: count("snoozes", row.snoozes.unwrap_or(0))?,
        snooze_reason: row.snooze_reason,
        result: row.result,
        progress: progress(row.progress, row.progress_text, row.progress_at)?,
        failures_in_row: count("failures_in_row", row.failures_in_row.unwrap_or(0))?,
    };
    let created_at = instant("created_at", row.created_at)?;
    let series = match row.schedule {
        None => None,
        Some(schedule) => Some(SeriesDefinition {
            schedule,
            anchor: row
                .anchor
                .map_or(Ok(created_at), |at| instant("anchor", at))?,
            max_runs: row
                .max_runs
                .map(|most| count("max_runs", most))
                .transpose()?,
            run_until: row
                .run_until
                .map(|at| instant("run_until", at))
                .transpose()?,
            policy: row.series_policy,
            registered: row.registered,
            declared_in: row.declared_in,
        }),
    };
    let definition = TaskDefinition {
        id: TaskId(row.id),
        created_at,
        task: row.task,
        payload_version: count("payload_version", row.payload_version)?,
        payload: row.payload,
        queue: row.queue,
        scheduled_at: row
            .scheduled_at
            .map(|at| instant("scheduled_at", at))
            .transpose()?,
        priority: i32::try_from(row.priority)
            .map_err(|_| out_of_range("priority", row.priority))?,
        tags: json("tags", &row.tags)?,
        correlation_id: row.correlation_id,
        parent_id: row.parent_id.map(TaskId),
        series_id: row.series_id.map(TaskId),
        occurrence_at: row
            .occurrence_at
            .map(|at| instant("occurrence_at", at))
            .transpose()?,
        limit_key: row.limit_key,
        limit_cost: row
            .limit_cost
            .map_or(Ok(1), |cost| count("limit_cost", cost))?,
        concurrency_key: row.concurrency_key,
        retry: row.retry.map(|policy| json("retry", &policy)).transpose()?,
        timeout: row
            .timeout_us
            .map(|span| duration("timeout_us", span))
            .transpose()?,
        deadline: optional("deadline_at", row.deadline_at, instant)?,
        trace: row.trace_parent.map(|parent| TraceContext {
            parent,
            state: row.trace_state,
        }),
        key: row.task_key,
        key_until: row
            .key_until
            .map(|at| instant("key_until", at))
            .transpose()?,
        audit_level: row.audit_level.map_or(AuditLevel::Full, |number| {
            AuditLevel::from_number(number.into())
        }),
        series,
    };
    Ok(TaskRecord {
        definition,
        generation: Generation(row.generation),
        state,
    })
}

fn progress(
    share: Option<i64>,
    text: Option<String>,
    at: Option<Instant>,
) -> Result<Option<Progress>, UnreadableRow> {
    let (Some(share), Some(at)) = (share, at) else {
        return Ok(None);
    };
    Ok(Some(Progress {
        share: count("progress", share)?,
        text: text.unwrap_or_default(),
        at: instant("progress_at", at)?,
    }))
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
        is_counted: row.is_counted,
    })
}

pub(crate) fn run_record(row: run::Model) -> Result<RunRecord, UnreadableRow> {
    Ok(RunRecord {
        id: AttemptId(row.id),
        number: count("number", row.number)?,
        scheduled_at: row
            .scheduled_at
            .map(|at| instant("scheduled_at", at))
            .transpose()?,
        at: instant("at", row.at)?,
        execution_time: duration("execution_time_us", row.execution_time_us)?,
        status: named("status", &row.status)?,
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

pub(crate) fn log_line(row: log_line::Model) -> Result<LogLine, UnreadableRow> {
    Ok(LogLine {
        delivery: DeliveryId(row.delivery),
        run: count("run", row.run)?,
        attempt: count("attempt", row.attempt)?,
        sequence: count("sequence", row.sequence)?,
        at: instant("at", row.at)?,
        level: named("level", &row.level)?,
        target: row.target,
        message: row.message,
        fields: row.fields,
    })
}

pub(crate) fn deletion(row: deletion::Model) -> Result<Deletion, UnreadableRow> {
    Ok(Deletion {
        id: TaskId(row.id),
        task: row.task,
        queue: row.queue,
        status: named("status", &row.status)?,
        at: instant("at", row.at)?,
        actor: row.actor,
        reason: row.reason,
    })
}

pub(crate) fn queue_settings(row: queue::Model) -> Result<QueueSettings, UnreadableRow> {
    Ok(QueueSettings {
        queue: row.queue,
        is_paused: row.is_paused,
        parallelism: row
            .parallelism
            .map(|number| count("parallelism", number))
            .transpose()?,
        version: row.version,
        changed_at: instant("changed_at", row.changed_at)?,
        actor: row.actor,
        reason: row.reason,
    })
}

pub(crate) fn queue_change(row: queue_audit::Model) -> Result<QueueChangeRecord, UnreadableRow> {
    let parallelism = row
        .parallelism
        .map(|number| count("parallelism", number))
        .transpose()?;
    let change = QueueChange::of(&row.change, parallelism).map_err(|error| UnreadableRow {
        column: "change",
        reason: error.to_string(),
    })?;
    Ok(QueueChangeRecord {
        queue: row.queue,
        version: row.version,
        change,
        at: instant("at", row.at)?,
        actor: row.actor,
        reason: row.reason,
    })
}

pub(crate) fn named<T>(column: &'static str, text: &str) -> Result<T, UnreadableRow>
where
    T: FromStr,
    T::Err: ToString,
{
    text.parse().map_err(|error: T::Err| UnreadableRow {
        column,
        reason: error.to_string(),
    })
}

pub(crate) fn json<T: DeserializeOwned>(
    column: &'static str,
    text: &str,
) -> Result<T, UnreadableRow> {
    serde_json::from_str(text).map_err(|error| UnreadableRow {
        column,
        reason: error.to_string(),
    })
}

fn optional<V, T>(
    column: &'static str,
    value: Option<V>,
    read: impl FnOnce(&'static str, V) -> Result<T, UnreadableRow>,
) -> Result<Option<T>, UnreadableRow> {
    value.map(|value| read(column, value)).transpose()
}

pub(crate) fn instant(column: &'static str, micros: Instant) -> Result<Timestamp, UnreadableRow> {
    DateTime::from_timestamp_micros(micros.0).ok_or_else(|| out_of_range(column, micros.0))
}

pub(crate) fn duration(column: &'static str, micros: i64) -> Result<Duration, UnreadableRow> {
    u64::try_from(micros)
        .map(Duration::from_micros)
        .map_err(|_| out_of_range(column, micros))
}

pub(crate) fn count(column: &'static str, number: i64) -> Result<u32, UnreadableRow> {
    u32::try_from(number).map_err(|_| out_of_range(column, number))
}

pub(crate) fn out_of_range(column: &'static str, number: i64) -> UnreadableRow {
    UnreadableRow {
        column,
        reason: format!("{number} is out of range"),
    }
}

pub(crate) fn failure(kind: Option<&str>, text: Option<String>) -> Option<Failure> {
    let kind = kind?.parse().unwrap_or(FailureKind::Other);
    Some(Failure {
        kind,
        text: text.unwrap_or_default(),
    })
}
