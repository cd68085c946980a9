//! Mistakes with what tasks log.

use std::collections::HashSet;

use async_trait::async_trait;
use evertask_core::log::{LogCursor, LogPage, LogSearch};
use evertask_core::storage::query::TaskQueries;
use evertask_core::storage::{
    Answer, AppendLogs, AppendLogsAnswer, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{DeliveryId, TaskId};
use parking_lot::Mutex;

use super::bent::{Applied, Mistake};

fn edited(group: &WriteGroup, edit: impl Fn(&mut AppendLogs)) -> WriteGroup {
    let mut group = group.clone();
    for write in &mut group.writes {
        if let Write::AppendLogs(append) = write {
            edit(append);
        }
    }
    group
}

/// Does not keep the last line of a write.
#[derive(Debug)]
pub(super) struct LosesLines;

#[async_trait]
impl Mistake for LosesLines {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let group = edited(group, |append| _ = append.lines.pop());
        inner.apply(&group).await
    }
}

/// Keeps the beginning of a long message.
#[derive(Debug)]
pub(super) struct CutsMessages;

#[async_trait]
impl Mistake for CutsMessages {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let group = edited(group, |append| {
            for line in &mut append.lines {
                line.message = line.message.chars().take(4_000).collect();
            }
        });
        inner.apply(&group).await
    }
}

/// Keeps a line again that it has already.
#[derive(Debug, Default)]
pub(super) struct RepeatsLines(Mutex<HashSet<(TaskId, DeliveryId, u32)>>);

#[async_trait]
impl Mistake for RepeatsLines {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let group = edited(group, |append| {
            for line in &mut append.lines {
                if !self
                    .0
                    .lock()
                    .insert((append.id, line.delivery, line.sequence))
                {
                    line.sequence += 1_000;
                }
            }
        });
        inner.apply(&group).await
    }
}

/// Says that lines are stored whose task is not there.
#[derive(Debug)]
pub(super) struct StoresLinesOfNobody;

#[async_trait]
impl Mistake for StoresLinesOfNobody {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut answers = inner.apply(group).await?;
        for answer in &mut answers {
            if let Answer::AppendLogs(answer) = answer {
                *answer = AppendLogsAnswer::Stored;
            }
        }
        Ok(answers)
    }
}

/// Reads the lines of the first task that logged, if the one asked for has none.
#[derive(Debug, Default)]
pub(super) struct ReadsLinesOfOthers(Mutex<Option<TaskId>>);

#[async_trait]
impl Mistake for ReadsLinesOfOthers {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let answers = inner.apply(group).await?;
        for (write, answer) in group.writes.iter().zip(&answers) {
            if let (Write::AppendLogs(append), Answer::AppendLogs(AppendLogsAnswer::Stored)) =
                (write, answer)
            {
                self.0.lock().get_or_insert(append.id);
            }
        }
        Ok(answers)
    }

    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let page = inner.logs(search).await?;
        let first = *self.0.lock();
        match first.filter(|_| page.total == 0) {
            None => Ok(page),
            Some(task) => {
                let search = LogSearch {
                    task,
                    ..search.clone()
                };
                inner.logs(&search).await
            }
        }
    }
}

/// Shows every line of the task.
#[derive(Debug)]
pub(super) struct IgnoresLogFilters;

#[async_trait]
impl Mistake for IgnoresLogFilters {
    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let every = LogSearch {
            after: search.after,
            limit: search.limit,
            ..LogSearch::of(search.task)
        };
        inner.logs(&every).await
    }
}

/// Begins a page with the last line of the one before.
#[derive(Debug)]
pub(super) struct BeginsAtTheCursor;

#[async_trait]
impl Mistake for BeginsAtTheCursor {
    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let before = |cursor: LogCursor| LogCursor {
            sequence: cursor.sequence.saturating_sub(1),
            ..cursor
        };
        let search = LogSearch {
            after: search.after.map(before),
            ..search.clone()
        };
        inner.logs(&search).await
    }
}

/// Says that there is another page after every page with lines.
#[derive(Debug)]
pub(super) struct PromisesLines;

#[async_trait]
impl Mistake for PromisesLines {
    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let page = inner.logs(search).await?;
        Ok(LogPage {
            next: page.lines.last().map(LogCursor::of),
            ..page
        })
    }
}

/// Answers as many lines as it can, whatever number was asked for.
#[derive(Debug)]
pub(super) struct AnswersAnyNumber;

#[async_trait]
impl Mistake for AnswersAnyNumber {
    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let search = LogSearch {
            limit: search.limit.clamp(1, LogSearch::MAX_LIMIT),
            ..search.clone()
        };
        inner.logs(&search).await
    }
}
