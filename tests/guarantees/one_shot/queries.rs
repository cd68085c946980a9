//! Questions to the storage of a home, of which the attempts they bring are counted.

use async_trait::async_trait;
use evertask::log::{LogPage, LogSearch};
use evertask::storage::query::{
    CappedCount, HistoryPage, HistorySearch, PageLimit, QueueCount, StatisticsBucket,
    StatisticsQuery, TaskFilter, TaskPage, TaskQueries, TaskSearch,
};
use evertask::storage::{AuditEntry, Deletion, QueueChangeRecord, QueueSettings};
use evertask::time::Timestamp;
use evertask::{
    AttemptOutcome, AttemptRecord, RunRecord, Status, StorageError, TaskId, TaskRecord,
};

use super::session::Session;

#[async_trait]
impl TaskQueries for Session {
    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        self.inner().queries().task_by_key(key).await
    }

    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        self.inner().queries().deletion(id).await
    }

    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError> {
        self.inner().queries().search(search).await
    }

    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError> {
        self.inner().queries().count(filter, cap).await
    }

    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        self.inner().queries().counts(created_from).await
    }

    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError> {
        self.inner().queries().queue_settings().await
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let inner = self.inner().queries();
        inner.queue_changes(queue, before, limit).await
    }

    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        self.inner().queries().statistics(query).await
    }

    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        self.inner().queries().audit_page(search).await
    }

    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let page = self.inner().queries().attempts_page(search).await?;
        self.note_attempts_read(page.lines.len());
        Ok(page)
    }

    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError> {
        self.inner().queries().logs(search).await
    }

    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        self.inner().queries().runs_page(search).await
    }
}
