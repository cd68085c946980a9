//! A mistake with the order of rows.

use async_trait::async_trait;
use evertask_core::log::{LogPage, LogSearch};
use evertask_core::storage::query::{
    CappedCount, HistoryCursor, HistoryOrder, HistoryPage, HistorySearch, PageLimit, TaskCursor,
    TaskFilter, TaskPage, TaskQueries, TaskSearch,
};
use evertask_core::storage::{
    Answer, AuditEntry, ChangeAnswer, DeleteAnswer, Deletion, InsertAllAnswer, InsertAnswer,
    QueueSelector, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{
    AttemptOutcome, AttemptRecord, ProcessId, RunRecord, Status, TaskId, TaskRecord,
};
use uuid::Uuid;

use super::bent::{Applied, Mistake, Owned};

/// Takes the later of two ids first where two rows are due at the same instant.
///
/// It keeps every row under the complement of its id, which turns the order of ids around and
/// nothing else.
#[derive(Debug)]
pub(super) struct BreaksTiesBackwards;

fn turned(id: TaskId) -> TaskId {
    TaskId(Uuid::from_u128(!id.0.as_u128()))
}

fn turn(record: &mut TaskRecord) {
    record.definition.id = turned(record.definition.id);
}

fn turn_write(write: &mut Write) {
    match write {
        Write::Insert(new) => turn(&mut new.record),
        Write::Change(change) => {
            change.id = turned(change.id);
            for task in &mut change.follow_ups {
                turn(&mut task.record);
            }
        }
        Write::InsertAll(tasks) => {
            for task in tasks {
                turn(&mut task.record);
            }
        }
        Write::Redefine(redefinition) => turn(&mut redefinition.record),
        Write::Delete(delete) => delete.deletion.id = turned(delete.deletion.id),
        Write::Cancel(cancel) => cancel.id = turned(cancel.id),
        Write::AppendLogs(append) => append.id = turned(append.id),
        Write::Reconsider(_) | Write::ChangeQueue(_) | Write::Claim(_) => {}
    }
}

fn turn_insert(answer: &mut InsertAnswer) {
    match answer {
        InsertAnswer::Exists(record) | InsertAnswer::KeyTaken(record) => turn(record),
        InsertAnswer::Stored => {}
    }
}

fn turn_answer(answer: &mut Answer) {
    match answer {
        Answer::Insert(answer) => turn_insert(answer),
        Answer::InsertAll(InsertAllAnswer::Stored(answers)) => {
            answers.iter_mut().for_each(turn_insert);
        }
        Answer::InsertAll(InsertAllAnswer::Refused(refused)) => {
            for (_, answer) in refused {
                turn_insert(answer);
            }
        }
        Answer::Delete(DeleteAnswer::Refused(record))
        | Answer::Change(ChangeAnswer::Refused(record))
        | Answer::Redefine(ChangeAnswer::Refused(record)) => turn(record),
        Answer::Claim(claimed) => {
            for task in &mut claimed.tasks {
                turn(&mut task.record);
            }
        }
        Answer::Change(ChangeAnswer::AppliedWithout(left_out))
        | Answer::Redefine(ChangeAnswer::AppliedWithout(left_out)) => {
            for id in left_out {
                *id = turned(*id);
            }
        }
        Answer::Change(ChangeAnswer::Applied | ChangeAnswer::Missing)
        | Answer::Redefine(ChangeAnswer::Applied | ChangeAnswer::Missing)
        | Answer::Cancel(_)
        | Answer::Delete(DeleteAnswer::Deleted | DeleteAnswer::Missing)
        | Answer::AppendLogs(_)
        | Answer::ChangeQueue(_)
        | Answer::Reconsidered => {}
    }
}

#[async_trait]
impl Mistake for BreaksTiesBackwards {
    async fn logs(
        &self,
        inner: &dyn TaskQueries,
        search: &LogSearch,
    ) -> Result<LogPage, StorageError> {
        let search = LogSearch {
            task: turned(search.task),
            ..search.clone()
        };
        inner.logs(&search).await
    }

    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let mut group = group.clone();
        group.writes.iter_mut().for_each(turn_write);
        let mut answers = inner.apply(&group).await?;
        answers.iter_mut().for_each(turn_answer);
        Ok(answers)
    }

    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let mut record = inner.task(turned(id)).await?;
        record.iter_mut().for_each(turn);
        Ok(record)
    }

    async fn attempts(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AttemptRecord>, StorageError> {
        inner.attempts(turned(id)).await
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        inner.audit(turned(id)).await
    }

    async fn runs(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<RunRecord>, StorageError> {
        inner.runs(turned(id)).await
    }

    async fn owned(
        &self,
        inner: &dyn TaskStorage,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Owned {
        let rows = inner.owned(owner, queues).await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, generation)| (turned(id), generation))
            .collect())
    }

    async fn task_by_key(
        &self,
        inner: &dyn TaskQueries,
        key: &str,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let mut record = inner.task_by_key(key).await?;
        record.iter_mut().for_each(turn);
        Ok(record)
    }

    async fn deletion(
        &self,
        inner: &dyn TaskQueries,
        id: TaskId,
    ) -> Result<Option<Deletion>, StorageError> {
        let deletion = inner.deletion(turned(id)).await?;
        Ok(deletion.map(|deletion| Deletion { id, ..deletion }))
    }

    async fn search(
        &self,
        inner: &dyn TaskQueries,
        search: &TaskSearch,
    ) -> Result<TaskPage, StorageError> {
        let sort = search.sort();
        let turned_cursor = |cursor: &TaskCursor| {
            TaskCursor::at(sort, cursor.value().cloned(), turned(cursor.id()))
        };
        let mut asked = TaskSearch::new(turned_filter(search.filter()), sort, search.limit());
        if let Some(cursor) = search.cursor() {
            asked = asked.after(turned_cursor(cursor)).unwrap();
        }
        let mut page = inner.search(&asked).await?;
        for task in &mut page.tasks {
            task.id = turned(task.id);
        }
        page.next = page.next.as_ref().map(turned_cursor);
        Ok(page)
    }

    async fn count(
        &self,
        inner: &dyn TaskQueries,
        filter: &TaskFilter,
        cap: u32,
    ) -> Result<CappedCount, StorageError> {
        inner.count(&turned_filter(filter), cap).await
    }

    async fn audit_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<AuditEntry>, StorageError> {
        let asked = HistorySearch::audit(turned(search.task()));
        inner.audit_page(&like(asked, search)).await
    }

    async fn attempts_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<AttemptOutcome>,
    ) -> Result<HistoryPage<AttemptRecord>, StorageError> {
        let asked = HistorySearch::attempts(turned(search.task()));
        inner.attempts_page(&like(asked, search)).await
    }

    async fn runs_page(
        &self,
        inner: &dyn TaskQueries,
        search: &HistorySearch<Status>,
    ) -> Result<HistoryPage<RunRecord>, StorageError> {
        let asked = HistorySearch::runs(turned(search.task()));
        inner.runs_page(&like(asked, search)).await
    }
}

fn turned_filter(filter: &TaskFilter) -> TaskFilter {
    let turned_text = |text: &String| match text.parse() {
        Ok(id) => turned(id).to_string(),
        Err(_) => text.clone(),
    };
    TaskFilter {
        text: filter.text.as_ref().map(turned_text),
        ..filter.clone()
    }
}

/// Asks for the same page of another task.
fn like<T: Clone>(asked: HistorySearch<T>, search: &HistorySearch<T>) -> HistorySearch<T> {
    let order = if search.is_newest_first() {
        HistoryOrder::NewestFirst
    } else {
        HistoryOrder::OldestFirst
    };
    let rows = u32::try_from(search.rows()).unwrap();
    let asked = asked
        .order(order)
        .only(search.wanted().to_vec())
        .limit(PageLimit::new(rows).unwrap());
    match search.cursor() {
        None => asked,
        Some(place) => {
            let cursor = HistoryCursor::after(search.kind(), order, place);
            asked.after(cursor).unwrap()
        }
    }
}
