//! Rows as a test seeds them.

use evertask::task::{Generation, ProcessId, RowState, TaskDefinition};
use evertask::time::Timestamp;
use evertask::{Task, TaskId, TaskRecord};
use uuid::Uuid;

use crate::stage::Numbered;

/// A row of the numbered task, due at `at` and waiting without an owner.
pub(crate) fn waiting(number: u32, at: Timestamp) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition::new(
            TaskId(Uuid::from_u128(u128::from(number) + 1)),
            Numbered::NAME,
            &number.to_string(),
            at,
        ),
        generation: Generation::default(),
        state: RowState::waiting(at),
    }
}

/// A row that was in the window of `owner`.
pub(crate) fn queued(number: u32, at: Timestamp, owner: ProcessId) -> TaskRecord {
    TaskRecord {
        state: RowState::queued(at, owner),
        ..waiting(number, at)
    }
}

/// The id of a row made by [`waiting`] or [`queued`].
pub(crate) fn id_of(number: u32) -> TaskId {
    waiting(number, Timestamp::UNIX_EPOCH).definition.id
}
