//! Changes of one group: chains are merged, and what is refused stays alone.

use super::World;
use super::process::{Process, change_answer};
use super::sample::{SOON, at, attempt, id, task};
use crate::storage::{ChangeAnswer, RowChange, Write};
use crate::task::{AttemptOutcome, Generation, Status};

fn group(changes: impl IntoIterator<Item = RowChange>) -> Vec<Write> {
    let changes = changes.into_iter();
    changes
        .map(|change| Write::Change(Box::new(change)))
        .collect()
}

async fn answers(
    process: &Process<'_>,
    changes: impl IntoIterator<Item = RowChange>,
) -> Vec<ChangeAnswer> {
    let answers = process.apply(group(changes)).await;
    answers
        .iter()
        .map(|answer| change_answer(answer).clone())
        .collect()
}

pub async fn a_chain_in_a_group_leaves_every_audit_line_and_attempt_once(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let failed = [1, 2].map(|number| attempt(process.id, number, AttemptOutcome::Failed));
    let success = attempt(process.id, 3, AttemptOutcome::Succeeded);
    let chain = [
        lease.start(process.id, true, at(1)),
        lease.outlive_probation(),
        lease.retry_in_slot(failed[0].clone(), SOON),
        lease.retry_in_slot(failed[1].clone(), SOON),
        lease.complete(success.clone(), None, at(9)),
    ];
    // Once, and once more as after a lost answer.
    for _ in 0..2 {
        let answers = answers(&process, chain.clone()).await;
        assert_eq!(answers, vec![ChangeAnswer::Applied; chain.len()]);
        let record = process.record(id(1)).await;
        assert_eq!(&record.state, lease.state());
        assert_eq!(record.generation, lease.generation());
        let audited = process.audited_statuses(id(1)).await;
        let life = [Status::Queued, Status::InProgress, Status::Completed];
        assert_eq!(audited, life);
        let attempts = [failed[0].clone(), failed[1].clone(), success.clone()];
        assert_eq!(process.attempts(id(1)).await, attempts);
    }
}

pub async fn chains_of_several_rows_may_be_interleaved(world: &dyn World) {
    let process = Process::start(world).await;
    let mut left = process.store_queued(task(1)).await;
    let mut right = process.store_queued(task(2)).await;
    let failed = attempt(process.id, 1, AttemptOutcome::Failed);
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let changes = [
        left.start(process.id, false, at(1)),
        right.start(process.id, false, at(2)),
        left.complete(success, None, at(3)),
        right.park(failed, SOON, at(60)),
    ];
    let answers = answers(&process, changes).await;
    assert_eq!(answers, vec![ChangeAnswer::Applied; 4]);
    for lease in [left, right] {
        let record = process.record(lease.id()).await;
        assert_eq!(&record.state, lease.state());
        assert_eq!(record.generation, lease.generation());
    }
}

pub async fn a_refused_change_does_not_stop_its_neighbours(world: &dyn World) {
    let process = Process::start(world).await;
    let mut good = process.store_queued(task(1)).await;
    let mut stale = process.store_queued(task(2)).await;
    process.cancel(id(2)).await;
    let cancelled = process.record(id(2)).await;
    let mut other = process.store_queued(task(3)).await;
    let mut unknown = other.start(process.id, false, at(1));
    unknown.id = id(99);
    let changes = [
        good.start(process.id, false, at(1)),
        stale.start(process.id, false, at(1)),
        unknown,
        good.complete(
            attempt(process.id, 1, AttemptOutcome::Succeeded),
            None,
            at(2),
        ),
    ];
    let expected = [
        ChangeAnswer::Applied,
        ChangeAnswer::Refused(Box::new(cancelled.clone())),
        ChangeAnswer::Missing,
        ChangeAnswer::Applied,
    ];
    assert_eq!(answers(&process, changes).await, expected);
    let completed = process.record(id(1)).await;
    assert_eq!(completed.state.status, Status::Completed);
    assert_eq!(process.record(id(2)).await, cancelled);
}

pub async fn a_refused_chain_is_refused_as_a_whole(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process.cancel(id(1)).await;
    let cancelled = process.record(id(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let chain = [
        lease.start(process.id, false, at(1)),
        lease.complete(success, None, at(2)),
    ];
    let refused = ChangeAnswer::Refused(Box::new(cancelled.clone()));
    let answers = answers(&process, chain).await;
    assert_eq!(answers, vec![refused; 2]);
    assert_eq!(process.record(id(1)).await, cancelled);
    let audited = process.audited_statuses(id(1)).await;
    assert_eq!(audited, [Status::Queued, Status::Cancelled]);
    assert!(process.attempts(id(1)).await.is_empty());
}

/// A delivery sends its writes ahead: it may not know yet that the first was refused.
pub async fn what_follows_a_refused_change_in_a_later_group_is_refused_too(world: &dyn World) {
    let process = Process::start(world).await;
    let mut cancelled = process.store_queued(task(1)).await;
    process.cancel(id(1)).await;
    let released = process.store_queued(task(2)).await;
    let mut stale = released.clone();
    process.advance([released.clone().release(at(1))]).await;
    for lease in [&mut cancelled, &mut stale] {
        let before = process.record(lease.id()).await;
        let refused = ChangeAnswer::Refused(Box::new(before.clone()));
        let start = lease.start(process.id, false, at(2));
        assert_eq!(process.change(start).await, refused);
        let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
        let complete = lease.complete(success, None, at(3));
        assert_eq!(process.change(complete).await, refused);
        assert_eq!(process.record(lease.id()).await, before);
    }
}

pub async fn a_change_after_a_gap_is_refused_and_the_one_before_is_applied(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let start = lease.start(process.id, false, at(1));
    lease.outlive_probation();
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, None, at(2));
    let answers = answers(&process, [start, complete]).await;
    assert_eq!(answers[0], ChangeAnswer::Applied);
    let record = process.record(id(1)).await;
    assert_eq!(record.state.status, Status::InProgress);
    assert_eq!(answers[1], ChangeAnswer::Refused(Box::new(record)));
}

pub async fn a_generation_may_rise_by_more_than_one(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let mut start = lease.start(process.id, false, at(1));
    start.generation = Generation(7);
    process.advance([start]).await;
    assert_eq!(process.record(id(1)).await.generation, Generation(7));
}

/// Same generation, but not what this writer wrote there.
pub async fn a_stale_change_is_not_mistaken_for_a_repeated_one(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let mut complete = lease.complete(success, None, at(2));
    process.cancel(id(1)).await;
    let cancelled = process.record(id(1)).await;
    complete.generation = cancelled.generation;
    let refused = ChangeAnswer::Refused(Box::new(cancelled));
    assert_eq!(process.change(complete).await, refused);
    assert!(process.attempts(id(1)).await.is_empty());
}
