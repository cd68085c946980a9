//! Which rows a claim takes, and what it makes of them.

use super::World;
use super::process::Process;
use super::sample::{
    HOSTILE, SOON, at, attempt, everything, failure, id, ids, task, task_in, task_with,
};
use crate::lease::RowLease;
use crate::storage::{AuditEntry, ChangeAnswer, ClaimTasks, QueueSelector};
use crate::task::{AttemptOutcome, RowState, Status, TaskId, WaitReason};

fn from(queues: QueueSelector) -> ClaimTasks {
    ClaimTasks {
        queues,
        ..everything(at(10))
    }
}

fn all_except(names: &[&str]) -> QueueSelector {
    QueueSelector::AllExcept(names.iter().map(|name| (*name).to_owned()).collect())
}

pub async fn a_claim_of_an_empty_storage_is_exhausted(world: &dyn World) {
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert!(claimed.tasks.is_empty());
    assert!(claimed.exhausted);
    assert_eq!(claimed.next_available_at, None);
}

pub async fn a_claimed_row_is_queued_and_owned(world: &dyn World) {
    let process = Process::start(world).await;
    let record = task_with(1, |state| {
        state.attempts = 2;
        state.interruptions = 1;
        state.recovery_failures = 3;
        state.failure = Some(failure("earlier"));
        state.last_execution_at = Some(at(-5));
    });
    process.store(std::slice::from_ref(&record)).await;
    let claimed = process.claim(everything(at(10))).await;
    let expected = RowState {
        status: Status::Queued,
        owner: Some(process.id),
        ..record.state
    };
    assert_eq!(claimed.tasks.len(), 1);
    assert!(!claimed.tasks[0].interrupted);
    let taken = &claimed.tasks[0].record;
    assert_eq!(taken.definition, record.definition);
    assert_eq!(taken.state, expected);
    assert_eq!(taken.generation, record.generation.superseded());
    assert_eq!(&process.record(id(1)).await, taken);
    let audit = [AuditEntry::of(Status::Queued, at(10))];
    assert_eq!(process.audit(id(1)).await, audit);
}

pub async fn every_open_status_without_an_owner_is_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, status) in (1..).zip(Status::ALL) {
        let record = task_with(number, |state| state.status = status);
        process.store(&[record]).await;
    }
    let open: Vec<_> = (1..)
        .zip(Status::ALL)
        .filter(|(_, status)| !status.is_terminal())
        .map(|(number, _)| id(number))
        .collect();
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), open);
    assert!(claimed.exhausted);
}

/// A task between two attempts is in progress all along, and its audit shows one start.
pub async fn a_parked_row_stays_in_progress(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let failed = attempt(process.id, 1, AttemptOutcome::Failed);
    let start = lease.start(process.id, false, at(1));
    process
        .advance([start, lease.park(failed, SOON, at(60))])
        .await;
    assert!(process.claim(everything(at(59))).await.tasks.is_empty());
    let claimed = process.claim(everything(at(60))).await;
    let taken = &claimed.tasks[0];
    assert!(!taken.interrupted);
    assert_eq!(taken.record.state.status, Status::InProgress);
    assert_eq!(taken.record.state.owner, Some(process.id));
    assert_eq!(taken.record.state.attempts, 1);
    assert_eq!(taken.record.state.retry_delay, Some(SOON));
    assert_eq!(taken.record.generation, lease.generation().superseded());
    let audited = process.audited_statuses(id(1)).await;
    assert_eq!(audited, [Status::Queued, Status::InProgress]);
}

pub async fn a_stopped_row_is_queued_again(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let start = lease.start(process.id, false, at(1));
    let stopped = attempt(process.id, 1, AttemptOutcome::Stopped);
    process
        .advance([start, lease.stop(Some(stopped), at(2))])
        .await;
    let claimed = process.claim(everything(at(2))).await;
    assert_eq!(claimed.tasks[0].record.state.status, Status::Queued);
    assert!(!claimed.tasks[0].interrupted);
    let expected = [
        Status::Queued,
        Status::InProgress,
        Status::ServiceStopped,
        Status::Queued,
    ];
    assert_eq!(process.audited_statuses(id(1)).await, expected);
}

/// Core edge case 45: such a row is kept, and it does not block those behind it.
pub async fn a_row_that_waits_for_a_reason_is_passed_over(world: &dyn World) {
    let process = Process::start(world).await;
    let mut number = 0;
    let waiting = WaitReason::ALL.map(|reason| {
        number += 1;
        task_with(number, |state| state.wait_reason = Some(reason))
    });
    process.store(&waiting).await;
    process.store(&[task(9)]).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [id(9)]);
    assert!(claimed.exhausted);
    for record in waiting {
        assert_eq!(process.record(record.definition.id).await, record);
    }
}

pub async fn only_takes_from_its_queue(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_queues(&process).await;
    let only = QueueSelector::Only(HOSTILE.to_owned());
    let claimed = process.claim(from(only)).await;
    assert_eq!(ids(&claimed), [id(2)]);
    assert!(claimed.exhausted);
    let unknown = QueueSelector::Only("unknown".to_owned());
    assert!(process.claim(from(unknown)).await.tasks.is_empty());
}

pub async fn all_except_takes_from_the_other_queues(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_queues(&process).await;
    let claimed = process.claim(from(all_except(&["mail", HOSTILE]))).await;
    assert_eq!(ids(&claimed), [id(3)]);
    assert!(claimed.exhausted);
}

pub async fn all_except_none_takes_from_every_queue(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_queues(&process).await;
    let claimed = process.claim(from(all_except(&[]))).await;
    assert_eq!(ids(&claimed), [1, 2, 3].map(id));
}

/// A collation that folds case, accents or trailing spaces would give a pool another's tasks.
pub async fn a_claim_tells_queues_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let names = [
        "mail",
        "Mail",
        "m\u{e1}il",
        "mail ",
        " mail",
        "ma\u{69}\u{301}l",
    ];
    for (number, name) in (1..).zip(names) {
        process.store(&[task_in(number, name)]).await;
    }
    for (number, name) in (1..).zip(names) {
        let only = QueueSelector::Only(name.to_owned());
        let claimed = process.claim(from(only)).await;
        assert_eq!(ids(&claimed), [id(number)], "{name:?}");
    }
    process.store(&[task_in(7, "MAIL")]).await;
    let claimed = process.claim(from(all_except(&names))).await;
    assert_eq!(ids(&claimed), [id(7)]);
}

async fn store_three_queues(process: &Process<'_>) {
    let queues = [(1, "mail"), (2, HOSTILE), (3, "retired")];
    process
        .store(&queues.map(|(number, queue)| task_in(number, queue)))
        .await;
}

/// Core edge case 22: not even a fallback takes what is not to be taken.
pub async fn only_what_is_claimable_is_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    let mut number = 0;
    let mut claimable: Vec<TaskId> = Vec::new();
    for status in Status::ALL {
        for owner in [None, Some(process.id)] {
            for wait_reason in [None, Some(WaitReason::NoHandler)] {
                for available_at in [None, Some(at(10)), Some(at(11))] {
                    number += 1;
                    let record = task_with(number, |state| {
                        state.status = status;
                        state.owner = owner;
                        state.wait_reason = wait_reason;
                        state.available_at = available_at;
                    });
                    process.store(&[record]).await;
                    let is_free = owner.is_none() && wait_reason.is_none();
                    let is_due = available_at == Some(at(10));
                    if is_free && is_due && !status.is_terminal() {
                        claimable.push(id(number));
                    }
                }
            }
        }
    }
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), claimable);
    assert!(claimed.exhausted);
}

/// Storage scenario S2 and storage edge case 10: neither a late claim nor a delivery that is out of
/// date brings back what is over.
pub async fn a_row_that_ended_meanwhile_is_never_set_back(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1)]).await;
    let claimed = process.claim(everything(at(0))).await;
    let mut lease = RowLease::new(&claimed.tasks[0].record);
    let mut outdated = lease.clone();
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process
        .advance([lease.complete(success, None, at(1))])
        .await;
    let over = process.record(id(1)).await;
    let audit = process.audit(id(1)).await;
    let answer = process.change(outdated.release(at(2))).await;
    assert_eq!(answer, ChangeAnswer::Refused(Box::new(over.clone())));
    let late = process.claim(everything(at(3))).await;
    assert!(late.tasks.is_empty());
    assert_eq!(process.record(id(1)).await, over);
    assert_eq!(process.audit(id(1)).await, audit);
}
