//! A group commits as a whole or not at all, and its writes have an order.

use super::World;
use super::process::{Process, cancel_answer, change_answer, claim_answer, insert_answer};
use super::sample::{at, attempt, everything, id, ids, new_task, task, task_of_series};
use crate::lease::RowLease;
use crate::storage::{
    Answer, CancelAnswer, CancelTask, ChangeAnswer, InsertAnswer, ReconsiderWaiting, RowChange,
    StorageErrorKind, Write,
};
use crate::task::{AttemptOutcome, Failure, FailureKind, Status, TaskId, WaitReason};

fn change(change: RowChange) -> Write {
    Write::Change(Box::new(change))
}

fn cancel(id: TaskId) -> Write {
    Write::Cancel(CancelTask {
        id,
        at: at(50),
        actor: None,
        reason: None,
    })
}

pub async fn an_empty_group_is_answered_with_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    assert!(process.apply(Vec::new()).await.is_empty());
}

/// Core edge case 23: a refusal leaves no trace.
pub async fn a_rejected_write_leaves_nothing_of_its_group(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2)]).await;
    let mut lease = process.store_queued(task(3)).await;
    let before = [1, 2, 3].map(id);
    let mut records = Vec::new();
    for id in before {
        records.push((process.record(id).await, process.audit(id).await));
    }
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let writes = vec![
        new_task(&task(4)),
        new_task(&task_of_series(5, 100, at(5))),
        new_task(&task_of_series(6, 100, at(5))),
        new_task(&task(7)),
        change(lease.start(process.id, false, at(1))),
        change(lease.complete(success, None, at(2))),
        cancel(id(1)),
        Write::Claim(everything(at(10))),
    ];
    let error = process.try_apply(writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    for number in 4..=7 {
        assert_eq!(process.find(id(number)).await, None);
        assert!(process.audit(id(number)).await.is_empty());
    }
    for (id, (record, audit)) in before.into_iter().zip(records) {
        assert_eq!(process.record(id).await, record);
        assert_eq!(process.audit(id).await, audit);
        assert!(process.attempts(id).await.is_empty());
    }
}

/// The writer splits such a group and goes on with the rest.
pub async fn a_storage_works_on_after_a_rejected_group(world: &dyn World) {
    let process = Process::start(world).await;
    let first = new_task(&task_of_series(1, 100, at(5)));
    let second = new_task(&task_of_series(2, 100, at(5)));
    let both = vec![first.clone(), second];
    process.try_apply(both).await.unwrap_err();
    let answers = process.apply(vec![first]).await;
    assert_eq!(insert_answer(&answers[0]), &InsertAnswer::Stored);
}

pub async fn answers_come_in_the_order_of_the_writes(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process.store(&[task(2)]).await;
    let answers = process
        .apply(vec![
            Write::Claim(everything(at(10))),
            cancel(id(2)),
            Write::Reconsider(ReconsiderWaiting {
                known_tasks: Vec::new(),
            }),
            new_task(&task(3)),
            change(lease.start(process.id, false, at(1))),
            cancel(id(99)),
            new_task(&task(1)),
        ])
        .await;
    assert_eq!(ids(claim_answer(&answers[0])), [id(3)]);
    let cancelled = CancelAnswer::Cancelled(Status::WaitingQueue);
    assert_eq!(cancel_answer(&answers[1]), cancelled);
    assert!(matches!(answers[2], Answer::Reconsidered));
    assert_eq!(insert_answer(&answers[3]), &InsertAnswer::Stored);
    assert_eq!(change_answer(&answers[4]), &ChangeAnswer::Applied);
    assert_eq!(cancel_answer(&answers[5]), CancelAnswer::Unknown);
    let InsertAnswer::Exists(_) = insert_answer(&answers[6]) else {
        panic!("task 1 was stored before: {:?}", answers[6]);
    };
}

pub async fn a_whole_life_fits_into_one_group(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task(1);
    record.state.status = Status::Queued;
    record.state.owner = Some(process.id);
    let mut lease = RowLease::new(&record);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let start = lease.start(process.id, false, at(0));
    let complete = lease.complete(success.clone(), None, at(0));
    // The order of the writes in the group does not matter, except among writes of one kind.
    let writes = vec![change(start), change(complete), new_task(&record)];
    let answers = process.apply(writes).await;
    assert_eq!(change_answer(&answers[0]), &ChangeAnswer::Applied);
    assert_eq!(change_answer(&answers[1]), &ChangeAnswer::Applied);
    let stored = process.record(id(1)).await;
    assert_eq!(&stored.state, lease.state());
    assert_eq!(stored.generation, lease.generation());
    let audited = process.audited_statuses(id(1)).await;
    let life = [Status::Queued, Status::InProgress, Status::Completed];
    assert_eq!(audited, life);
    assert_eq!(process.attempts(id(1)).await, [success]);
}

/// Core edge case 81: what is over is not cancelled, even by a cancel in the same group.
pub async fn a_cancel_sees_the_changes_of_its_group(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, None, at(1));
    let answers = process.apply(vec![cancel(id(1)), change(complete)]).await;
    let over = CancelAnswer::AlreadyOver(Status::Completed);
    assert_eq!(cancel_answer(&answers[0]), over);
    let record = process.record(id(1)).await;
    assert_eq!(record.state.status, Status::Completed);
}

pub async fn a_claim_sees_everything_its_group_did(world: &dyn World) {
    let process = Process::start(world).await;
    let mut released = process.store_queued(task(1)).await;
    let mut waiting = process.store_queued(task(2)).await;
    let failure = Failure::new(FailureKind::Other, "no handler");
    let wait = waiting.wait(process.id, WaitReason::NoHandler, failure, at(1));
    process.advance([wait]).await;
    process.store(&[task(3)]).await;
    let answers = process
        .apply(vec![
            Write::Claim(everything(at(10))),
            Write::Reconsider(ReconsiderWaiting {
                known_tasks: vec![task(2).definition.task],
            }),
            cancel(id(3)),
            change(released.release(at(1))),
            new_task(&task(4)),
        ])
        .await;
    let claimed = claim_answer(&answers[0]);
    assert_eq!(ids(claimed), [id(1), id(2), id(4)]);
    assert!(claimed.exhausted);
}

pub async fn two_claims_of_a_group_share_no_row(world: &dyn World) {
    let process = Process::start(world).await;
    let tasks: Vec<_> = (1..=5).map(task).collect();
    process.store(&tasks).await;
    let mut first = everything(at(1));
    first.limit = 3;
    let claims = vec![Write::Claim(first), Write::Claim(everything(at(1)))];
    let answers = process.apply(claims).await;
    let [first, second] = [0, 1].map(|index: usize| claim_answer(&answers[index]));
    assert_eq!(ids(first), [1, 2, 3].map(id));
    assert_eq!(ids(second), [4, 5].map(id));
    assert!(!first.exhausted && second.exhausted);
}

/// More rows than any statement has parameters for.
pub async fn a_group_of_thousands_of_writes_is_answered_one_by_one(world: &dyn World) {
    const COUNT: u128 = 2_500;
    let process = Process::start(world).await;
    let mut writes = Vec::new();
    for number in 1..=COUNT {
        let mut record = task(number);
        record.state.status = Status::Queued;
        record.state.owner = Some(process.id);
        let mut lease = RowLease::new(&record);
        let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
        writes.push(new_task(&record));
        writes.push(change(lease.start(process.id, false, at(1))));
        writes.push(change(lease.complete(success, None, at(2))));
        writes.push(cancel(id(number)));
    }
    for answers in process.apply(writes).await.chunks(4) {
        assert_eq!(insert_answer(&answers[0]), &InsertAnswer::Stored);
        assert_eq!(change_answer(&answers[1]), &ChangeAnswer::Applied);
        assert_eq!(change_answer(&answers[2]), &ChangeAnswer::Applied);
        let over = CancelAnswer::AlreadyOver(Status::Completed);
        assert_eq!(cancel_answer(&answers[3]), over);
    }
    for number in [1, COUNT / 2, COUNT] {
        assert_eq!(process.attempts(id(number)).await.len(), 1);
        assert_eq!(process.audit(id(number)).await.len(), 3);
    }
}
