use std::time::Duration;

use evertask_core::storage::{Answer, ChangeAnswer, InsertAnswer, StorageErrorKind, Write};
use evertask_core::task::{
    AttemptId, AttemptOutcome, AttemptRecord, Generation, Status, TaskRecord,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::world::World;
use crate::sample::{
    apply, at, audited, change, change_one, insert, open, process_id, read, store, task_id, waiting,
};

#[tokio::test]
async fn a_change_is_applied_once_and_only_from_the_generation_it_names() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    let start = change(1, 0, Status::InProgress, Some(1));
    assert_eq!(
        change_one(&storage, start.clone()).await,
        ChangeAnswer::Applied
    );
    assert_eq!(
        change_one(&storage, start.clone()).await,
        ChangeAnswer::Applied
    );
    assert_eq!(audited(&storage, 1).await, [Status::InProgress]);

    let stale = change(1, 0, Status::Completed, None);
    let row = read(&storage, 1).await;
    assert_eq!(
        change_one(&storage, stale).await,
        ChangeAnswer::Refused(Box::new(row))
    );
    let nowhere = change(2, 0, Status::Completed, None);
    assert_eq!(change_one(&storage, nowhere).await, ChangeAnswer::Missing);
    assert_eq!(audited(&storage, 1).await, [Status::InProgress]);
}

#[tokio::test]
async fn changes_of_one_row_in_one_group_are_decided_one_after_the_other() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    let changes = [
        change(1, 0, Status::InProgress, Some(1)),
        change(1, 7, Status::Failed, None),
        change(1, 1, Status::Completed, None),
        change(1, 1, Status::Failed, None),
    ];
    let writes = changes.map(|change| Write::Change(Box::new(change)));
    let answers = apply(&storage, writes).await.unwrap();
    let is_applied: Vec<_> = answers
        .iter()
        .map(|answer| matches!(answer, Answer::Change(ChangeAnswer::Applied)))
        .collect();
    assert_eq!(is_applied, [true, false, true, false]);
    assert_eq!(
        audited(&storage, 1).await,
        [Status::InProgress, Status::Completed]
    );
    assert_eq!(read(&storage, 1).await.generation, Generation(2));
}

#[tokio::test]
async fn an_attempt_that_is_stored_already_is_left_alone() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    let attempt = AttemptRecord {
        id: AttemptId(Uuid::from_u128(1)),
        number: 1,
        process: process_id(1),
        started_at: at(0),
        waited: Duration::ZERO,
        ran: Duration::ZERO,
        outcome: AttemptOutcome::Stopped,
        failure: None,
        is_counted: true,
    };
    for expected in 0..2 {
        let mut change = change(1, expected, Status::ServiceStopped, None);
        change.attempts = vec![attempt.clone()];
        assert_eq!(change_one(&storage, change).await, ChangeAnswer::Applied);
    }
    assert_eq!(storage.attempts(task_id(1)).await.unwrap(), [attempt]);
}

#[tokio::test]
async fn an_insert_leaves_a_row_of_its_id_alone() {
    let world = World::new();
    let storage = world.open(1).await;
    let first = insert(waiting(1, 5));
    let answers = apply(
        &storage,
        [first, insert(waiting(2, 5)), insert(waiting(1, 9))],
    )
    .await;
    let answers: Vec<_> = answers
        .unwrap()
        .into_iter()
        .map(|answer| {
            let Answer::Insert(answer) = answer else {
                panic!("an insert was answered by {answer:?}");
            };
            answer
        })
        .collect();
    let exists = InsertAnswer::Exists(Box::new(waiting(1, 5)));
    assert_eq!(
        answers,
        [InsertAnswer::Stored, InsertAnswer::Stored, exists]
    );
}

#[tokio::test]
async fn one_bad_write_leaves_nothing_of_its_group() {
    let world = World::new();
    let storage = world.open(1).await;
    let occurrence = |id| {
        let mut record = waiting(id, 0);
        record.definition.series_id = Some(task_id(9));
        record.definition.occurrence_at = Some(at(0));
        record
    };
    store(&storage, [occurrence(1)]).await;
    let good = change(1, 0, Status::Completed, None);
    let poisoned: TaskRecord = occurrence(2);
    let group = [
        Write::Change(Box::new(good.clone())),
        insert(waiting(3, 0)),
        insert(poisoned),
    ];
    let error = apply(&storage, group).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected, "{error}");
    assert_eq!(read(&storage, 1).await, occurrence(1));
    assert_eq!(storage.task(task_id(3)).await.unwrap(), None);
    assert_eq!(audited(&storage, 1).await, []);
    assert_eq!(change_one(&storage, good).await, ChangeAnswer::Applied);
}

#[tokio::test]
async fn a_row_is_not_changed_without_its_audit() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    world
        .execute(
            "CREATE TRIGGER poison BEFORE INSERT ON evertask_status_audit
             BEGIN SELECT RAISE(ABORT, 'no audit today'); END",
        )
        .await;
    let change = change(1, 0, Status::Completed, None);
    let error = apply(&storage, [Write::Change(Box::new(change))])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no audit today"), "{error}");
    assert_eq!(read(&storage, 1).await, waiting(1, 0));
}

#[tokio::test]
async fn a_database_that_somebody_else_writes_is_busy_and_then_not() {
    let world = World::new();
    let patient = world.storage().busy_timeout(Duration::from_millis(10));
    let storage = open(&patient, 1).await.unwrap();
    let other = world.outside().await;
    other.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let error = apply(&storage, [insert(waiting(1, 0))]).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Transient, "{error}");
    other.execute_unprepared("ROLLBACK").await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
}
