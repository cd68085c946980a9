//! Rows and groups for tests.

use evertask_core::storage::{NewTask, ProcessStart, Write, WriteGroup};
use evertask_core::task::{Generation, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use uuid::Uuid;

pub(crate) fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

pub(crate) fn start(number: u128) -> ProcessStart {
    ProcessStart {
        id: ProcessId(Uuid::from_u128(number)),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// A group that stores a task which waits.
pub(crate) fn insert(number: u128) -> WriteGroup {
    let definition = TaskDefinition {
        queue: "mail".to_owned(),
        ..TaskDefinition::new(id(number), "mail.send", "{}", Timestamp::UNIX_EPOCH)
    };
    let record = TaskRecord {
        definition,
        generation: Generation(0),
        state: RowState::waiting(Timestamp::UNIX_EPOCH),
    };
    let new = NewTask::new(record);
    WriteGroup {
        writes: vec![Write::Insert(Box::new(new))],
    }
}
