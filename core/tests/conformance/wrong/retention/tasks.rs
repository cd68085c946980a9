use std::collections::HashSet;

use evertask_core::storage::{StorageError, TaskStorage, Write, WriteGroup};
use evertask_core::task::{TaskId, TaskRecord};
use parking_lot::Mutex;

/// The tasks that a wrong storage was given, and those of them that it has lost.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    given: Mutex<Vec<TaskId>>,
    lost: Mutex<HashSet<TaskId>>,
}

impl Tasks {
    /// Takes note of the tasks of a group.
    pub(super) fn note(&self, group: &WriteGroup) {
        for write in &group.writes {
            if let Write::Insert(new) = write {
                self.given.lock().push(new.record.definition.id);
            }
        }
    }

    /// The tasks that are there, in the order in which they came.
    pub(super) async fn records(
        &self,
        inner: &dyn TaskStorage,
    ) -> Result<Vec<TaskRecord>, StorageError> {
        let given = self.given.lock().clone();
        let mut records = Vec::new();
        for id in given {
            records.extend(inner.task(id).await?);
        }
        Ok(records)
    }

    pub(super) fn lose(&self, id: TaskId) {
        self.lost.lock().insert(id);
    }

    pub(super) fn is_lost(&self, id: TaskId) -> bool {
        self.lost.lock().contains(&id)
    }
}
