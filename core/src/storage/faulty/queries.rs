use async_trait::async_trait;

use super::call::Method;
use super::session::FaultySession;
use crate::log::{LogPage, LogSearch};
use crate::storage::query::{
    CappedCount, HistoryPage, HistorySearch, PageLimit, QueueCount, StatisticsBucket,
    StatisticsQuery, TaskFilter, TaskPage, TaskQueries, TaskSearch,
};
use crate::storage::{AuditEntry, Deletion, QueueChangeRecord, QueueSettings, StorageError};
use crate::task::{AttemptOutcome, AttemptRecord, RunRecord, Status, TaskId, TaskRecord};
use crate::time::Timestamp;

#[async_trait]
impl TaskQueries for FaultySession {
    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        let found = self.inner.queries().task_by_key(key);
        self.faults.call(Method::Query, found).await
    }

    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        let found = self.inner.queries().deletion(id);
        self.faults.call(Method::Query, found).await
    }

    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError> {
        let page = self.inner.queries().search(search);
        self.faults.call(Method::Query, page).await
    }

    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError> {
        let count = self.inner.queries().count(filter, cap);
        self.faults.call(Method::Query, count).await
    }

    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        let counts = self.inner.queries().counts(created_from);
        self.faults.call(Method::Query, counts).await
    }

    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError> {
        let settings = self.inner.queries().queue_settings();
        self.faults.call(Method::Query, settings).await
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let changes = self.inner.queries().queue_changes(queue, before, limit);
        self.faults.call(Method::Query, changes).await
    }

    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        let buckets = self.inner.queries().statistics(query);
        self.faults.call(Method::Query, buckets).await
    }

    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let page = self.inner.queries().audit_page(search);
        self.faults.call(Method::Query, page).await
    }

    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let page = self.inner.queries().attempts_page(search);
        self.faults.call(Method::Query, page).await
    }

    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError> {
        let page = self.inner.queries().logs(search);
        self.faults.call(Method::Query, page).await
    }

    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        let page = self.inner.queries().runs_page(search);
        self.faults.call(Method::Query, page).await
    }
}
