//! Tasks that are stored with a change: both are, or neither is.

use super::World;
use super::process::{Process, change_answer, claim_answer};
use super::sample::{at, attempt, everything, id, ids, keyed, new_task, task, task_of_series};
use crate::lease::RowLease;
use crate::storage::{ChangeAnswer, InsertAnswer, NewTask, RowChange, StorageErrorKind, Write};
use crate::task::{AttemptOutcome, ProcessId, RowState, Status, TaskRecord};

fn change(change: RowChange) -> Write {
    Write::Change(Box::new(change))
}

/// The success of a task, which these tasks follow.
fn complete(process: &Process<'_>, lease: &mut RowLease, follow_ups: &[TaskRecord]) -> RowChange {
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let follow_ups = follow_ups.iter().cloned().map(NewTask::new);
    RowChange {
        follow_ups: follow_ups.collect(),
        ..lease.complete(success, None, at(2))
    }
}

fn queued(number: u128, owner: ProcessId) -> TaskRecord {
    TaskRecord {
        state: RowState::queued(at(2), owner),
        ..task(number)
    }
}

pub async fn a_follow_up_is_stored_with_its_change(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let follow_ups = [keyed(2, "next"), queued(3, process.id)];
    let changes = vec![
        change(lease.start(process.id, false, at(1))),
        change(complete(&process, &mut lease, &follow_ups)),
    ];
    for answer in process.apply(changes).await {
        assert_eq!(change_answer(&answer), &ChangeAnswer::Applied);
    }
    assert_eq!(process.record(id(1)).await.state, *lease.state());
    for follow_up in &follow_ups {
        assert_eq!(process.record(follow_up.id()).await, *follow_up);
    }
    assert!(process.audited_statuses(id(2)).await.is_empty());
    assert_eq!(process.audited_statuses(id(3)).await, [Status::Queued]);
    let taken = process.insert(&keyed(4, "next")).await;
    assert!(matches!(taken, InsertAnswer::KeyTaken(_)), "{taken:?}");
}

pub async fn a_change_that_is_refused_stores_no_follow_up(world: &dyn World) {
    let process = Process::start(world).await;
    let mut good = process.store_queued(task(1)).await;
    let mut cancelled = process.store_queued(task(2)).await;
    process.cancel(id(2)).await;
    let mut unknown = process.store_queued(task(3)).await;
    let mut missing = complete(&process, &mut unknown, &[task(13)]);
    missing.id = id(99);
    let answers = process
        .apply(vec![
            change(complete(&process, &mut cancelled, &[task(12)])),
            change(missing),
            change(complete(&process, &mut good, &[task(11)])),
        ])
        .await;
    let refused = change_answer(&answers[0]);
    assert!(matches!(refused, ChangeAnswer::Refused(_)), "{refused:?}");
    assert_eq!(change_answer(&answers[1]), &ChangeAnswer::Missing);
    assert_eq!(change_answer(&answers[2]), &ChangeAnswer::Applied);
    assert_eq!(process.find(id(12)).await, None);
    assert_eq!(process.find(id(13)).await, None);
    assert_eq!(process.record(id(11)).await, task(11));
}

/// Core edge case 23: a refusal leaves no trace.
pub async fn a_rejected_group_stores_no_follow_up(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let before = process.record(id(1)).await;
    let success = complete(&process, &mut lease, &[task(2)]);
    let writes = vec![
        change(success.clone()),
        new_task(&task_of_series(5, 100, at(5))),
        new_task(&task_of_series(6, 100, at(5))),
    ];
    let error = process.try_apply(writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert_eq!(process.record(id(1)).await, before);
    assert_eq!(process.find(id(2)).await, None);
    process.advance([success]).await;
    assert_eq!(process.record(id(2)).await, task(2));
}

/// As after a lost answer, however far the follow-up has come meanwhile.
pub async fn a_change_that_is_repeated_stores_its_follow_ups_once(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = complete(&process, &mut lease, &[keyed(2, "next")]);
    process.advance([success.clone()]).await;
    process.cancel(id(2)).await;
    let gone_on = process.record(id(2)).await;
    process.advance([success.clone()]).await;
    assert_eq!(process.record(id(2)).await, gone_on);
    assert_eq!(process.audited_statuses(id(2)).await, [Status::Cancelled]);
    // The same change with another follow-up is still the same change.
    let mut other = success;
    other.follow_ups = vec![NewTask::new(task(3))];
    process.advance([other]).await;
    assert_eq!(process.find(id(3)).await, None);
}

pub async fn a_follow_up_whose_id_or_key_is_taken_is_left_out(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process.store(&[task(2), keyed(3, "taken")]).await;
    let mut twin = task(2);
    "[]".clone_into(&mut twin.definition.payload);
    let follow_ups = [
        twin,
        keyed(4, "taken"),
        task(5),
        keyed(6, "free"),
        keyed(7, "free"),
    ];
    let success = complete(&process, &mut lease, &follow_ups);
    let without = ChangeAnswer::AppliedWithout(vec![id(2), id(4), id(7)]);
    assert_eq!(process.change(success).await, without);
    assert_eq!(process.record(id(1)).await.state, *lease.state());
    assert_eq!(process.record(id(2)).await, task(2));
    assert_eq!(process.find(id(4)).await, None);
    assert_eq!(process.record(id(5)).await, task(5));
    assert_eq!(process.record(id(6)).await, keyed(6, "free"));
    assert_eq!(process.find(id(7)).await, None);
}

/// A chain of tasks of one key, each of which dispatches the next.
pub async fn a_follow_up_takes_the_key_that_its_task_gives_up(world: &dyn World) {
    let process = Process::start(world).await;
    let mut first = keyed(1, "chain");
    first.state = RowState {
        active_key: first.state.active_key,
        ..RowState::queued(at(0), process.id)
    };
    process.store(std::slice::from_ref(&first)).await;
    let mut lease = RowLease::new(&first);
    let success = complete(&process, &mut lease, &[keyed(2, "chain")]);
    process.advance([success]).await;
    assert_eq!(process.record(id(2)).await, keyed(2, "chain"));
}

pub async fn a_claim_of_the_group_takes_follow_ups(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = complete(&process, &mut lease, &[task(2), queued(3, process.id)]);
    let claim = Write::Claim(everything(at(10)));
    let answers = process.apply(vec![claim, change(success)]).await;
    assert_eq!(ids(claim_answer(&answers[0])), [id(2)]);
}
