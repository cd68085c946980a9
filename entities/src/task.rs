//! A task: what was asked for, its generation and what became of it so far.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait, Uuid,
};

use crate::Instant;

/// A row of the table of tasks.
#[derive(Clone, Debug, DeriveEntityModel, Eq, PartialEq)]
#[sea_orm(table_name = "evertask_tasks")]
pub struct Model {
    /// The id of the task.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it was dispatched.
    pub created_at: Instant,
    /// The stable name of the task type.
    pub task: String,
    /// The version of the payload's shape.
    pub payload_version: i64,
    /// The queue it runs in.
    pub queue: String,
    /// When it was asked to run first.
    pub scheduled_at: Option<Instant>,
    /// Higher runs first.
    pub priority: i64,
    /// A JSON array of words.
    pub tags: String,
    /// An id of the application's.
    pub correlation_id: Option<String>,
    /// The task that dispatched it.
    pub parent_id: Option<Uuid>,
    /// The series it is an occurrence of.
    pub series_id: Option<Uuid>,
    /// Which occurrence of the series it is.
    pub occurrence_at: Option<Instant>,
    /// The key of its rate limit.
    pub limit_key: Option<String>,
    /// The retry policy as JSON.
    pub retry: Option<String>,
    /// How long an attempt may run, in microseconds.
    pub timeout_us: Option<i64>,
    /// The `traceparent` header.
    pub trace_parent: Option<String>,
    /// The `tracestate` header.
    pub trace_state: Option<String>,
    /// The version number of the row.
    pub generation: i64,
    /// The name of the status.
    pub status: String,
    /// The process that works on it or judged that it must wait.
    pub owner: Option<Uuid>,
    /// From when on it may be claimed.
    pub available_at: Option<Instant>,
    /// Why claims pass it over.
    pub wait_reason: Option<String>,
    /// How many attempts have ended in failure.
    pub attempts: i64,
    /// How often in a row its process died soon after it had been started alone.
    pub interruptions: i64,
    /// Whether it was started alone and has not outlived its probation.
    pub on_probation: bool,
    /// In how many starts it could not be decoded.
    pub recovery_failures: i64,
    /// The text of its failure.
    pub error: Option<String>,
    /// The kind of its failure.
    pub error_kind: Option<String>,
    /// Groups failures that are alike.
    pub error_fingerprint: Option<String>,
    /// When its last attempt ended for good.
    pub last_execution_at: Option<Instant>,
    /// How long its last attempt ran, in microseconds.
    pub execution_time_us: Option<i64>,
    /// The payload as JSON.
    pub payload: String,
    /// The key it was dispatched with.
    pub task_key: Option<String>,
    /// Until when it holds its active key though it is over.
    pub key_until: Option<Instant>,
    /// The number of the audit level; none in rows that are older than the column.
    pub audit_level: Option<i32>,
    /// The schedule as JSON, if it is a series.
    pub schedule: Option<String>,
    /// The instant from which the schedule counts.
    pub anchor: Option<Instant>,
    /// How many runs a series has at most.
    pub max_runs: Option<i64>,
    /// The instant at and after which no run begins.
    pub run_until: Option<Instant>,
    /// The key that no other task may be stored with.
    pub active_key: Option<String>,
    /// How often a series has run; none in rows that are older than the column.
    pub run_count: Option<i64>,
    /// The occurrence of a series that is due next or running.
    pub next_run_at: Option<Instant>,
    /// The instant after which it was not to be started.
    pub deadline_at: Option<Instant>,
    /// The same, until it is started.
    pub start_by: Option<Instant>,
    /// The delay before the retry that is next, in microseconds.
    pub retry_delay_us: Option<i64>,
    /// How often in a row its handler asked to be called later; none in rows that are older than the
    /// column.
    pub snoozes: Option<i64>,
    /// Why it did the last time.
    pub snooze_reason: Option<String>,
    /// What it shares with others of its type of which only so many run at once.
    pub concurrency_key: Option<String>,
    /// What its last run returned, as JSON.
    pub result: Option<String>,
    /// How far it said it has come, in hundredths of a percent.
    pub progress: Option<i64>,
    /// What it said it was doing.
    pub progress_text: Option<String>,
    /// When it said so.
    pub progress_at: Option<Instant>,
    /// What a series does with occurrences that can't run at their time, as JSON.
    pub series_policy: Option<String>,
    /// What the program registered a series as the last time, as JSON.
    pub registered: Option<String>,
    /// The declared set of series it belongs to.
    pub declared_in: Option<String>,
    /// How many runs of a series have failed since one succeeded; none in rows that are older than the
    /// column.
    pub failures_in_row: Option<i64>,
    /// How much of its rate limits one start costs; none in rows that are older than the column.
    pub limit_cost: Option<i64>,
    /// What claims know its limit key by: made from it and the name of the type.
    pub limit_lane: Option<String>,
}

/// Tables it belongs to or has rows in.
#[derive(Clone, Copy, Debug, DeriveRelation, EnumIter)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
