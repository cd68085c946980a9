//! A storage that outlives its runtimes, can be held, and tells when nobody uses it.

use std::sync::Arc;

use async_trait::async_trait;
use evertask::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask::storage::query::TaskQueries;
use evertask::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageBackend, TaskStorage, WriteGroup,
};
use evertask::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskRecord};
use evertask::{Builder, EverTask, MemoryStorage, Queue, SqlStorage, StorageError, TaskId};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::stage::{Watch, soon};

/// A storage; clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    backend: Arc<dyn StorageBackend>,
    sessions: watch::Sender<usize>,
    held: watch::Sender<bool>,
    _directory: Option<Arc<TempDir>>,
}

impl Shelf {
    pub(super) fn memory() -> Self {
        Self::new(MemoryStorage::new(), None)
    }

    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = SqlStorage::sqlite(directory.path().join("jobs.db"));
        Self::new(storage, Some(Arc::new(directory)))
    }

    fn new(backend: impl StorageBackend, directory: Option<Arc<TempDir>>) -> Self {
        Self {
            backend: Arc::new(backend),
            sessions: watch::Sender::new(0),
            held: watch::Sender::new(false),
            _directory: directory,
        }
    }

    /// A runtime on this storage that has a default queue with room for everything a test does.
    pub(super) fn runtime(&self, watch: &Watch) -> Builder {
        self.queues([Queue::new(Queue::DEFAULT).parallelism(4).capacity(500)])
            .handler(watch.clone())
    }

    /// A runtime on this storage with these queues.
    pub(super) fn queues(&self, queues: impl IntoIterator<Item = Queue>) -> Builder {
        let builder = EverTask::builder().storage(self.clone());
        queues.into_iter().fold(builder, Builder::queue)
    }

    /// Lets no write through until [`release`](Self::release).
    pub(super) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(super) fn release(&self) {
        self.held.send_replace(false);
    }

    /// Waits until every runtime that opened it has let go of it.
    pub(super) async fn unused(&self) {
        let mut sessions = self.sessions.subscribe();
        let unused = sessions.wait_for(|sessions| *sessions == 0);
        soon(unused).await.unwrap();
    }
}

#[async_trait]
impl StorageBackend for Shelf {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let session = Some(self.backend.open(start).await?);
        let of = self.clone();
        of.sessions.send_modify(|sessions| *sessions += 1);
        Ok(Arc::new(Session { session, shelf: of }))
    }
}

#[derive(Debug)]
struct Session {
    /// There until dropped.
    session: Option<Arc<dyn TaskStorage>>,
    shelf: Shelf,
}

impl Session {
    fn session(&self) -> &dyn TaskStorage {
        self.session.as_deref().expect("it is not dropped yet")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // First the process dies, then the test is told.
        self.session = None;
        self.shelf.sessions.send_modify(|sessions| *sessions -= 1);
    }
}

#[async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let mut held = self.shelf.held.subscribe();
        held.wait_for(|held| !held).await.unwrap();
        self.session().apply(group).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.session().task(id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.session().attempts(id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.session().audit(id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.session().runs(id).await
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        self.session().owned(owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.session().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.session().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self.session().queries()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.session().close().await
    }
}
