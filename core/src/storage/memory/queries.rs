//! The questions of pages and programs, answered by looking at every row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use async_trait::async_trait;

use super::logs;
use super::session::MemorySession;
use super::statistics;
use super::table::Row;
use crate::log::{LogPage, LogSearch};
use crate::storage::query::{
    CappedCount, HistoryPage, HistoryPlace, HistorySearch, PageLimit, QueueCount, SortDirection,
    SortKey, SortValue, StatisticsBucket, StatisticsQuery, TaskCursor, TaskFilter, TaskPage,
    TaskQueries, TaskSearch, TaskSort, TaskSummary,
};
use crate::storage::{AuditEntry, Deletion, QueueChangeRecord, QueueSettings, StorageError};
use crate::task::{AttemptOutcome, AttemptRecord, RunRecord, Status, TaskId, TaskRecord};
use crate::time::Timestamp;

#[async_trait]
impl TaskQueries for MemorySession {
    async fn logs(&self, search: &LogSearch) -> Result<LogPage, StorageError> {
        logs::page(&self.read()?.table, search)
    }

    async fn task_by_key(&self, key: &str) -> Result<Option<TaskRecord>, StorageError> {
        let shared = self.read()?;
        Ok(shared.table.holder_of(key).cloned())
    }

    async fn deletion(&self, id: TaskId) -> Result<Option<Deletion>, StorageError> {
        Ok(self.read()?.deletions.get(&id).cloned())
    }

    async fn search(&self, search: &TaskSearch) -> Result<TaskPage, StorageError> {
        let shared = self.read()?;
        let sort = search.sort();
        let start = search.cursor().map(|cursor| Place {
            value: cursor.value().cloned(),
            id: cursor.id(),
        });
        let mut found: Vec<_> = shared
            .table
            .records()
            .filter(|record| search.filter().matches(record))
            .map(|record| (Place::of(sort.key, record), record))
            .filter(|(place, _)| {
                start
                    .as_ref()
                    .is_none_or(|start| start.is_before(place, sort))
            })
            .collect();
        found.sort_unstable_by(|(left, _), (right, _)| left.compare(right, sort));
        let rows = search.limit().rows();
        let has_more = found.len() > rows;
        found.truncate(rows);
        let tasks: Vec<_> = found
            .into_iter()
            .map(|(_, record)| TaskSummary::of(record))
            .collect();
        let last = tasks.last().filter(|_| has_more);
        Ok(TaskPage {
            next: last.map(|last| TaskCursor::after(sort, last)),
            tasks,
        })
    }

    async fn count(&self, filter: &TaskFilter, cap: u32) -> Result<CappedCount, StorageError> {
        let shared = self.read()?;
        let look_at = usize::try_from(cap).unwrap_or(usize::MAX).saturating_add(1);
        let found = shared
            .table
            .records()
            .filter(|record| filter.matches(record))
            .take(look_at)
            .count();
        let counted = u64::try_from(found).unwrap_or(u64::MAX);
        Ok(CappedCount::of(counted, cap))
    }

    async fn counts(
        &self,
        created_from: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        let shared = self.read()?;
        let mut counts: BTreeMap<(String, Status), u64> = BTreeMap::new();
        for record in shared.table.records() {
            let definition = &record.definition;
            if created_from.is_none_or(|from| from <= definition.created_at) {
                let key = (definition.queue.clone(), record.state.status);
                *counts.entry(key).or_default() += 1;
            }
        }
        let counts = counts.into_iter();
        Ok(counts
            .map(|((queue, status), count)| QueueCount {
                queue,
                status,
                count,
            })
            .collect())
    }

    async fn queue_settings(&self) -> Result<Vec<QueueSettings>, StorageError> {
        Ok(self.read()?.queues.settings())
    }

    async fn queue_changes(
        &self,
        queue: &str,
        before: Option<i64>,
        limit: PageLimit,
    ) -> Result<Vec<QueueChangeRecord>, StorageError> {
        let shared = self.read()?;
        Ok(shared.queues.changes(queue, before, limit.rows()))
    }

    async fn statistics(
        &self,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        Ok(statistics::buckets(&self.read()?.table, query))
    }

    async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let lines = |row: &Row| {
            let lines = row.audit.numbered();
            lines
                .map(|(number, entry)| (HistoryPlace::Number(*number), entry.clone()))
                .collect()
        };
        self.history(search, lines, |entry| entry.status)
    }

    async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let lines = |row: &Row| {
            let attempts = row.attempts.iter();
            attempts
                .map(|attempt| {
                    let place = HistoryPlace::Moment(attempt.started_at, attempt.id.0);
                    (place, attempt.clone())
                })
                .collect()
        };
        self.history(search, lines, |attempt| attempt.outcome)
    }

    async fn runs_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        let lines = |row: &Row| {
            let runs = row.runs.iter();
            runs.map(|run| (HistoryPlace::Moment(run.at, run.id.0), run.clone()))
                .collect()
        };
        self.history(search, lines, |run| run.status)
    }
}

impl MemorySession {
    fn history<Line, Outcome: PartialEq>(
        &self,
        search: &HistorySearch<Outcome>,
        lines: impl Fn(&Row) -> Vec<(HistoryPlace, Line)>,
        outcome: impl Fn(&Line) -> Outcome,
    ) -> Result<HistoryPage<Line>, StorageError> {
        let shared = self.read()?;
        let mut found = shared
            .table
            .row(search.task())
            .map(lines)
            .unwrap_or_default();
        found.retain(|(_, line)| {
            search.wanted().is_empty() || search.wanted().contains(&outcome(line))
        });
        found.sort_by_key(|(place, _)| *place);
        if search.is_newest_first() {
            found.reverse();
        }
        if let Some(last) = search.cursor() {
            found.retain(|(place, _)| {
                if search.is_newest_first() {
                    *place < last
                } else {
                    *place > last
                }
            });
        }
        Ok(search.page(found))
    }
}

/// Where a task stands in a list.
struct Place {
    value: Option<SortValue>,
    id: TaskId,
}

impl Place {
    fn of(key: SortKey, record: &TaskRecord) -> Self {
        Self {
            value: key.value_of(record),
            id: record.definition.id,
        }
    }

    fn compare(&self, other: &Self, sort: TaskSort) -> Ordering {
        let directed = |ordering: Ordering| match sort.direction {
            SortDirection::Ascending => ordering,
            SortDirection::Descending => ordering.reverse(),
        };
        let by_value = match (&self.value, &other.value) {
            (Some(mine), Some(others)) => directed(mine.cmp(others)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_value.then_with(|| directed(self.id.cmp(&other.id)))
    }

    fn is_before(&self, other: &Self, sort: TaskSort) -> bool {
        self.compare(other, sort) == Ordering::Less
    }
}
