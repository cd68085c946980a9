//! A storage in memory with one mistake.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use evertask_core::log::{LogPage, LogSearch};
use evertask_core::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask_core::storage::query::{
    CappedCount, HistoryPage, HistorySearch, PageLimit, QueueCount, StatisticsBucket,
    StatisticsQuery, TaskFilter, TaskPage, TaskQueries, TaskSearch,
};
use evertask_core::storage::{
    Answer, AuditEntry, Deletion, MemoryStorage, ProcessStart, QueueChangeRecord, QueueSelector,
    QueueSettings, StorageBackend, StorageError, TaskStorage, WriteGroup,
};
use evertask_core::task::{
    AttemptOutcome, AttemptRecord, Generation, ProcessId, RunRecord, Status, TaskId, TaskRecord,
};
use evertask_core::time::Timestamp;
use tokio::sync::Mutex;

pub(super) type Applied = Result<Vec<Answer>, StorageError>;
pub(super) type Owned = Result<Vec<(TaskId, Generation)>, StorageError>;
pub(super) type Batched = Result<RetentionBatch, StorageError>;

/// What a storage does wrong: whatever is not overridden is right.
#[async_trait]
pub(super) trait Mistake: Debug + Send + Sync + 'static {
    fn opened(&self, _session: &Arc<dyn TaskStorage>, _process: ProcessId) {}

    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        inner.apply(group).await
    }

    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        inner.task(id).await
    }

    async fn attempts(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AttemptRecord>, StorageError> {
        inner.attempts(id).await
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        inner.audit(id).await
    }

    async fn runs(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<RunRecord>, StorageError> {
        inner.runs(id).await
    }

    async fn owned(
        &self,
        inner: &dyn TaskStorage,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Owned {
        inner.owned(owner, queues).await
    }

    async fn task_by_key(
        &self,
        inner: &dyn TaskQueries,
        key: &str,
    ) -> Result<Option<TaskRecord>, StorageError> {
        inner.task_by_key(key).await
    }

    async fn deletion(
        &self,
        inner: &dyn TaskQueries,
        id: TaskId,
    ) -> Result<Option<Deletion>, StorageError> {
        inner.deletion(id).await
    }

    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        inner.search(search).await
    }

    async fn count(
        &self,
        inner: &dyn TaskQueries,
        filter: &TaskFilter,
        cap: u32,
    ) -> Result<CappedCount, StorageError> {
        inner.count(filter, cap).await
    }

    async fn counts(
        &self,
        inner: &dyn TaskQueries,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        inner.counts(created_from).await
    }

    async fn queue_settings(
        &self,
        inner: &dyn TaskQueries,
    ) -> Result<Vec<QueueSettings>, StorageError> {
        inner.queue_settings().await
    }

    async fn queue_changes(
        &self,
        inner: &dyn TaskQueries,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        inner.queue_changes(queue, before, limit).await
    }

    async fn statistics(
        &self,
        inner: &dyn TaskQueries,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        inner.statistics(query).await
    }

    async fn audit_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        inner.audit_page(search).await
    }

    async fn attempts_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        inner.attempts_page(search).await
    }

    async fn runs_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        inner.runs_page(search).await
    }

    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        inner.logs(search).await
    }

    /// The step that is done, and announced, instead of the one that was asked for.
    async fn step(
        &self,
        _inner: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        Ok(step.clone())
    }

    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let step = self.step(inner, step).await?;
        inner.retain(&step, from, limit).await
    }

    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        let step = self.step(inner, step).await?;
        inner.preview(&step, from).await
    }
}

/// A storage that makes that mistake.
#[derive(Clone, Debug)]
pub(super) struct Bent {
    storage: MemoryStorage,
    mistake: Arc<dyn Mistake>,
    /// A mistake may take several calls; they are made as one.
    turn: Arc<Mutex<()>>,
}

impl Bent {
    pub(super) fn by(mistake: impl Mistake) -> Self {
        Self {
            storage: MemoryStorage::new(),
            mistake: Arc::new(mistake),
            turn: Arc::default(),
        }
    }
}

#[async_trait]
impl StorageBackend for Bent {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let inner = self.storage.open(start).await?;
        self.mistake.opened(&inner, start.id);
        let storage = self.clone();
        Ok(Arc::new(BentSession { storage, inner }))
    }
}

#[derive(Debug)]
struct BentSession {
    storage: Bent,
    inner: Arc<dyn TaskStorage>,
}

#[async_trait]
impl TaskStorage for BentSession {
    async fn apply(&self, group: &WriteGroup) -> Applied {
        let _turn = self.storage.turn.lock().await;
        self.storage.mistake.apply(&*self.inner, group).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        self.storage.mistake.task(&*self.inner, id).await
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        self.storage.mistake.attempts(&*self.inner, id).await
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        self.storage.mistake.audit(&*self.inner, id).await
    }

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        self.storage.mistake.runs(&*self.inner, id).await
    }

    async fn owned(&self, owner: ProcessId, queues: &QueueSelector) -> Owned {
        let mistake = &self.storage.mistake;
        mistake.owned(&*self.inner, owner, queues).await
    }

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let mistake = &self.storage.mistake;
        mistake.retain(&*self.inner, step, from, limit).await
    }

    async fn preview(&self, step: &RetentionStep, from: Option<RetentionCursor>) -> Batched {
        let mistake = &self.storage.mistake;
        mistake.preview(&*self.inner, step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        self
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.inner.close().await
    }
}

#[async_trait]
impl TaskQueries for BentSession {
    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.task_by_key(self.inner.queries(), key).await
    }

    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.deletion(self.inner.queries(), id).await
    }

    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.search(self.inner.queries(), search).await
    }

    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.count(self.inner.queries(), filter, cap).await
    }

    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.counts(self.inner.queries(), created_from).await
    }

    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.queue_settings(self.inner.queries()).await
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let mistake = &self.storage.mistake;
        let inner = self.inner.queries();
        mistake.queue_changes(inner, queue, before, limit).await
    }

    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.statistics(self.inner.queries(), query).await
    }

    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.audit_page(self.inner.queries(), search).await
    }

    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.attempts_page(self.inner.queries(), search).await
    }

    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.runs_page(self.inner.queries(), search).await
    }

    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError> {
        let mistake = &self.storage.mistake;
        mistake.logs(self.inner.queries(), search).await
    }
}
