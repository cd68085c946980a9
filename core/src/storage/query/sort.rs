use serde::{Deserialize, Serialize};

use super::TaskSummary;
use crate::task::TaskRecord;
use crate::time::Timestamp;

/// What a list of tasks is sorted by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKey {
    /// When it was dispatched. The default.
    #[default]
    CreatedAt,
    /// When its last attempt ended for good.
    LastExecutionAt,
    /// When it was asked to run first.
    ScheduledAt,
    /// When it runs next: from then on it may be claimed. For a series, its next run.
    AvailableAt,
    /// The name of its status, in the order of the alphabet.
    Status,
    /// The name of its type, byte by byte.
    Task,
    /// Its queue, byte by byte.
    Queue,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 7] = [
        Self::CreatedAt,
        Self::LastExecutionAt,
        Self::ScheduledAt,
        Self::AvailableAt,
        Self::Status,
        Self::Task,
        Self::Queue,
    ];

    /// Answers what a task is sorted by, or `None` for a task that has no such value.
    pub fn value_of(self, record: &TaskRecord) -> Option<SortValue> {
        let definition = &record.definition;
        let state = &record.state;
        match self {
            Self::CreatedAt => Some(SortValue::Instant(definition.created_at)),
            Self::LastExecutionAt => state.last_execution_at.map(SortValue::Instant),
            Self::ScheduledAt => definition.scheduled_at.map(SortValue::Instant),
            Self::AvailableAt => state.available_at.map(SortValue::Instant),
            Self::Status => Some(SortValue::Text(state.status.as_str().to_owned())),
            Self::Task => Some(SortValue::Text(definition.task.clone())),
            Self::Queue => Some(SortValue::Text(definition.queue.clone())),
        }
    }

    /// The same of a task that is summed up.
    pub fn value_in(self, task: &TaskSummary) -> Option<SortValue> {
        match self {
            Self::CreatedAt => Some(SortValue::Instant(task.created_at)),
            Self::LastExecutionAt => task.last_execution_at.map(SortValue::Instant),
            Self::ScheduledAt => task.scheduled_at.map(SortValue::Instant),
            Self::AvailableAt => task.available_at.map(SortValue::Instant),
            Self::Status => Some(SortValue::Text(task.status.as_str().to_owned())),
            Self::Task => Some(SortValue::Text(task.task.clone())),
            Self::Queue => Some(SortValue::Text(task.queue.clone())),
        }
    }

    /// Whether a task may have no such value.
    pub fn is_optional(self) -> bool {
        match self {
            Self::LastExecutionAt | Self::ScheduledAt | Self::AvailableAt => true,
            Self::CreatedAt | Self::Status | Self::Task | Self::Queue => false,
        }
    }

    /// Whether its values are instants; the others are texts.
    pub fn is_instant(self) -> bool {
        match self {
            Self::CreatedAt | Self::LastExecutionAt | Self::ScheduledAt | Self::AvailableAt => true,
            Self::Status | Self::Task | Self::Queue => false,
        }
    }
}

/// Which end of the values comes first.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SortDirection {
    /// The earliest or smallest first.
    Ascending,
    /// The latest or largest first. The default.
    #[default]
    Descending,
}

/// The order of a list of tasks.
///
/// Tasks of the same value follow each other by their id, in the same direction. Tasks without a
/// value come last in both directions: whoever sorts by it wants to see those that have one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct TaskSort {
    /// What by.
    pub key: SortKey,
    /// Which end first.
    pub direction: SortDirection,
}

/// What one task is sorted by.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SortValue {
    /// An instant, in microseconds.
    Instant(#[serde(with = "chrono::serde::ts_microseconds")] Timestamp),
    /// A text, compared byte by byte.
    Text(String),
}

impl SortValue {
    /// Whether it is what tasks are sorted by under `key`.
    pub fn is_of(&self, key: SortKey) -> bool {
        matches!(self, Self::Instant(_)) == key.is_instant()
    }
}
