//! In what order claims take rows, and how many.

use std::collections::HashSet;

use super::World;
use super::process::Process;
use super::sample::{at, everything, id, ids, task, task_due};
use crate::storage::ClaimTasks;
use crate::task::TaskRecord;

fn limited(limit: u32) -> ClaimTasks {
    ClaimTasks {
        limit,
        ..everything(at(10))
    }
}

fn bounded(max_bytes: usize) -> ClaimTasks {
    ClaimTasks {
        max_bytes,
        ..everything(at(10))
    }
}

fn task_of_bytes(number: u128, bytes: usize) -> TaskRecord {
    let mut record = task(number);
    record.definition.payload = format!("\"{}\"", "x".repeat(bytes - 2));
    record
}

pub async fn rows_are_taken_by_availability_and_then_by_id(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [(5, 1), (1, 2), (4, 1), (2, 0), (3, 2)];
    process
        .store(&stored.map(|(number, second)| task_due(number, at(second))))
        .await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [2, 4, 5, 1, 3].map(id));
}

pub async fn a_claim_takes_no_more_rows_than_its_limit(world: &dyn World) {
    let process = Process::start(world).await;
    let tasks: Vec<_> = (1..=5).map(task).collect();
    process.store(&tasks).await;
    let first = process.claim(limited(2)).await;
    assert_eq!(ids(&first), [1, 2].map(id));
    assert!(!first.exhausted);
    let second = process.claim(limited(2)).await;
    assert_eq!(ids(&second), [3, 4].map(id));
    assert!(!second.exhausted);
    let third = process.claim(limited(2)).await;
    assert_eq!(ids(&third), [id(5)]);
    assert!(third.exhausted);
}

pub async fn a_limit_that_is_just_enough_exhausts_the_rows(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2)]).await;
    let claimed = process.claim(limited(2)).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert!(claimed.exhausted);
}

pub async fn the_largest_limits_are_no_problem(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2)]).await;
    let claim = ClaimTasks {
        limit: u32::MAX,
        max_bytes: usize::MAX,
        ..everything(at(10))
    };
    let claimed = process.claim(claim).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert!(claimed.exhausted);
}

pub async fn a_claim_takes_no_more_payload_than_its_bound(world: &dyn World) {
    let process = Process::start(world).await;
    let tasks: Vec<_> = (1..=5).map(|number| task_of_bytes(number, 100)).collect();
    process.store(&tasks).await;
    let claimed = process.claim(bounded(299)).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert!(!claimed.exhausted);
    let claimed = process.claim(bounded(300)).await;
    assert_eq!(ids(&claimed), [3, 4, 5].map(id));
    assert!(claimed.exhausted);
}

/// A bound in bytes is not one in characters.
pub async fn payload_is_measured_in_bytes(world: &dyn World) {
    let process = Process::start(world).await;
    let tasks = [1, 2].map(|number| {
        let mut record = task(number);
        record.definition.payload = format!("\"{}\"", "語".repeat(10));
        record
    });
    process.store(&tasks).await;
    let claimed = process.claim(bounded(63)).await;
    assert_eq!(ids(&claimed), [id(1)]);
    let claimed = process.claim(bounded(64)).await;
    assert_eq!(ids(&claimed), [id(2)]);
}

pub async fn one_row_is_taken_however_large(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[task_of_bytes(1, 1_000), task_of_bytes(2, 10)])
        .await;
    for expected in [1, 2] {
        let claimed = process.claim(bounded(0)).await;
        assert_eq!(ids(&claimed), [id(expected)]);
    }
}

/// Otherwise a stream of small tasks would overtake a large one for ever.
pub async fn no_row_is_passed_over_for_its_size(world: &dyn World) {
    let process = Process::start(world).await;
    let sizes = [(1, 100), (2, 1_000), (3, 100)];
    process
        .store(&sizes.map(|(number, bytes)| task_of_bytes(number, bytes)))
        .await;
    let claimed = process.claim(bounded(500)).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert!(!claimed.exhausted);
    let claimed = process.claim(bounded(1_000)).await;
    assert_eq!(ids(&claimed), [id(2)]);
}

/// Core edge case 28.
pub async fn paging_over_one_instant_neither_skips_nor_duplicates(world: &dyn World) {
    const COUNT: u128 = 1_000;
    let process = Process::start(world).await;
    let tasks: Vec<_> = (1..=COUNT).rev().map(task).collect();
    process.store(&tasks).await;
    let mut taken = Vec::new();
    let mut exhausted = false;
    while !exhausted {
        let claimed = process.claim(limited(37)).await;
        assert!(claimed.exhausted || claimed.tasks.len() == 37);
        taken.extend(ids(&claimed));
        assert!(taken.len() <= tasks.len(), "a row was taken twice");
        exhausted = claimed.exhausted;
    }
    let expected: Vec<_> = (1..=COUNT).map(id).collect();
    assert_eq!(taken, expected);
    let distinct: HashSet<_> = taken.into_iter().collect();
    assert_eq!(distinct.len(), expected.len());
}

/// A claim has no cursor that later rows could be behind of.
pub async fn rows_stored_between_two_pages_take_their_place(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[2, 4, 6].map(|number| task_due(number, at(1))))
        .await;
    assert_eq!(ids(&process.claim(limited(1)).await), [id(2)]);
    process
        .store(&[task_due(3, at(1)), task_due(9, at(0))])
        .await;
    let claimed = process.claim(limited(3)).await;
    assert_eq!(ids(&claimed), [9, 3, 4].map(id));
}
