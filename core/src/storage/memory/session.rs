use async_trait::async_trait;
use parking_lot::RwLockReadGuard;

use super::{MemoryStorage, Shared, retention};
use crate::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use crate::storage::query::TaskQueries;
use crate::storage::{
    Answer, AuditEntry, QueueSelector, StorageError, StorageErrorKind, TaskStorage, WriteGroup,
};
use crate::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskId, TaskRecord};

/// The storage as one process has it open; dropping it is the death of that process.
#[derive(Debug)]
pub(super) struct MemorySession {
    storage: MemoryStorage,
    process: ProcessId,
}

impl MemorySession {
    pub(super) fn new(storage: MemoryStorage, process: ProcessId) -> Self {
        Self { storage, process }
    }

    pub(super) fn read(&self) -> Result<RwLockReadGuard<'_, Shared>, StorageError> {
        let shared = self.storage.shared.read();
        shared.check_alive(self.process)?;
        Ok(shared)
    }

    fn end(&self) {
        self.storage.shared.write().living.remove(&self.process);
    }
}

impl Shared {
    /// A closed session must not write: what it claimed would be anybody's at once.
    fn check_alive(&self, process: ProcessId) -> Result<(), StorageError> {
        if self.living.contains(&process) {
            return Ok(());
        }
        let doing = format!("use the storage of process {process}, which is closed");
        Err(StorageError::new(StorageErrorKind::Unusable, doing))
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        self.end();
    }
}

#[async_trait]
impl TaskStorage for MemorySession {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let mut shared = self.storage.shared.write();
        shared.check_alive(self.process)?;
        shared.apply(self.process, group)
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        let shared = self.read()?;
        Ok(shared.table.row(id).map(|row| row.record.clone()))
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        let shared = self.read()?;
        Ok(shared
            .table
            .row(id)
            .map(|row| row.attempts.clone())
            .unwrap_or_default())
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        let shared = self.read()?;
        Ok(shared
            .table
            .row(id)
            .map(|row| row.audit.iter().cloned().collect())
            .unwrap_or_default())
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        let shared = self.read()?;
        Ok(shared
            .table
            .row(id)
            .map(|row| row.runs.clone())
            .unwrap_or_default())
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        let shared = self.read()?;
        let rows = shared.table.records().filter(|record| {
            record.state.owner == Some(owner)
                && record.state.wait_reason.is_none()
                && !record.state.is_over()
                && queues.includes(&record.definition.queue)
        });
        Ok(rows
            .map(|record| (record.definition.id, record.generation))
            .collect())
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        let mut shared = self.storage.shared.write();
        shared.check_alive(self.process)?;
        Ok(retention::retain(&mut shared.table, step, from, limit))
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        let shared = self.read()?;
        Ok(retention::preview(&shared.table, step, from))
    }

    fn queries(&self) -> &dyn TaskQueries {
        self
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.end();
        Ok(())
    }
}
