//! Mistakes with what pages are made of.

use async_trait::async_trait;
use evertask_core::storage::query::{
    CappedCount, HistoryOrder, HistoryPage, HistoryPlace, HistorySearch, PageLimit, QueueCount,
    SortDirection, StatisticsBucket, StatisticsQuery, TaskFilter, TaskPage, TaskQueries,
    TaskSearch, TaskSummary,
};
use evertask_core::storage::{AuditEntry, StorageError};

use evertask_core::task::{
    AttemptOutcome, AttemptRecord, Generation, RowState, RunRecord, Status, TaskDefinition, TaskId,
    TaskRecord,
};
use evertask_core::time::Timestamp;
use uuid::Uuid;

use super::bent::Mistake;

/// Shows tasks, whatever was asked for.
#[derive(Debug)]
pub(super) struct IgnoresFilters;

#[async_trait]
impl Mistake for IgnoresFilters {
    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let every = TaskSearch::new(TaskFilter::default(), search.sort(), search.limit());
        let every = match search.cursor().cloned() {
            None => every,
            Some(cursor) => every.after(cursor).unwrap(),
        };
        inner.search(&every).await
    }

    async fn count(
        &self,
        inner: &dyn TaskQueries,
        _: &TaskFilter,
        cap: u32,
    ) -> Result<CappedCount, StorageError> {
        inner.count(&TaskFilter::default(), cap).await
    }
}

/// Finds the letters of every alphabet in either case, as some databases do.
#[derive(Debug)]
pub(super) struct FoldsEveryAlphabet;

#[async_trait]
impl Mistake for FoldsEveryAlphabet {
    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let mut page = inner.search(search).await?;
        let Some(part) = &search.filter().task else {
            return Ok(page);
        };
        let folded = TaskFilter {
            task: None,
            ..search.filter().clone()
        };
        let every = TaskSearch::new(folded, search.sort(), search.limit());
        let found = |task: &TaskSummary| task.task.to_lowercase().contains(&part.to_lowercase());
        page.tasks = inner.search(&every).await?.tasks;
        page.tasks.retain(found);
        Ok(page)
    }
}

/// Has tasks without a value come first when it sorts upwards, as most databases do.
#[derive(Debug)]
pub(super) struct PutsAbsentFirst;

#[async_trait]
impl Mistake for PutsAbsentFirst {
    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let mut page = inner.search(search).await?;
        let sort = search.sort();
        if sort.direction == SortDirection::Ascending {
            page.tasks
                .sort_by_key(|task| sort.key.value_in(task).is_some());
        }
        Ok(page)
    }
}

/// Answers nothing at all.
#[derive(Debug)]
pub(super) struct FindsNothing;

#[async_trait]
impl Mistake for FindsNothing {
    async fn task_by_key(
        &self,
        _: &dyn TaskQueries,
        _: &str,
    ) -> Result<Option<TaskRecord>, StorageError> {
        Ok(None)
    }

    async fn search(&self, _: &dyn TaskQueries, _: &TaskSearch) -> Result<TaskPage, StorageError> {
        Ok(TaskPage {
            tasks: Vec::new(),
            next: None,
        })
    }

    async fn count(
        &self,
        _: &dyn TaskQueries,
        _: &TaskFilter,
        cap: u32,
    ) -> Result<CappedCount, StorageError> {
        Ok(CappedCount::of(0, cap))
    }

    async fn counts(
        &self,
        _: &dyn TaskQueries,
        _: Option<Timestamp>,
    ) -> Result<Vec<QueueCount>, StorageError> {
        Ok(Vec::new())
    }

    async fn statistics(
        &self,
        _: &dyn TaskQueries,
        _: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        Ok(Vec::new())
    }
}

/// Makes up a task for an empty page and a bucket for a span without runs.
#[derive(Debug)]
pub(super) struct FillsGaps;

#[async_trait]
impl Mistake for FillsGaps {
    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let mut page = inner.search(search).await?;
        if page.tasks.is_empty() {
            let id = TaskId(Uuid::nil());
            let at = Timestamp::UNIX_EPOCH;
            let record = TaskRecord {
                definition: TaskDefinition::new(id, "nothing", "{}", at),
                generation: Generation(0),
                state: RowState::waiting(at),
            };
            page.tasks.push(TaskSummary::of(&record));
        }
        Ok(page)
    }

    async fn statistics(
        &self,
        inner: &dyn TaskQueries,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        let found = inner.statistics(query).await?;
        let buckets = query.bucket_of(query.to() - std::time::Duration::from_micros(1));
        let bucket = |number| {
            let start = query.start_of(number);
            let known = found.iter().find(|bucket| bucket.start == start).cloned();
            known.unwrap_or(StatisticsBucket {
                start,
                completed: 0,
                failed: 0,
                cancelled: 0,
                stopped: 0,
                times: None,
            })
        };
        Ok((0..=buckets).map(bucket).collect())
    }

    async fn audit_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let mut page = inner.audit_page(search).await?;
        if page.lines.is_empty() {
            let at = Timestamp::UNIX_EPOCH;
            page.lines.push(AuditEntry::of(Status::WaitingQueue, at));
        }
        Ok(page)
    }
}

/// Counts on beyond the cap.
#[derive(Debug)]
pub(super) struct CountsEverything;

#[async_trait]
impl Mistake for CountsEverything {
    async fn count(
        &self,
        inner: &dyn TaskQueries,
        filter: &TaskFilter,
        _: u32,
    ) -> Result<CappedCount, StorageError> {
        inner.count(filter, u32::MAX - 1).await
    }
}

/// Says of the runs that were interrupted that they failed.
#[derive(Debug)]
pub(super) struct TakesInterruptionsForFailures;

#[async_trait]
impl Mistake for TakesInterruptionsForFailures {
    async fn statistics(
        &self,
        inner: &dyn TaskQueries,
        query: &StatisticsQuery,
    ) -> Result<Vec<StatisticsBucket>, StorageError> {
        let mut buckets = inner.statistics(query).await?;
        for bucket in &mut buckets {
            bucket.failed += bucket.stopped + bucket.cancelled;
            bucket.stopped = 0;
            bucket.cancelled = 0;
        }
        Ok(buckets)
    }
}

/// Cuts a history into pages first and leaves out of them what was not asked for.
#[derive(Debug)]
pub(super) struct CutsBeforeItFilters;

#[async_trait]
impl Mistake for CutsBeforeItFilters {
    async fn attempts_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let every = search.clone().only(Vec::new());
        let mut page = inner.attempts_page(&every).await?;
        let is_wanted = |attempt: &AttemptRecord| search.wanted().contains(&attempt.outcome);
        page.lines
            .retain(|attempt| search.wanted().is_empty() || is_wanted(attempt));
        page.next = page.next.filter(|_| search.wanted().is_empty());
        Ok(page)
    }
}

/// Shows every history from its beginning.
#[derive(Debug)]
pub(super) struct BeginsWithTheOldest;

#[async_trait]
impl Mistake for BeginsWithTheOldest {
    async fn audit_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let mut page = inner.audit_page(search).await?;
        if search.is_newest_first() {
            page.lines.reverse();
        }
        Ok(page)
    }

    async fn runs_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        let mut page = inner.runs_page(search).await?;
        if search.is_newest_first() {
            page.lines.reverse();
        }
        Ok(page)
    }
}

/// Goes on in an audit by counting lines, of which some may have been removed meanwhile.
#[derive(Debug)]
pub(super) struct CountsLinesToGoOn;

#[async_trait]
impl Mistake for CountsLinesToGoOn {
    async fn audit_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let every = HistorySearch::audit(search.task())
            .order(HistoryOrder::OldestFirst)
            .limit(PageLimit::new(PageLimit::MAX).unwrap());
        let lines = inner.audit_page(&every).await?.lines;
        let mut lines: Vec<_> = (0..).map(HistoryPlace::Number).zip(lines).collect();
        if search.is_newest_first() {
            lines.reverse();
        }
        let is_behind = |place: HistoryPlace, last| {
            if search.is_newest_first() {
                place < last
            } else {
                place > last
            }
        };
        let last = search.cursor();
        lines.retain(|(place, _)| last.is_none_or(|last| is_behind(*place, last)));
        let wanted = search.wanted();
        lines.retain(|(_, line)| wanted.is_empty() || wanted.contains(&line.status));
        Ok(search.page(lines))
    }
}
