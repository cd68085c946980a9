//! Every transition of a lease is stored as the lease says, and only from where it says.

use super::World;
use super::process::Process;
use super::sample::{HOSTILE, SOON, at, attempt, failure, id, progress, result, task};
use crate::lease::RowLease;
use crate::storage::{ChangeAnswer, RowChange};
use crate::task::{AttemptOutcome, ProcessId, WaitReason};

type Transition = fn(&mut RowLease, ProcessId) -> RowChange;

const TRANSITIONS: [Transition; 21] = [
    |lease, me| lease.start(me, false, at(1)),
    |lease, me| lease.start(me, true, at(1)),
    |lease, _| lease.outlive_probation(),
    |lease, me| lease.retry_in_slot(attempt(me, 1, AttemptOutcome::Failed), SOON),
    |lease, me| lease.park(attempt(me, 1, AttemptOutcome::Failed), SOON, at(60)),
    |lease, me| {
        let attempt = attempt(me, 1, AttemptOutcome::Snoozed);
        lease.snooze(attempt, HOSTILE.to_owned(), at(60))
    },
    |lease, me| lease.complete(attempt(me, 1, AttemptOutcome::Succeeded), None, at(1)),
    |lease, me| {
        let success = attempt(me, 1, AttemptOutcome::Succeeded);
        lease.complete_with(Some(result()), success, None, at(1))
    },
    |lease, _| lease.report(progress(at(1))),
    |lease, me| {
        let attempt = attempt(me, 1, AttemptOutcome::Failed);
        lease.fail(failure("all attempts"), attempt, None, at(1))
    },
    |lease, _| lease.poison(failure("quarantined"), at(1)),
    |lease, _| lease.give_up_decoding(failure("undecodable"), at(1)),
    |lease, me| lease.stop(Some(attempt(me, 1, AttemptOutcome::Stopped)), at(1)),
    |lease, _| lease.stop(None, at(1)),
    |lease, me| lease.note(attempt(me, 1, AttemptOutcome::Failed)),
    |lease, _| lease.cancel(Some("ada".to_owned()), None, at(1)),
    |lease, _| lease.release(at(1)),
    |lease, _| lease.give_up_key(),
    |lease, me| lease.wait(me, WaitReason::NoHandler, failure("no handler"), at(1)),
    |lease, me| lease.wait(me, WaitReason::Undecodable, failure("undecodable"), at(1)),
    |lease, me| {
        lease.start(me, false, at(1));
        lease.release(at(1))
    },
];

/// Each transition from a queued row and from one in progress, with a task of its own.
async fn each_case(
    world: &dyn World,
    mut check: impl AsyncFnMut(&Process<'_>, &mut RowLease, Transition),
) {
    let process = Process::start(world).await;
    let mut number = 0;
    for transition in TRANSITIONS {
        for is_started in [false, true] {
            number += 1;
            let mut lease = process.store_queued(task(number)).await;
            if is_started {
                let start = lease.start(process.id, number % 3 == 0, at(1));
                process.advance([start]).await;
            }
            check(&process, &mut lease, transition).await;
        }
    }
}

pub async fn every_transition_is_stored_as_the_lease_says(world: &dyn World) {
    each_case(world, async |process, lease, transition| {
        let mut audit = process.audit(lease.id()).await;
        let mut change = transition(lease, process.id);
        // The transition may be the second of a chain of which it is all that is written.
        change.expected = process.record(lease.id()).await.generation;
        let answer = process.change(change.clone()).await;
        assert_eq!(answer, ChangeAnswer::Applied, "{change:?}");
        let record = process.record(lease.id()).await;
        assert_eq!(&record.state, lease.state());
        assert_eq!(record.generation, lease.generation());
        audit.extend(change.audit);
        assert_eq!(process.audit(lease.id()).await, audit);
        assert_eq!(process.attempts(lease.id()).await, change.attempts);
    })
    .await;
}

/// Core edge cases 16, 19 and 75: a stale delivery overwrites nothing, whatever it wants to say.
pub async fn every_transition_from_an_old_generation_is_refused(world: &dyn World) {
    each_case(world, async |process, lease, transition| {
        let stale = transition(&mut lease.clone(), process.id);
        // The row moves on twice, so that no stale write can be mistaken for the one before.
        let successor = [
            lease.outlive_probation(),
            lease.retry_in_slot(attempt(process.id, 1, AttemptOutcome::Failed), SOON),
            lease.outlive_probation(),
        ];
        process.advance(successor).await;
        let before = process.record(lease.id()).await;
        let audit = process.audit(lease.id()).await;
        let attempts = process.attempts(lease.id()).await;
        let answer = process.change(stale).await;
        assert_eq!(answer, ChangeAnswer::Refused(Box::new(before.clone())));
        assert_eq!(process.record(lease.id()).await, before);
        assert_eq!(process.audit(lease.id()).await, audit);
        assert_eq!(process.attempts(lease.id()).await, attempts);
    })
    .await;
}

/// A write is repeated after its answer was lost; what it brought must not be there twice.
pub async fn every_transition_written_again_changes_nothing(world: &dyn World) {
    each_case(world, async |process, lease, transition| {
        let mut change = transition(lease, process.id);
        change.expected = process.record(lease.id()).await.generation;
        process.advance([change.clone()]).await;
        let before = process.record(lease.id()).await;
        let audit = process.audit(lease.id()).await;
        let attempts = process.attempts(lease.id()).await;
        process.advance([change.clone(), change]).await;
        assert_eq!(process.record(lease.id()).await, before);
        assert_eq!(process.audit(lease.id()).await, audit);
        assert_eq!(process.attempts(lease.id()).await, attempts);
    })
    .await;
}

pub async fn a_transition_of_an_unknown_row_is_missing(world: &dyn World) {
    let process = Process::start(world).await;
    let unknown = task(1);
    for transition in TRANSITIONS {
        let change = transition(&mut RowLease::new(&unknown), process.id);
        assert_eq!(process.change(change).await, ChangeAnswer::Missing);
    }
    assert_eq!(process.find(id(1)).await, None);
    assert!(process.audit(id(1)).await.is_empty());
    assert!(process.attempts(id(1)).await.is_empty());
}
