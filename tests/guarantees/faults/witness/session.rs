//! The storage that stands before another one and has the witness note what passes.

use std::sync::Arc;

use async_trait::async_trait;
use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageBackend, TaskStorage, Write, WriteGroup,
};
use evertask::task::{Generation, ProcessId};
use evertask::{AttemptRecord, RunRecord, StorageError, TaskId, TaskRecord};

use super::Witness;
use super::book::Book;

#[async_trait]
impl StorageBackend for Witness {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.backend.open(start).await?;
        let runtime = {
            let mut book = self.book.lock();
            let runtime = book.starting;
            book.runtimes.insert(start.id, runtime);
            runtime
        };
        self.trace(format!("{} opened for runtime {runtime}", start.id));
        self.sessions.send_modify(|sessions| *sessions += 1);
        Ok(Arc::new(WitnessSession {
            inner: Some(inner),
            process: start.id,
            witness: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct WitnessSession {
    /// There until dropped.
    inner: Option<Arc<dyn TaskStorage>>,
    process: ProcessId,
    witness: Witness,
}

impl WitnessSession {
    fn inner(&self) -> &dyn TaskStorage {
        self.inner.as_deref().expect("it is not dropped yet")
    }
}

impl Drop for WitnessSession {
    fn drop(&mut self) {
        // First the process dies, then the test is told.
        self.inner = None;
        self.witness.sessions.send_modify(|sessions| *sessions -= 1);
        self.witness.stir();
        self.witness.trace(format!("{} let go", self.process));
    }
}

#[async_trait]
impl TaskStorage for WitnessSession {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        self.witness.stir();
        let _turn = self.witness.turn.lock().await;
        let was_unsure = self.witness.book.lock().begin(group);
        let applied = self.inner().apply(group).await;
        if let Ok(answers) = &applied {
            self.witness.note(self.process, group, answers, was_unsure);
        }
        if was_unsure {
            self.witness.read_again(self.inner()).await?;
        } else if applied.is_ok() && group.writes.iter().any(is_reconsideration) {
            // Its answer does not say which rows it changed.
            self.witness.find(self.inner(), Book::reconsider).await?;
        }
        {
            let mut book = self.witness.book.lock();
            if let Ok(answers) = &applied {
                book.claimed(self.process, answers);
            }
            book.is_unsure = false;
        }
        self.witness.stir();
        applied
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.witness.stir();
        self.inner().task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.witness.stir();
        self.inner().attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.inner().audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.inner().runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.witness.stir();
        let rows = self.inner().owned(owner, queues).await?;
        self.witness.trace(format!("{owner} owns {rows:?}"));
        Ok(rows)
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self.inner().queries()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.witness.trace(format!("{} closes", self.process));
        self.inner().close().await
    }
}

fn is_reconsideration(write: &Write) -> bool {
    matches!(write, Write::Reconsider(_))
}
