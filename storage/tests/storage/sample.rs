//! Rows and writes that the tests of every database use.

use std::sync::Arc;

use chrono::DateTime;
use evertask_core::audit::AuditLevel;
use evertask_core::concurrency::ClaimQuota;
use evertask_core::storage::{
    Answer, AuditEntry, ChangeAnswer, ClaimAnswer, ClaimTasks, NewTask, ProcessStart,
    QueueSelector, RowChange, StorageBackend, StorageError, TaskStorage, Write, WriteGroup,
};
use evertask_core::task::{
    Generation, ProcessId, RowState, Status, TaskDefinition, TaskId, TaskRecord,
};
use evertask_core::time::Timestamp;
use evertask_storage::SqlStorage;
use uuid::Uuid;

pub(crate) async fn open(
    storage: &SqlStorage,
    process: u128,
) -> Result<Arc<dyn TaskStorage>, StorageError> {
    let start = ProcessStart {
        id: process_id(process),
        at: at(0),
    };
    storage.open(start).await
}

pub(crate) fn at(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).unwrap()
}

pub(crate) fn process_id(number: u128) -> ProcessId {
    ProcessId(Uuid::from_u128(number))
}

pub(crate) fn task_id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

/// A task that waits since `available_at`.
pub(crate) fn waiting(id: u128, available_at: i64) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition {
            queue: "mail".to_owned(),
            ..TaskDefinition::new(task_id(id), "mail.send", "{}", at(0))
        },
        generation: Generation(0),
        state: RowState::waiting(at(available_at)),
    }
}

/// A task in the window of a process.
pub(crate) fn queued(id: u128, available_at: i64, owner: u128) -> TaskRecord {
    TaskRecord {
        state: RowState::queued(at(available_at), process_id(owner)),
        ..waiting(id, available_at)
    }
}

pub(crate) fn in_queue(record: TaskRecord, queue: &str) -> TaskRecord {
    let mut record = record;
    queue.clone_into(&mut record.definition.queue);
    record
}

pub(crate) fn limited(record: TaskRecord, key: &str) -> TaskRecord {
    let mut record = record;
    record.definition.limit_key = Some(key.to_owned());
    record
}

pub(crate) fn insert(record: TaskRecord) -> Write {
    Write::Insert(Box::new(NewTask {
        record,
        audit: Vec::new(),
    }))
}

/// Moves a row from one generation to the next.
pub(crate) fn change(id: u128, expected: i64, status: Status, owner: Option<u128>) -> RowChange {
    RowChange {
        id: task_id(id),
        expected: Generation(expected),
        generation: Generation(expected + 1),
        state: RowState {
            status,
            owner: owner.map(process_id),
            available_at: (!status.is_terminal()).then(|| at(0)),
            ..RowState::waiting(at(0))
        },
        audit_level: AuditLevel::Full,
        audit: vec![AuditEntry::of(status, at(1))],
        attempts: Vec::new(),
        runs: Vec::new(),
        follow_ups: Vec::new(),
        missed: 0,
        has_progressed: false,
    }
}

pub(crate) fn claim_of(queue: &str, now: i64) -> ClaimTasks {
    ClaimTasks {
        limit: 100,
        ..ClaimTasks::everything(QueueSelector::Only(queue.to_owned()), at(now))
    }
}

/// A claim that takes nothing of a limit key.
pub(crate) fn claim_without(key: &str, queue: &str, now: i64) -> ClaimTasks {
    ClaimTasks {
        quota: ClaimQuota::default().throttle(&["mail.send"], key, 0),
        ..claim_of(queue, now)
    }
}

pub(crate) async fn apply(
    storage: &Arc<dyn TaskStorage>,
    writes: impl IntoIterator<Item = Write>,
) -> Result<Vec<Answer>, StorageError> {
    let writes = writes.into_iter().collect();
    storage.apply(&WriteGroup { writes }).await
}

pub(crate) async fn store(
    storage: &Arc<dyn TaskStorage>,
    records: impl IntoIterator<Item = TaskRecord>,
) {
    apply(storage, records.into_iter().map(insert))
        .await
        .unwrap();
}

pub(crate) async fn claim(storage: &Arc<dyn TaskStorage>, claim: ClaimTasks) -> ClaimAnswer {
    let answers = apply(storage, [Write::Claim(claim)]).await.unwrap();
    match answers.into_iter().next() {
        Some(Answer::Claim(answer)) => answer,
        other => panic!("a claim was answered by {other:?}"),
    }
}

pub(crate) async fn change_one(storage: &Arc<dyn TaskStorage>, change: RowChange) -> ChangeAnswer {
    let answers = apply(storage, [Write::Change(Box::new(change))]).await;
    match answers.unwrap().into_iter().next() {
        Some(Answer::Change(answer)) => answer,
        other => panic!("a change was answered by {other:?}"),
    }
}

pub(crate) fn ids(answer: &ClaimAnswer) -> Vec<u128> {
    let claimed = answer.tasks.iter();
    claimed
        .map(|task| task.record.definition.id.0.as_u128())
        .collect()
}

pub(crate) async fn read(storage: &Arc<dyn TaskStorage>, id: u128) -> TaskRecord {
    storage.task(task_id(id)).await.unwrap().unwrap()
}

pub(crate) async fn audited(storage: &Arc<dyn TaskStorage>, id: u128) -> Vec<Status> {
    let audit = storage.audit(task_id(id)).await.unwrap();
    audit.iter().map(|entry| entry.status).collect()
}
