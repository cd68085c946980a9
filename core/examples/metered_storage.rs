//! A storage of one's own: any other one, whose writes are counted.
//!
//! It shows what there is to implement, and how to know that it is right: the last lines run the
//! whole conformance suite. A storage on Redis or `MongoDB` has more to say in each method and is
//! tried in the same way: `cargo test -p evertask-core --example metered_storage`.

#![allow(clippy::print_stdout, reason = "it is a program to look at")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use evertask_core::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask_core::storage::query::TaskQueries;
use evertask_core::storage::{
    Answer, AuditEntry, MemoryStorage, ProcessStart, QueueSelector, StorageBackend, StorageError,
    TaskStorage, WriteGroup,
};
use evertask_core::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskId, TaskRecord};
use evertask_core::time::SystemClock;

/// Counts the writes that another storage applies.
#[derive(Clone, Debug)]
struct Metered<Backend> {
    inner: Backend,
    writes: Arc<AtomicU64>,
}

/// One process's use of it.
#[derive(Debug)]
struct MeteredSession {
    inner: Arc<dyn TaskStorage>,
    writes: Arc<AtomicU64>,
}

impl<Backend> Metered<Backend> {
    fn new(inner: Backend) -> Self {
        let writes = Arc::default();
        Self { inner, writes }
    }
}

#[async_trait]
impl<Backend: StorageBackend> StorageBackend for Metered<Backend> {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.inner.open(start).await?;
        let writes = Arc::clone(&self.writes);
        Ok(Arc::new(MeteredSession { inner, writes }))
    }
}

#[async_trait]
impl TaskStorage for MeteredSession {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let answers = self.inner.apply(group).await?;
        let applied = u64::try_from(answers.len()).unwrap_or(u64::MAX);
        self.writes.fetch_add(applied, Ordering::Relaxed);
        Ok(answers)
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.inner.task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.inner.attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.inner.audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.inner.runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.inner.owned(owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner.retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.inner.preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self.inner.queries()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.inner.close().await
    }
}

#[tokio::main]
async fn main() -> Result<(), StorageError> {
    let storage = Metered::new(MemoryStorage::new());
    let start = ProcessStart {
        id: ProcessId(uuid::Uuid::now_v7()),
        at: SystemClock::shared().now(),
    };
    let session = storage.open(start).await?;
    session.apply(&WriteGroup::default()).await?;
    println!("{} writes", storage.writes.load(Ordering::Relaxed));
    session.close().await
}

#[cfg(test)]
mod tests {
    use evertask_core::storage::conformance::World;

    use super::*;

    async fn world() -> impl World {
        Box::new(Metered::new(MemoryStorage::new())) as Box<dyn StorageBackend>
    }

    evertask_core::conformance_tests!(world);
}
