use evertask_core::storage::query::TaskSummary;
use evertask_core::task::{ProcessId, TaskId};
use evertask_entities::Instant;
use evertask_entities::task::{Column, Entity};
use sea_orm::sea_query::Func;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QuerySelect, Select};
use uuid::Uuid;

use crate::record::{UnreadableRow, count, duration, failure, instant, json, named, out_of_range};

/// The columns of a task that lists show.
#[derive(Debug, FromQueryResult)]
pub(super) struct SummaryRow {
    pub(super) id: Uuid,
    created_at: Instant,
    task: String,
    queue: String,
    scheduled_at: Option<Instant>,
    priority: i64,
    tags: String,
    correlation_id: Option<String>,
    parent_id: Option<Uuid>,
    series_id: Option<Uuid>,
    occurrence_at: Option<Instant>,
    status: String,
    owner: Option<Uuid>,
    available_at: Option<Instant>,
    wait_reason: Option<String>,
    attempts: i64,
    error: Option<String>,
    error_kind: Option<String>,
    error_fingerprint: Option<String>,
    last_execution_at: Option<Instant>,
    execution_time_us: Option<i64>,
    task_key: Option<String>,
    schedule: Option<String>,
    max_runs: Option<i64>,
    run_count: Option<i64>,
    next_run_at: Option<Instant>,
}

/// Selects these columns, and of a failure's text the beginning.
pub(super) fn select() -> Select<Entity> {
    let excerpt = Func::cust("substr")
        .arg(Column::Error.into_expr())
        .arg(1)
        .arg(i32::try_from(TaskSummary::EXCERPT).unwrap_or(i32::MAX));
    Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::CreatedAt,
            Column::Task,
            Column::Queue,
            Column::ScheduledAt,
            Column::Priority,
            Column::Tags,
            Column::CorrelationId,
            Column::ParentId,
            Column::SeriesId,
            Column::OccurrenceAt,
            Column::Status,
            Column::Owner,
            Column::AvailableAt,
            Column::WaitReason,
            Column::Attempts,
            Column::ErrorKind,
            Column::ErrorFingerprint,
            Column::LastExecutionAt,
            Column::ExecutionTimeUs,
            Column::TaskKey,
            Column::Schedule,
            Column::MaxRuns,
            Column::RunCount,
            Column::NextRunAt,
        ])
        .expr_as(excerpt, "error")
}

impl TryFrom<SummaryRow> for TaskSummary {
    type Error = UnreadableRow;

    fn try_from(row: SummaryRow) -> Result<Self, UnreadableRow> {
        let at = |column, at: Option<Instant>| at.map(|at| instant(column, at)).transpose();
        Ok(Self {
            id: TaskId(row.id),
            created_at: instant("created_at", row.created_at)?,
            task: row.task,
            queue: row.queue,
            scheduled_at: at("scheduled_at", row.scheduled_at)?,
            priority: i32::try_from(row.priority)
                .map_err(|_| out_of_range("priority", row.priority))?,
            tags: json("tags", &row.tags)?,
            correlation_id: row.correlation_id,
            parent_id: row.parent_id.map(TaskId),
            series_id: row.series_id.map(TaskId),
            occurrence_at: at("occurrence_at", row.occurrence_at)?,
            key: row.task_key,
            is_recurring: row.schedule.is_some(),
            max_runs: row
                .max_runs
                .map(|most| count("max_runs", most))
                .transpose()?,
            status: named("status", &row.status)?,
            owner: row.owner.map(ProcessId),
            available_at: at("available_at", row.available_at)?,
            wait_reason: row
                .wait_reason
                .map(|reason| named("wait_reason", &reason))
                .transpose()?,
            attempts: count("attempts", row.attempts)?,
            failure: failure(row.error_kind.as_deref(), row.error),
            error_fingerprint: row.error_fingerprint,
            last_execution_at: at("last_execution_at", row.last_execution_at)?,
            execution_time: row
                .execution_time_us
                .map(|span| duration("execution_time_us", span))
                .transpose()?,
            run_count: count("run_count", row.run_count.unwrap_or_default())?,
            next_run_at: at("next_run_at", row.next_run_at)?,
        })
    }
}
