//! In what order claims take rows of several priorities.

use std::time::Duration;

use super::World;
use super::generated::Dice;
use super::process::Process;
use super::sample::{AGEING, at, everything, id, ids, task_due, task_in};
use crate::rank::{HIGHEST_PRIORITY, LOWEST_PRIORITY, Rank};
use crate::storage::{ClaimTasks, QueueSelector};
use crate::task::TaskRecord;
use crate::time::Timestamp;

const MICROSECOND: Duration = Duration::from_micros(1);

fn urgent(number: u128, priority: i32, available_at: Timestamp) -> TaskRecord {
    let mut record = task_due(number, available_at);
    record.definition.priority = priority;
    record
}

pub async fn a_higher_priority_is_taken_first(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [(1, 0), (2, -1), (3, 3), (4, 1), (5, 3)];
    process
        .store(&stored.map(|(number, priority)| urgent(number, priority, at(0))))
        .await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [3, 5, 4, 1, 2].map(id));
    assert!(claimed.exhausted);
}

/// Each step of priority is worth so much waiting and no more.
pub async fn a_row_that_has_waited_long_enough_overtakes_a_higher_priority(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [
        urgent(1, 1, at(0) + AGEING + MICROSECOND),
        urgent(2, 0, at(0)),
        urgent(3, 1, at(0) + AGEING - MICROSECOND),
        urgent(4, -2, at(0) - 2 * AGEING),
    ];
    process.store(&stored).await;
    let claimed = process.claim(everything(at(600))).await;
    assert_eq!(ids(&claimed), [3, 2, 4, 1].map(id));
}

pub async fn rows_of_one_rank_are_taken_by_id(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [
        urgent(1, 2, at(0) + AGEING),
        urgent(3, 1, at(0)),
        urgent(2, 0, at(0) - AGEING),
    ];
    process.store(&stored).await;
    let claimed = process.claim(everything(at(600))).await;
    assert_eq!(ids(&claimed), [1, 2, 3].map(id));
}

pub async fn without_ageing_the_priority_makes_no_difference(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[urgent(1, 10, at(2)), urgent(2, -10, at(1))])
        .await;
    let claim = ClaimTasks {
        ageing: Duration::ZERO,
        ..everything(at(10))
    };
    assert_eq!(ids(&process.claim(claim).await), [2, 1].map(id));
}

pub async fn with_much_ageing_nothing_but_the_priority_counts(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store(&[urgent(1, 0, at(-86_400)), urgent(2, 1, at(1))])
        .await;
    let claim = ClaimTasks {
        ageing: Duration::MAX,
        ..everything(at(10))
    };
    assert_eq!(ids(&process.claim(claim).await), [2, 1].map(id));
}

pub async fn priorities_beyond_the_range_count_as_its_ends(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [
        urgent(1, i32::MIN, at(0)),
        urgent(2, LOWEST_PRIORITY, at(1)),
        urgent(3, HIGHEST_PRIORITY, at(2)),
        urgent(4, i32::MAX, at(3)),
        urgent(5, HIGHEST_PRIORITY, at(4)),
    ];
    process.store(&stored).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [3, 4, 5, 1, 2].map(id));
}

/// A limit is spent on whoever comes first, at whatever priority.
pub async fn a_limit_leaves_those_who_come_last(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [(1, 0), (2, 5), (3, -5), (4, 5), (5, 0), (6, 9)];
    process
        .store(&stored.map(|(number, priority)| urgent(number, priority, at(0))))
        .await;
    let claim = ClaimTasks {
        limit: 2,
        ..everything(at(10))
    };
    for (expected, exhausted) in [([6, 2], false), ([4, 1], false), ([5, 3], true)] {
        let claimed = process.claim(claim.clone()).await;
        assert_eq!(ids(&claimed), expected.map(id));
        assert_eq!(claimed.exhausted, exhausted);
    }
}

/// However high its priority, it has no place among those that are due.
pub async fn a_high_priority_is_not_taken_before_it_is_due(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [
        urgent(1, 10, at(20)),
        urgent(2, -10, at(10)),
        urgent(3, 0, at(15)),
        urgent(4, 5, at(12)),
    ];
    process.store(&stored).await;
    for (now, expected, next) in [(10, 2, Some(12)), (12, 4, Some(15)), (19, 3, Some(20))] {
        let claimed = process.claim(everything(at(now))).await;
        assert_eq!(ids(&claimed), [id(expected)]);
        assert!(claimed.exhausted, "what is not due does not count");
        assert_eq!(claimed.next_available_at, next.map(at));
    }
    let claimed = process.claim(everything(at(20))).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert_eq!(claimed.next_available_at, None);
}

/// Queues that one pool serves are one line.
pub async fn queues_that_are_claimed_together_are_merged_by_rank(world: &dyn World) {
    let process = Process::start(world).await;
    let stored = [
        (1, "mail", 0),
        (2, "other", 2),
        (3, "mail", 1),
        (4, "third", 9),
    ];
    process
        .store(&stored.map(|(number, queue, priority)| {
            let mut record = task_in(number, queue);
            record.definition.priority = priority;
            record
        }))
        .await;
    let claim = ClaimTasks {
        queues: QueueSelector::AllExcept(vec!["third".to_owned()]),
        ..everything(at(10))
    };
    assert_eq!(ids(&process.claim(claim).await), [2, 3, 1].map(id));
    let claim = ClaimTasks {
        queues: QueueSelector::Only("third".to_owned()),
        ..everything(at(10))
    };
    assert_eq!(ids(&process.claim(claim).await), [id(4)]);
}

pub async fn rows_of_the_dead_are_merged_by_rank_with_those_of_nobody(world: &dyn World) {
    let dead = Process::start(world).await;
    dead.store_queued(urgent(1, 1, at(0))).await;
    dead.store_queued(urgent(2, 3, at(0))).await;
    dead.crash().await;
    let process = Process::start(world).await;
    process
        .store(&[urgent(3, 2, at(0)), urgent(4, 0, at(0))])
        .await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [2, 3, 1, 4].map(id));
}

/// Claim by claim, the rows come in the order that [`Rank`] says.
pub async fn claims_take_rows_in_the_order_of_their_ranks(world: &dyn World) {
    const COUNT: u128 = 300;
    let process = Process::start(world).await;
    let mut dice = Dice::new(6);
    let stored: Vec<_> = (1..=COUNT)
        .map(|number| {
            let priority = i32::try_from(dice.roll(25)).unwrap() - 12;
            let seconds = i64::try_from(dice.roll(1_800)).unwrap();
            urgent(number, priority, at(seconds))
        })
        .collect();
    process.store(&stored).await;
    let mut expected: Vec<_> = stored
        .iter()
        .map(|record| (Rank::of(record, AGEING), record.definition.id))
        .collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let mut taken = Vec::new();
    while taken.len() < stored.len() {
        let claim = ClaimTasks {
            limit: 17,
            ..everything(at(1_800))
        };
        let claimed = process.claim(claim).await;
        assert!(!claimed.tasks.is_empty());
        taken.extend(ids(&claimed));
    }
    assert_eq!(taken, expected);
}
