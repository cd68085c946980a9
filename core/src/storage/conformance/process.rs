use std::sync::Arc;

use uuid::Uuid;

use super::World;
use super::sample::{actor, at, new_task};
use crate::lease::RowLease;
use crate::storage::query::{
    CappedCount, HistoryPage, HistorySearch, QueueCount, StatisticsBucket, StatisticsQuery,
    TaskFilter, TaskPage, TaskSearch,
};
use crate::storage::{
    Answer, AuditEntry, CancelAnswer, CancelTask, ChangeAnswer, ClaimAnswer, ClaimTasks,
    InsertAnswer, ProcessStart, QueueSelector, ReconsiderWaiting, RowChange, StorageError,
    TaskStorage, Write, WriteGroup,
};
use crate::task::{
    AttemptOutcome, AttemptRecord, Generation, ProcessId, RowState, RunRecord, Status, TaskId,
    TaskRecord,
};
use crate::time::Timestamp;

/// One start of a runtime that uses the storage of a case.
pub(super) struct Process<'world> {
    pub(super) id: ProcessId,
    storage: Arc<dyn TaskStorage>,
    world: &'world dyn World,
}

impl<'world> Process<'world> {
    pub(super) async fn start(world: &'world dyn World) -> Self {
        let id = ProcessId(Uuid::now_v7());
        let start = ProcessStart { id, at: at(0) };
        let storage = world.backend().open(start).await.unwrap();
        Self { id, storage, world }
    }

    pub(super) async fn crash(self) {
        self.world.crash(self.storage).await;
    }

    pub(super) async fn stop(self) {
        self.storage.close().await.unwrap();
        self.world.crash(self.storage).await;
    }

    /// The storage, for cases that use it from several tasks.
    pub(super) fn storage(&self) -> Arc<dyn TaskStorage> {
        Arc::clone(&self.storage)
    }

    pub(super) async fn try_apply(&self, writes: Vec<Write>) -> Result<Vec<Answer>, StorageError> {
        self.storage.apply(&WriteGroup { writes }).await
    }

    pub(super) async fn apply(&self, writes: Vec<Write>) -> Vec<Answer> {
        let expected = writes.len();
        let answers = self.try_apply(writes).await.unwrap();
        assert_eq!(answers.len(), expected, "every write is answered");
        answers
    }

    pub(super) async fn insert(&self, record: &TaskRecord) -> InsertAnswer {
        let answers = self.apply(vec![new_task(record)]).await;
        insert_answer(&answers[0]).clone()
    }

    /// Stores tasks that are known to be new, in one group.
    pub(super) async fn store(&self, records: &[TaskRecord]) {
        let answers = self.apply(records.iter().map(new_task).collect()).await;
        for answer in &answers {
            assert_eq!(insert_answer(answer), &InsertAnswer::Stored);
        }
    }

    /// Stores a task in the window of this process, as a live dispatch does.
    pub(super) async fn store_queued(&self, mut record: TaskRecord) -> RowLease {
        let available_at = record.state.available_at.unwrap();
        record.state = RowState::queued(available_at, self.id);
        self.store(&[record.clone()]).await;
        RowLease::new(&record)
    }

    pub(super) async fn change(&self, change: RowChange) -> ChangeAnswer {
        let answers = self.apply(vec![Write::Change(Box::new(change))]).await;
        change_answer(&answers[0]).clone()
    }

    /// Makes changes that are known to apply, each in a group of its own.
    pub(super) async fn advance(&self, changes: impl IntoIterator<Item = RowChange>) {
        for change in changes {
            assert_eq!(self.change(change).await, ChangeAnswer::Applied);
        }
    }

    pub(super) async fn cancel(&self, id: TaskId) -> CancelAnswer {
        let cancel = CancelTask {
            id,
            at: at(90),
            actor: Some(actor()),
            reason: Some("no longer needed".to_owned()),
        };
        let answers = self.apply(vec![Write::Cancel(cancel)]).await;
        cancel_answer(&answers[0])
    }

    pub(super) async fn claim(&self, claim: ClaimTasks) -> ClaimAnswer {
        let answers = self.apply(vec![Write::Claim(claim)]).await;
        claim_answer(&answers[0]).clone()
    }

    pub(super) async fn reconsider(&self, known_tasks: &[&str]) {
        let known_tasks = known_tasks.iter().map(|name| (*name).to_owned()).collect();
        let reconsider = ReconsiderWaiting { known_tasks };
        let answers = self.apply(vec![Write::Reconsider(reconsider)]).await;
        assert!(matches!(answers[0], Answer::Reconsidered), "{answers:?}");
    }

    pub(super) async fn find(&self, id: TaskId) -> Option<TaskRecord> {
        self.storage.task(id).await.unwrap()
    }

    pub(super) async fn record(&self, id: TaskId) -> TaskRecord {
        self.find(id).await.unwrap()
    }

    pub(super) async fn audit(&self, id: TaskId) -> Vec<AuditEntry> {
        self.storage.audit(id).await.unwrap()
    }

    pub(super) async fn audited_statuses(&self, id: TaskId) -> Vec<Status> {
        let audit = self.audit(id).await;
        audit.into_iter().map(|entry| entry.status).collect()
    }

    pub(super) async fn attempts(&self, id: TaskId) -> Vec<AttemptRecord> {
        self.storage.attempts(id).await.unwrap()
    }

    pub(super) async fn search(&self, search: &TaskSearch) -> TaskPage {
        self.storage.queries().search(search).await.unwrap()
    }

    pub(super) async fn count(&self, filter: &TaskFilter, cap: u32) -> CappedCount {
        self.storage.queries().count(filter, cap).await.unwrap()
    }

    pub(super) async fn counts(&self, created_from: Option<Timestamp>) -> Vec<QueueCount> {
        self.storage.queries().counts(created_from).await.unwrap()
    }

    pub(super) async fn task_by_key(&self, key: &str) -> Option<TaskRecord> {
        self.storage.queries().task_by_key(key).await.unwrap()
    }

    pub(super) async fn statistics(&self, query: &StatisticsQuery) -> Vec<StatisticsBucket> {
        self.storage.queries().statistics(query).await.unwrap()
    }

    pub(super) async fn runs_page(&self, search: &HistorySearch<Status>) -> HistoryPage<RunRecord> {
        self.storage.queries().runs_page(search).await.unwrap()
    }

    pub(super) async fn audit_page(
        &self,
        search: &HistorySearch<Status>,
    ) -> HistoryPage<AuditEntry> {
        self.storage.queries().audit_page(search).await.unwrap()
    }

    pub(super) async fn attempts_page(
        &self,
        search: &HistorySearch<AttemptOutcome>,
    ) -> HistoryPage<AttemptRecord> {
        self.storage.queries().attempts_page(search).await.unwrap()
    }

    pub(super) async fn runs(&self, id: TaskId) -> Vec<RunRecord> {
        self.storage.runs(id).await.unwrap()
    }

    /// Reads what a process owns, in the order of the ids: the contract gives none.
    pub(super) async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Vec<(TaskId, Generation)> {
        let mut rows = self.storage.owned(owner, queues).await.unwrap();
        rows.sort_unstable();
        rows
    }
}

pub(super) fn insert_answer(answer: &Answer) -> &InsertAnswer {
    let Answer::Insert(answer) = answer else {
        panic!("an insert was answered with {answer:?}");
    };
    answer
}

pub(super) fn change_answer(answer: &Answer) -> &ChangeAnswer {
    let Answer::Change(answer) = answer else {
        panic!("a change was answered with {answer:?}");
    };
    answer
}

pub(super) fn cancel_answer(answer: &Answer) -> CancelAnswer {
    let Answer::Cancel(answer) = answer else {
        panic!("a cancel was answered with {answer:?}");
    };
    *answer
}

pub(super) fn claim_answer(answer: &Answer) -> &ClaimAnswer {
    let Answer::Claim(answer) = answer else {
        panic!("a claim was answered with {answer:?}");
    };
    answer
}
