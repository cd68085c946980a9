//! What goes into the JSON parameters of the set-based statements.
//!
//! A row is an array with its values in the order of the columns that
//! [`statements`](super::statements) names: an object would say every name again in every row, and
//! looking them up was half the time of an insert.

use std::borrow::Cow;
use std::time::Duration;

use evertask_core::storage::{AuditEntry, RowChange, StorageError, StorageErrorKind};
use evertask_core::task::{AttemptRecord, Failure, RowState, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The values of a row.
pub(super) type Row<'a> = Vec<Cell<'a>>;

/// One value of a row.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Cell<'a> {
    Null,
    Number(i64),
    Flag(bool),
    Text(Cow<'a, str>),
    Id(Hex),
}

/// An id, which JSON can't carry as bytes; `unhex` of `SQLite` makes them again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hex(pub(super) Uuid);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// Writes a parameter.
pub(super) fn json<T: Serialize + ?Sized>(rows: &T) -> Result<String, StorageError> {
    serde_json::to_string(rows).map_err(|error| {
        StorageError::new(StorageErrorKind::Rejected, "encode rows").with_source(error)
    })
}

/// A row to insert.
pub(super) fn task(record: &TaskRecord) -> Result<Row<'_>, StorageError> {
    let definition = &record.definition;
    let trace = definition.trace.as_ref();
    let retry = definition.retry.as_ref().map(json).transpose()?;
    let mut row = vec![
        definition.id.0.into(),
        definition.created_at.into(),
        text(&definition.task),
        definition.payload_version.into(),
        text(&definition.queue),
        definition.scheduled_at.into(),
        Cell::Number(definition.priority.into()),
        json(&definition.tags)?.into(),
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
    ];
    row.extend(state(&record.state));
    Ok(row)
}

/// A row to update: which, from what generation, to what.
pub(super) fn change(change: &RowChange) -> Row<'_> {
    let mut row = vec![
        change.id.0.into(),
        Cell::Number(change.expected.0),
        Cell::Number(change.generation.0),
    ];
    row.extend(state(&change.state));
    row
}

/// A line of the status audit.
pub(super) fn audit(task: TaskId, entry: &AuditEntry) -> Row<'static> {
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
pub(super) fn attempt(task: TaskId, attempt: &AttemptRecord) -> Row<'static> {
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
    ]
}

fn state(state: &RowState) -> [Cell<'_>; 13] {
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
    ]
}

/// An instant as it is stored.
pub(super) fn micros(instant: Timestamp) -> i64 {
    instant.timestamp_micros()
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

impl From<Uuid> for Cell<'_> {
    fn from(id: Uuid) -> Self {
        Self::Id(Hex(id))
    }
}

impl From<Timestamp> for Cell<'_> {
    fn from(instant: Timestamp) -> Self {
        Self::Number(micros(instant))
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
