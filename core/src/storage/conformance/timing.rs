//! When rows become claimable, and how a claim says so in advance.

use std::time::Duration;

use super::World;
use super::process::Process;
use super::sample::{at, everything, id, ids, task, task_due, task_in, task_with};
use crate::storage::{AuditEntry, ClaimTasks, QueueSelector};
use crate::task::{Status, WaitReason};

const MICROSECOND: Duration = Duration::from_micros(1);

pub async fn a_row_is_claimed_from_its_very_instant_on(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task_due(1, at(5))]).await;
    let early = process.claim(everything(at(5) - MICROSECOND)).await;
    assert!(early.tasks.is_empty());
    assert!(early.exhausted, "what is not due does not count");
    assert_eq!(early.next_available_at, Some(at(5)));
    let due = process.claim(everything(at(5))).await;
    assert_eq!(ids(&due), [id(1)]);
    assert_eq!(due.next_available_at, None);
}

pub async fn the_next_instant_is_the_earliest_of_those_to_come(world: &dyn World) {
    let process = Process::start(world).await;
    let next = at(20) + MICROSECOND;
    process
        .store(&[
            task_due(1, at(40)),
            task_due(2, next),
            task_due(3, at(30)),
            task_due(4, at(10)),
        ])
        .await;
    let claimed = process.claim(everything(at(20))).await;
    assert_eq!(ids(&claimed), [id(4)]);
    assert_eq!(claimed.next_available_at, Some(next));
}

/// Those that a limit left behind are asked for at once, not waited for.
pub async fn rows_that_are_due_already_are_not_to_come(world: &dyn World) {
    let process = Process::start(world).await;
    let due = [(1, 1), (2, 10), (3, 30)];
    process
        .store(&due.map(|(number, second)| task_due(number, at(second))))
        .await;
    let claim = ClaimTasks {
        limit: 1,
        ..everything(at(10))
    };
    let claimed = process.claim(claim).await;
    assert!(!claimed.exhausted);
    assert_eq!(claimed.next_available_at, Some(at(30)));
}

pub async fn the_next_instant_is_that_of_the_claimed_queues(world: &dyn World) {
    let process = Process::start(world).await;
    let queues = [(1, "mail", 20), (2, "other", 30)];
    process
        .store(&queues.map(|(number, queue, second)| {
            let mut record = task_in(number, queue);
            record.state.available_at = Some(at(second));
            record
        }))
        .await;
    let selectors = [
        (QueueSelector::Only("mail".to_owned()), Some(at(20))),
        (QueueSelector::Only("other".to_owned()), Some(at(30))),
        (QueueSelector::Only("third".to_owned()), None),
        (
            QueueSelector::AllExcept(vec!["mail".to_owned()]),
            Some(at(30)),
        ),
        (QueueSelector::AllExcept(Vec::new()), Some(at(20))),
    ];
    for (queues, expected) in selectors {
        let claim = ClaimTasks {
            queues,
            ..everything(at(10))
        };
        let claimed = process.claim(claim.clone()).await;
        assert_eq!(claimed.next_available_at, expected, "{claim:?}");
    }
}

pub async fn rows_that_cannot_be_claimed_then_are_not_to_come(world: &dyn World) {
    let process = Process::start(world).await;
    let later = |number, status| {
        let mut record = task_due(number, at(20));
        record.state.status = status;
        record
    };
    let mut owned = later(1, Status::Queued);
    owned.state.owner = Some(process.id);
    let mut waiting = later(2, Status::WaitingQueue);
    waiting.state.wait_reason = Some(WaitReason::NoHandler);
    let over = later(3, Status::Cancelled);
    process.store(&[owned, waiting, over]).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(claimed.next_available_at, None);
}

pub async fn the_rows_of_a_dead_process_are_to_come(world: &dyn World) {
    let dead = Process::start(world).await;
    dead.store_queued(task_due(1, at(20))).await;
    dead.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert_eq!(claimed.next_available_at, Some(at(20)));
}

/// Core edge case 2: a delayed task outlives the process that stored it.
pub async fn a_delayed_row_is_claimed_by_the_next_process(world: &dyn World) {
    let first = Process::start(world).await;
    first.store(&[task(1), task_due(2, at(60))]).await;
    first.stop().await;
    let second = Process::start(world).await;
    let claimed = second.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert_eq!(claimed.next_available_at, Some(at(60)));
    let claimed = second.claim(everything(at(60))).await;
    assert_eq!(ids(&claimed), [id(2)]);
}

pub async fn an_open_row_without_an_instant_is_not_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    let record = task_with(1, |state| state.available_at = None);
    process.store(std::slice::from_ref(&record)).await;
    let claimed = process.claim(everything(at(10))).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert_eq!(claimed.next_available_at, None);
    assert_eq!(process.record(id(1)).await, record);
}

/// The claim happens now all the same, and that is what its audit says.
pub async fn a_claim_ahead_takes_what_is_due_by_its_horizon(world: &dyn World) {
    let process = Process::start(world).await;
    let due = [at(5), at(10), at(11), at(20), at(20) + MICROSECOND, at(30)];
    let rows: Vec<_> = (1..).zip(due).map(|(n, due)| task_due(n, due)).collect();
    process.store(&rows).await;
    let claimed = process.claim(ahead_of(10, 2_000)).await;
    assert_eq!(ids(&claimed), [id(1), id(2), id(3), id(4)]);
    assert!(claimed.exhausted);
    assert_eq!(claimed.next_available_at, Some(at(20) + MICROSECOND));
    let taken = process.record(id(4)).await;
    assert_eq!(
        taken.state.available_at,
        Some(at(20)),
        "it is due when it was"
    );
    assert_eq!(taken.state.owner, Some(process.id));
    let audit = [AuditEntry::of(Status::Queued, at(10))];
    assert_eq!(process.audit(id(4)).await, audit);
}

/// Without ageing, priorities settle nothing but ties.
pub async fn a_claim_ahead_that_is_full_leaves_what_is_due_last(world: &dyn World) {
    let process = Process::start(world).await;
    let due = [(1, 14, 0), (2, 19, 10), (3, 12, -10), (4, 16, 0)];
    let row = |(number, due, priority)| {
        let mut row = task_due(number, at(due));
        row.definition.priority = priority;
        row
    };
    process.store(&due.map(row)).await;
    let claimed = process.claim(ahead_of(10, 3)).await;
    assert_eq!(ids(&claimed), [id(3), id(1), id(4)]);
    assert!(!claimed.exhausted);
}

/// A claim of what is due within ten seconds.
fn ahead_of(now: i64, limit: u32) -> ClaimTasks {
    ClaimTasks {
        ahead: Duration::from_secs(10),
        ageing: Duration::ZERO,
        limit,
        ..everything(at(now))
    }
}
