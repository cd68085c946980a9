//! A task is stored once, and an occurrence of a series has one task.

use super::World;
use super::process::{Process, insert_answer};
use super::sample::{at, id, new_task, task, task_of_series};
use crate::lease::RowLease;
use crate::storage::{InsertAnswer, StorageErrorKind};
use crate::task::{Failure, FailureKind, Status};

pub async fn a_task_inserted_again_is_left_alone(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process
        .advance([lease.start(process.id, false, at(1))])
        .await;
    let stored = process.record(id(1)).await;
    let mut again = task(1);
    "\"another\"".clone_into(&mut again.definition.payload);
    let answer = process.insert(&again).await;
    assert_eq!(answer, InsertAnswer::Exists(Box::new(stored.clone())));
    assert_eq!(process.record(id(1)).await, stored);
    let audited = process.audited_statuses(id(1)).await;
    assert_eq!(audited, [Status::Queued, Status::InProgress]);
}

pub async fn a_task_twice_in_a_group_is_stored_once(world: &dyn World) {
    let process = Process::start(world).await;
    let mut second = task(1);
    "\"second\"".clone_into(&mut second.definition.payload);
    let writes = vec![new_task(&task(1)), new_task(&second), new_task(&task(2))];
    let answers = process.apply(writes).await;
    assert_eq!(insert_answer(&answers[0]), &InsertAnswer::Stored);
    let exists = InsertAnswer::Exists(Box::new(task(1)));
    assert_eq!(insert_answer(&answers[1]), &exists);
    assert_eq!(insert_answer(&answers[2]), &InsertAnswer::Stored);
    assert_eq!(process.record(id(1)).await, task(1));
}

pub async fn an_occurrence_gets_no_second_task(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task_of_series(1, 100, at(5))]).await;
    let second = new_task(&task_of_series(2, 100, at(5)));
    let error = process.try_apply(vec![second]).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert_eq!(process.find(id(2)).await, None);
}

pub async fn an_occurrence_gets_no_second_task_within_a_group(world: &dyn World) {
    let process = Process::start(world).await;
    let writes = (1..=2)
        .map(|number| new_task(&task_of_series(number, 100, at(5))))
        .collect();
    let error = process.try_apply(writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert_eq!(process.find(id(1)).await, None);
    assert_eq!(process.find(id(2)).await, None);
}

pub async fn a_finished_task_keeps_its_occurrence(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task_of_series(1, 100, at(5))]).await;
    let mut lease = RowLease::new(&process.record(id(1)).await);
    let failed = lease.poison(Failure::new(FailureKind::Other, "over"), at(6));
    process.advance([failed]).await;
    let second = new_task(&task_of_series(2, 100, at(5)));
    let error = process.try_apply(vec![second]).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
}

pub async fn other_occurrences_and_other_series_are_free(world: &dyn World) {
    let process = Process::start(world).await;
    let mut without_series = task(4);
    without_series.definition.occurrence_at = Some(at(5));
    let mut without_series_too = without_series.clone();
    without_series_too.definition.id = id(5);
    let mut without_occurrence = task(6);
    without_occurrence.definition.series_id = Some(id(100));
    let mut without_occurrence_too = without_occurrence.clone();
    without_occurrence_too.definition.id = id(7);
    process
        .store(&[
            task_of_series(1, 100, at(5)),
            task_of_series(2, 100, at(6)),
            task_of_series(3, 101, at(5)),
            without_series,
            without_series_too,
            without_occurrence,
            without_occurrence_too,
        ])
        .await;
}

pub async fn an_occurrence_inserted_again_by_its_own_task_is_no_conflict(world: &dyn World) {
    let process = Process::start(world).await;
    let record = task_of_series(1, 100, at(5));
    let exists = InsertAnswer::Exists(Box::new(record.clone()));
    for first in [&InsertAnswer::Stored, &exists] {
        let answers = process.apply(vec![new_task(&record); 2]).await;
        assert_eq!(insert_answer(&answers[0]), first);
        assert_eq!(insert_answer(&answers[1]), &exists);
    }
}
