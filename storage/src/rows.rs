//! What goes into the JSON parameters of the set-based statements.
//!
//! A row is an array with its values in the order of the columns that [`fields`](crate::fields)
//! names: an object would say every name again in every row, and looking them up was half the time
//! of an insert.

use std::borrow::Cow;
use std::time::Duration;

use evertask_core::concurrency::Saturated;
use evertask_core::log::LogLine;
use evertask_core::storage::{AuditEntry, Redefinition, RowChange, StorageError, StorageErrorKind};
use evertask_core::task::{
    AttemptRecord, Failure, RowState, RunRecord, SeriesDefinition, TaskId, TaskRecord,
};
use evertask_core::time::Timestamp;
use sea_orm::Value;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The values of a row.
pub(crate) type Row<'a> = Vec<Cell<'a>>;

/// One value of a row.
#[derive(Clone, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Number(i64),
    Flag(bool),
    Text(Cow<'a, str>),
    /// JSON can't carry bytes, so an id is written as hexadecimal digits.
    Id(Uuid),
    Instant(Timestamp),
}

/// How a database wants what JSON has no form of its own for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    /// Instants as microseconds since the epoch.
    Sqlite,
    /// Instants as text with six decimals. Text without NUL, which `PostgreSQL` can't store: its place
    /// is taken by the replacement character.
    Postgres,
    /// Instants as text with six decimals, without a time zone.
    MySql,
}

impl Encoding {
    /// An instant as a parameter of its own.
    pub(crate) fn instant(self, instant: Timestamp) -> Value {
        match self {
            Self::Sqlite => instant.timestamp_micros().into(),
            Self::Postgres => instant.into(),
            Self::MySql => instant.naive_utc().into(),
        }
    }

    fn serialize_instant<S: Serializer>(
        self,
        instant: Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sqlite => serializer.serialize_i64(instant.timestamp_micros()),
            Self::Postgres => serializer.collect_str(&instant.format("%Y-%m-%dT%H:%M:%S%.6fZ")),
            Self::MySql => serializer.collect_str(&instant.format("%Y-%m-%d %H:%M:%S%.6f")),
        }
    }

    fn serialize_text<S: Serializer>(self, text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        if self == Self::Postgres && text.contains('\0') {
            return serializer.serialize_str(&text.replace('\0', "\u{FFFD}"));
        }
        serializer.serialize_str(text)
    }
}

/// Writes rows as a parameter.
pub(crate) fn json(rows: &[Row<'_>], encoding: Encoding) -> Result<String, StorageError> {
    encode(&Encoded(rows, encoding))
}

/// Writes one row, or a list of values, as a parameter.
pub(crate) fn json_row(row: &[Cell<'_>], encoding: Encoding) -> Result<String, StorageError> {
    encode(&Encoded(row, encoding))
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| {
        StorageError::new(StorageErrorKind::Rejected, "encode rows").with_source(error)
    })
}

/// Something to be written in a database's way.
struct Encoded<'a, T: ?Sized>(&'a T, Encoding);

impl Serialize for Encoded<'_, [Row<'_>]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.0.iter();
        serializer.collect_seq(rows.map(|row| Encoded(row.as_slice(), self.1)))
    }
}

impl Serialize for Encoded<'_, [Cell<'_>]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|cell| Encoded(cell, self.1)))
    }
}

impl Serialize for Encoded<'_, Cell<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Null => serializer.serialize_unit(),
            Cell::Number(number) => serializer.serialize_i64(*number),
            Cell::Flag(flag) => serializer.serialize_bool(*flag),
            Cell::Text(text) => self.1.serialize_text(text, serializer),
            Cell::Id(id) => {
                serializer.serialize_str(id.simple().encode_lower(&mut Uuid::encode_buffer()))
            }
            Cell::Instant(instant) => self.1.serialize_instant(*instant, serializer),
        }
    }
}

/// A row to insert.
pub(crate) fn task(record: &TaskRecord) -> Result<Row<'_>, StorageError> {
    let definition = &record.definition;
    let trace = definition.trace.as_ref();
    let series = definition.series.as_ref();
    let words_of =
        |part: fn(&SeriesDefinition) -> Option<&str>| series.and_then(part).map(text).into();
    let retry = definition.retry.as_ref().map(encode).transpose()?;
    let mut row = vec![
        definition.id.0.into(),
        definition.created_at.into(),
        text(&definition.task),
        definition.payload_version.into(),
        text(&definition.queue),
        definition.scheduled_at.into(),
        Cell::Number(definition.priority.into()),
        encode(&definition.tags)?.into(),
        definition.correlation_id.as_deref().map(text).into(),
        definition.parent_id.map(|id| id.0).into(),
        definition.series_id.map(|id| id.0).into(),
        definition.occurrence_at.into(),
        definition.limit_key.as_deref().map(text).into(),
        retry.into(),
        definition.timeout.into(),
        trace.map(|trace| text(&trace.parent)).into(),
        trace
            .and_then(|trace| trace.state.as_deref())
            .map(text)
            .into(),
        text(&definition.payload),
        Cell::Number(record.generation.0),
        definition.key.as_deref().map(text).into(),
        definition.key_until.into(),
        Cell::Number(definition.audit_level.number().into()),
        series.map(|series| text(&series.schedule)).into(),
        series.map(|series| series.anchor).into(),
        series.and_then(|series| series.max_runs).into(),
        series.and_then(|series| series.run_until).into(),
        definition.deadline.into(),
        definition.concurrency_key.as_deref().map(text).into(),
        words_of(|series| series.policy.as_deref()),
        words_of(|series| series.registered.as_deref()),
        words_of(|series| series.declared_in.as_deref()),
        definition.limit_cost.into(),
        definition.limit_lane().into(),
    ];
    row.extend(state(&record.state));
    Ok(row)
}

/// A row to redefine: as it is to be, and from what generation.
pub(crate) fn redefinition(redefinition: &Redefinition) -> Result<Row<'_>, StorageError> {
    let mut row = task(&redefinition.record)?;
    row.push(Cell::Number(redefinition.expected.0));
    Ok(row)
}

/// The names of saturated types, and a row for each saturated key.
pub(crate) fn saturated(saturated: &Saturated) -> (Row<'_>, Vec<Row<'_>>) {
    let tasks = saturated.tasks.iter().map(|task| text(task));
    let keys = saturated.keys.iter();
    let keys = keys.map(|(task, key)| vec![text(task), text(key)]);
    (tasks.collect(), keys.collect())
}

/// The limit lanes that are saturated.
pub(crate) fn saturated_lanes(saturated: &Saturated) -> Row<'_> {
    saturated.lanes.iter().map(|lane| text(lane)).collect()
}

/// A row to update: which, from what generation, to what.
pub(crate) fn change(change: &RowChange) -> Row<'_> {
    let mut row = vec![
        change.id.0.into(),
        Cell::Number(change.expected.0),
        Cell::Number(change.generation.0),
    ];
    row.extend(state(&change.state));
    row
}

/// A line of the status audit.
pub(crate) fn audit(task: TaskId, entry: &AuditEntry) -> Row<'static> {
    vec![
        task.0.into(),
        entry.at.into(),
        text(entry.status.as_str()),
        message(entry.failure.as_ref()).map(str::to_owned).into(),
        kind(entry.failure.as_ref()),
        entry.actor.clone().into(),
        entry.reason.clone().into(),
    ]
}

/// An attempt that ended.
pub(crate) fn attempt(task: TaskId, attempt: &AttemptRecord) -> Row<'static> {
    vec![
        attempt.id.0.into(),
        task.0.into(),
        attempt.number.into(),
        attempt.process.0.into(),
        attempt.started_at.into(),
        attempt.waited.into(),
        attempt.ran.into(),
        text(attempt.outcome.as_str()),
        message(attempt.failure.as_ref()).map(str::to_owned).into(),
        kind(attempt.failure.as_ref()),
        attempt.ended_at().into(),
        Cell::Flag(attempt.is_counted),
    ]
}

/// A line that a task logged.
pub(crate) fn log(task: TaskId, line: &LogLine) -> Row<'_> {
    vec![
        task.0.into(),
        line.run.into(),
        line.delivery.0.into(),
        line.sequence.into(),
        line.attempt.into(),
        line.at.into(),
        text(line.level.as_str()),
        text(&line.target),
        text(&line.message),
        line.fields.as_deref().map(text).into(),
    ]
}

/// A run of a series that ended.
pub(super) fn run(series: TaskId, run: &RunRecord) -> Row<'static> {
    vec![
        run.id.0.into(),
        series.0.into(),
        run.number.into(),
        run.scheduled_at.into(),
        run.at.into(),
        run.execution_time.into(),
        text(run.status.as_str()),
        message(run.failure.as_ref()).map(str::to_owned).into(),
        kind(run.failure.as_ref()),
    ]
}

fn state(state: &RowState) -> [Cell<'_>; 25] {
    let progress = state.progress.as_ref();
    [
        text(state.status.as_str()),
        state.owner.map(|owner| owner.0).into(),
        state.available_at.into(),
        state.wait_reason.map(|reason| text(reason.as_str())).into(),
        state.attempts.into(),
        state.interruptions.into(),
        Cell::Flag(state.on_probation),
        state.recovery_failures.into(),
        message(state.failure.as_ref()).map(text).into(),
        kind(state.failure.as_ref()),
        state.error_fingerprint.as_deref().map(text).into(),
        state.last_execution_at.into(),
        state.execution_time.into(),
        state.active_key.as_deref().map(text).into(),
        state.run_count.into(),
        state.next_run_at.into(),
        state.start_by.into(),
        state.retry_delay.into(),
        state.snoozes.into(),
        state.snooze_reason.as_deref().map(text).into(),
        state.result.as_deref().map(text).into(),
        progress.map(|progress| progress.share).into(),
        progress.map(|progress| text(&progress.text)).into(),
        progress.map(|progress| progress.at).into(),
        state.failures_in_row.into(),
    ]
}

fn text(text: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(text))
}

fn message(failure: Option<&Failure>) -> Option<&str> {
    failure.map(|failure| failure.text.as_str())
}

fn kind(failure: Option<&Failure>) -> Cell<'static> {
    failure.map(|failure| text(failure.kind.as_str())).into()
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(words: &'a str) -> Self {
        text(words)
    }
}

impl From<Uuid> for Cell<'_> {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

impl From<Timestamp> for Cell<'_> {
    fn from(instant: Timestamp) -> Self {
        Self::Instant(instant)
    }
}

impl From<Duration> for Cell<'_> {
    /// A span of more than 292 000 years is cut to that.
    fn from(span: Duration) -> Self {
        Self::Number(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
