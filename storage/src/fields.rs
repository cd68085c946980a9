//! The columns that groups write, in the order of the values that [`rows`](crate::rows) gives.

/// A column and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// What a column holds; a dialect says which type and which JSON that is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A UUID; hexadecimal digits in JSON.
    Id,
    /// An instant, exact to the microsecond.
    Instant,
    /// A whole number of 64 bits.
    Number,
    /// True or false.
    Flag,
    /// Text.
    Text,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind }
}

/// What was asked for, and the generation.
pub(crate) const DEFINITION: [Field; 33] = [
    field("id", Kind::Id),
    field("created_at", Kind::Instant),
    field("task", Kind::Text),
    field("payload_version", Kind::Number),
    field("queue", Kind::Text),
    field("scheduled_at", Kind::Instant),
    field("priority", Kind::Number),
    field("tags", Kind::Text),
    field("correlation_id", Kind::Text),
    field("parent_id", Kind::Id),
    field("series_id", Kind::Id),
    field("occurrence_at", Kind::Instant),
    field("limit_key", Kind::Text),
    field("retry", Kind::Text),
    field("timeout_us", Kind::Number),
    field("trace_parent", Kind::Text),
    field("trace_state", Kind::Text),
    field("payload", Kind::Text),
    field("generation", Kind::Number),
    field("task_key", Kind::Text),
    field("key_until", Kind::Instant),
    field("audit_level", Kind::Number),
    field("schedule", Kind::Text),
    field("anchor", Kind::Instant),
    field("max_runs", Kind::Number),
    field("run_until", Kind::Instant),
    field("deadline_at", Kind::Instant),
    field("concurrency_key", Kind::Text),
    field("series_policy", Kind::Text),
    field("registered", Kind::Text),
    field("declared_in", Kind::Text),
    field("limit_cost", Kind::Number),
    field("limit_lane", Kind::Text),
];

/// What a change replaces.
pub(crate) const STATE: [Field; 25] = [
    field("status", Kind::Text),
    field("owner", Kind::Id),
    field("available_at", Kind::Instant),
    field("wait_reason", Kind::Text),
    field("attempts", Kind::Number),
    field("interruptions", Kind::Number),
    field("on_probation", Kind::Flag),
    field("recovery_failures", Kind::Number),
    field("error", Kind::Text),
    field("error_kind", Kind::Text),
    field("error_fingerprint", Kind::Text),
    field("last_execution_at", Kind::Instant),
    field("execution_time_us", Kind::Number),
    field("active_key", Kind::Text),
    field("run_count", Kind::Number),
    field("next_run_at", Kind::Instant),
    field("start_by", Kind::Instant),
    field("retry_delay_us", Kind::Number),
    field("snoozes", Kind::Number),
    field("snooze_reason", Kind::Text),
    field("result", Kind::Text),
    field("progress", Kind::Number),
    field("progress_text", Kind::Text),
    field("progress_at", Kind::Instant),
    field("failures_in_row", Kind::Number),
];

/// Where the state begins in the row of a change: after the id, the expected generation and the new
/// one.
pub(crate) const STATE_OF_CHANGE: usize = 3;

/// What a redefinition never writes: by what a row is found, and when it was created.
pub(crate) const FIXED: [&str; 2] = ["id", "created_at"];

/// Where the expected generation stands in the row of a redefinition: after the columns of the task.
pub(crate) const EXPECTED_OF_REDEFINITION: usize = DEFINITION.len() + STATE.len();

/// A line of the status audit.
pub(crate) const AUDIT: [Field; 7] = [
    field("task_id", Kind::Id),
    field("at", Kind::Instant),
    field("status", Kind::Text),
    field("error", Kind::Text),
    field("error_kind", Kind::Text),
    field("actor", Kind::Text),
    field("reason", Kind::Text),
];

/// An attempt.
pub(crate) const ATTEMPT: [Field; 12] = [
    field("id", Kind::Id),
    field("task_id", Kind::Id),
    field("number", Kind::Number),
    field("process_id", Kind::Id),
    field("started_at", Kind::Instant),
    field("waited_us", Kind::Number),
    field("ran_us", Kind::Number),
    field("outcome", Kind::Text),
    field("error", Kind::Text),
    field("error_kind", Kind::Text),
    field("ended_at", Kind::Instant),
    field("is_counted", Kind::Flag),
];

/// A run of a series.
pub(crate) const RUN: [Field; 9] = [
    field("id", Kind::Id),
    field("task_id", Kind::Id),
    field("number", Kind::Number),
    field("scheduled_at", Kind::Instant),
    field("at", Kind::Instant),
    field("execution_time_us", Kind::Number),
    field("status", Kind::Text),
    field("error", Kind::Text),
    field("error_kind", Kind::Text),
];

/// A line that a task logged.
pub(crate) const LOG: [Field; 10] = [
    field("task_id", Kind::Id),
    field("run", Kind::Number),
    field("delivery", Kind::Id),
    field("sequence", Kind::Number),
    field("attempt", Kind::Number),
    field("at", Kind::Instant),
    field("level", Kind::Text),
    field("target", Kind::Text),
    field("message", Kind::Text),
    field("fields", Kind::Text),
];

/// The columns of a task that is inserted.
pub(crate) fn task() -> Vec<Field> {
    DEFINITION.into_iter().chain(STATE).collect()
}

/// The columns that a redefinition replaces, each with its place in the row.
pub(crate) fn redefined() -> impl Iterator<Item = (Field, usize)> {
    let fields = task().into_iter().zip(0..);
    fields.filter(|(field, _)| !FIXED.contains(&field.name))
}

/// The names of columns, as a statement lists them.
pub(crate) fn names(fields: &[Field]) -> String {
    list(fields, |field, _| field.name.to_owned())
}

/// Writes something for each column, with commas between.
pub(crate) fn list(fields: &[Field], write: impl Fn(Field, usize) -> String) -> String {
    let written: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(place, field)| write(*field, place))
        .collect();
    written.join(", ")
}
