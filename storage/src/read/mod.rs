//! The questions of pages and programs, on any database.
//!
//! Queries are built from the entities, and [`wording`] is the one place for what databases say
//! differently. A list is read by its cursor: the condition that begins a page is a range of the
//! index that serves its order, so no row before it is looked at. Rows without a value come last,
//! which no index gives on every database; they are a query of their own, sent only when a page
//! reaches them.

mod counts;
mod deletions;
mod filter;
mod history;
mod list;
mod logs;
#[cfg(test)]
mod plans;
mod queues;
mod search;
mod statistics;
mod summary;
mod wording;

use async_trait::async_trait;
use evertask_core::log::{LogPage, LogSearch};
use evertask_core::storage::query::{
    CappedCount, HistoryPage, HistorySearch, PageLimit, QueueCount, StatisticsBucket,
    StatisticsQuery, TaskFilter, TaskPage, TaskQueries, TaskSearch,
};
use evertask_core::storage::{
    AuditEntry, Deletion, QueueChangeRecord, QueueSettings, StorageError,
};
use evertask_core::task::{AttemptOutcome, AttemptRecord, RunRecord, Status, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use evertask_migration::TablePrefix;
use sea_orm::DatabaseConnection;

use self::wording::Wording;

/// Reads the tables of one prefix.
#[derive(Debug)]
pub(crate) struct Reads {
    readers: DatabaseConnection,
    prefix: TablePrefix,
    wording: Wording,
}

impl Reads {
    pub(crate) fn new(readers: DatabaseConnection, prefix: TablePrefix) -> Self {
        let wording = Wording::of(readers.get_database_backend());
        Self {
            readers,
            prefix,
            wording,
        }
    }
}

#[async_trait]
impl TaskQueries for Reads {
    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError> {
        logs::page(&self.readers, &self.prefix, search).await
    }

    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        self.holder_of(key).await
    }

    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        self.deletion_of(id).await
    }

    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError> {
        self.page_of_tasks(search).await
    }

    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError> {
        self.count_tasks(filter, cap).await
    }

    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        self.count_by_queue(created_from).await
    }

    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError> {
        self.settings_of_queues().await
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        self.changes_of_queue(queue, before, limit).await
    }

    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        self.buckets(query).await
    }

    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        self.page_of_audit(search).await
    }

    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        self.page_of_attempts(search).await
    }

    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        self.page_of_runs(search).await
    }
}
