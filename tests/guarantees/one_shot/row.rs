//! Rows as a test seeds them.

use evertask::task::{Generation, ProcessId, RowState, TaskDefinition};
use evertask::time::Timestamp;
use evertask::{Task, TaskId, TaskRecord};
use uuid::Uuid;

use crate::stage::Numbered;

/// A row of the numbered task, due at `at` and waiting without an owner.
pub(super) fn waiting(number: u32, at: Timestamp) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition {
            id: TaskId(Uuid::from_u128(u128::from(number) + 1)),
            created_at: at,
            task: Numbered::NAME.to_owned(),
            payload_version: Numbered::VERSION,
            payload: number.to_string(),
            queue: "default".to_owned(),
            scheduled_at: None,
            priority: 0,
            tags: Vec::new(),
            correlation_id: None,
            parent_id: None,
            series_id: None,
            occurrence_at: None,
            limit_key: None,
            retry: None,
            timeout: None,
            trace: None,
        },
        generation: Generation::default(),
        state: RowState::waiting(at),
    }
}

/// A row that was in the window of `owner`.
pub(super) fn queued(number: u32, at: Timestamp, owner: ProcessId) -> TaskRecord {
    TaskRecord {
        state: RowState::queued(at, owner),
        ..waiting(number, at)
    }
}

/// The id of a row made by [`waiting`] or [`queued`].
pub(super) fn id_of(number: u32) -> TaskId {
    waiting(number, Timestamp::UNIX_EPOCH).definition.id
}
