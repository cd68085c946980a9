use async_trait::async_trait;

use super::{
    CappedCount, HistoryPage, HistorySearch, PageLimit, QueueCount, StatisticsBucket,
    StatisticsQuery, TaskFilter, TaskPage, TaskSearch,
};
use crate::log::{LogPage, LogSearch};
use crate::storage::{AuditEntry, Deletion, QueueChangeRecord, QueueSettings, StorageError};
use crate::task::{AttemptOutcome, AttemptRecord, RunRecord, Status, TaskId, TaskRecord};
use crate::time::Timestamp;

/// The questions that pages and programs have about the tasks of a storage.
///
/// Answers are of committed rows. Nothing found is an empty answer and never an error: every method
/// fails only if the database can't be read.
#[async_trait]
pub trait TaskQueries: Send + Sync {
    /// Reads the task that holds a key, told apart exactly.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError>;

    /// Reads what is kept of a task that somebody deleted.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError>;

    /// Reads a page of tasks.
    ///
    /// A walk from page to page shows every task once whose value of the sort does not change
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError>;

    /// Counts tasks, at most `cap` of them; see [`CappedCount::CAP`].
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError>;

    /// Counts the tasks that were dispatched at `created_from` or later, by queue and status, in this
    /// order; statuses are in the order of their enum.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError>;

    /// Reads what was decided about queues at run time, by the names of the queues. One of which nothing
    /// was decided is not among them, one that no process configures any more may be.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError>;

    /// Reads the changes of a queue with a version below `before`, the latest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError>;

    /// Says how runs went, in buckets of time; those in which no run ended are left out.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError>;

    /// Reads a page of a task's changes of status, in the order in which they were written.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError>;

    /// Reads a page of a task's attempts, in the order of their start.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError>;

    /// Reads a page of the lines that a task logged, in the order of run, delivery and sequence.
    ///
    /// An unknown task has none.
    ///
    /// # Errors
    ///
    /// A search whose [`check`](LogSearch::check) fails is rejected. Fails if the database can't be
    /// read.
    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError>;

    /// Reads a page of a series' runs, in the order of their end.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError>;
}
