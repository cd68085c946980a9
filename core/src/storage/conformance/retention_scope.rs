//! Rules of task types and of queues (storage specification 4.5).

use super::World;
use super::cycle::{days, days_ago, ended, success};
use super::process::Process;
use crate::retention::{EndedTasks, RetentionPolicy, RetentionRules};
use crate::task::Status;

fn purging_after(window: i64) -> RetentionRules {
    RetentionRules::new()
        .status_audit(days(window))
        .purge(EndedTasks::Completed)
}

/// Stores a task of each type in each queue, with a line of history, all finished ten days ago, and
/// answers which of them a cycle leaves; they are numbered type by type.
async fn left_of(
    world: &dyn World,
    policy: RetentionPolicy,
    types: &[&str],
    queues: &[&str],
) -> Vec<u128> {
    let process = Process::start(world).await;
    let mut number = 0;
    for name in types {
        for queue in queues {
            number += 1;
            let mut record = ended(number, Status::Completed, days_ago(10));
            (*name).clone_into(&mut record.definition.task);
            (*queue).clone_into(&mut record.definition.queue);
            let line = success(days_ago(10));
            process.store_with_audit(&record, vec![line]).await;
        }
    }
    process.cycle_of(&policy).await;
    let left = process.existing(1..=number).await;
    for number in 1..=number {
        let lines = process.audited_at(number).await;
        assert_eq!(lines.is_empty(), !left.contains(&number));
    }
    left
}

pub async fn a_type_has_rules_of_its_own(world: &dyn World) {
    let policy = RetentionPolicy::new(purging_after(7)).for_task("pay", purging_after(30));
    let left = left_of(world, policy, &["mail", "pay"], &["one", "two"]).await;
    assert_eq!(left, [3, 4]);
}

pub async fn a_queue_has_rules_of_its_own(world: &dyn World) {
    let policy = RetentionPolicy::new(purging_after(30)).for_queue("two", purging_after(7));
    let left = left_of(world, policy, &["mail", "pay"], &["one", "two"]).await;
    assert_eq!(left, [1, 3]);
}

pub async fn the_rules_of_a_type_outweigh_those_of_its_queue(world: &dyn World) {
    let policy = RetentionPolicy::new(purging_after(30))
        .for_queue("two", purging_after(7))
        .for_task("pay", purging_after(30))
        .for_task("mail", purging_after(7));
    let left = left_of(world, policy, &["mail", "pay", "other"], &["one", "two"]).await;
    assert_eq!(left, [3, 4, 5]);
}

pub async fn rules_that_keep_everything_exempt_a_type(world: &dyn World) {
    let policy = RetentionPolicy::new(purging_after(7)).for_task("pay", RetentionRules::new());
    let left = left_of(world, policy, &["mail", "pay"], &["one"]).await;
    assert_eq!(left, [2]);
}

/// Databases compare text in ways of their own.
pub async fn names_of_scopes_are_told_apart_exactly(world: &dyn World) {
    let policy = RetentionPolicy::new(RetentionRules::new()).for_task("pay", purging_after(7));
    let left = left_of(world, policy, &["pay", "Pay", "pay ", "p_y"], &["one"]).await;
    assert_eq!(left, [2, 3, 4]);
}
