//! A task that is over goes with its last line of history, and no sooner.

use std::time::Duration;

use super::World;
use super::cycle::{BATCH, days, days_ago, ended, ended_series, error, now, run, success};
use super::process::Process;
use super::retention_logs::lines;
use super::sample::{at, id, task_of_series};
use crate::retention::{EndedTasks, RetentionPolicy, RetentionRules, plan};
use crate::storage::{ChangeAnswer, InsertAnswer, RowChange};
use crate::task::{AttemptOutcome, RowState, Status};
use crate::time::Timestamp;

/// Five days for successes, thirty for errors, and the purge of what completed.
fn purging() -> RetentionRules {
    RetentionRules::error_priority(days(5), days(30)).purge(EndedTasks::Completed)
}

/// Stores completed tasks without history, and answers which of them a cycle leaves.
async fn left_of(world: &dyn World, rules: RetentionRules, ends: &[Timestamp]) -> Vec<u128> {
    let process = Process::start(world).await;
    for (number, end) in (1..).zip(ends) {
        process
            .store(&[ended(number, Status::Completed, *end)])
            .await;
    }
    process.cycle(&rules).await;
    process.existing(1..=10).await
}

/// Storage specification 4.6: finished 10 and 31 days ago.
pub async fn a_completed_task_is_purged_after_the_longest_window(world: &dyn World) {
    let boundary = days_ago(30);
    let ends = [
        days_ago(10),
        days_ago(31),
        boundary,
        boundary - Duration::from_micros(1),
    ];
    assert_eq!(left_of(world, purging(), &ends).await, [1, 3]);
}

/// Storage edge case 82: nothing is kept of it, and yet it can be looked up for as long as the rest.
pub async fn a_task_without_history_waits_for_the_longest_window(world: &dyn World) {
    let a_minute_ago = now() - Duration::from_mins(1);
    assert_eq!(left_of(world, purging(), &[a_minute_ago]).await, [1]);
}

/// Its audit is younger than its end: a person looked after it later.
pub async fn a_line_inside_its_window_holds_its_task(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = [
        success(days_ago(4)),
        error(days_ago(29)),
        success(days_ago(6)),
    ];
    for (number, line) in (1..).zip(lines) {
        let record = ended(number, Status::Completed, days_ago(90));
        process.store_with_audit(&record, vec![line]).await;
    }
    process.cycle(&purging()).await;
    assert_eq!(process.existing(1..=3).await, [1, 2]);
}

/// No window says that the audit may go, so it does not go with its task either.
pub async fn a_status_line_without_a_window_holds_its_task(world: &dyn World) {
    let process = Process::start(world).await;
    let record = ended(1, Status::Completed, days_ago(90));
    process
        .store_with_audit(&record, vec![success(days_ago(90))])
        .await;
    process
        .store(&[ended(2, Status::Completed, days_ago(90))])
        .await;
    let rules = RetentionRules::new()
        .runs(days(5))
        .purge(EndedTasks::Completed);
    process.cycle(&rules).await;
    assert_eq!(process.existing(1..=2).await, [1]);
}

/// Storage specification 4.3: the order inside a cycle.
pub async fn a_task_whose_last_line_goes_is_purged_in_the_same_cycle(world: &dyn World) {
    let process = Process::start(world).await;
    let record = ended(1, Status::Completed, days_ago(31));
    let lines = vec![error(days_ago(31)), success(days_ago(31))];
    process.store_with_audit(&record, lines).await;
    let deleted = process.cycle(&purging()).await;
    let expected = [("status_audit", vec![2]), ("completed_tasks", vec![1])];
    assert_eq!(deleted, expected);
}

pub async fn attempts_inside_their_window_hold_their_task(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, age) in [(1, 4), (2, 6)] {
        let record = ended(number, Status::Completed, days_ago(90));
        process.store(std::slice::from_ref(&record)).await;
        let attempt = process.attempt_at(days_ago(age), AttemptOutcome::Succeeded);
        process.add_attempts(&record, vec![attempt]).await;
    }
    process.cycle(&purging()).await;
    assert_eq!(process.existing(1..=2).await, [1]);
}

pub async fn attempts_without_a_window_go_with_their_task(world: &dyn World) {
    let process = Process::start(world).await;
    let record = ended(1, Status::Completed, days_ago(8));
    process.store(std::slice::from_ref(&record)).await;
    let attempt = process.attempt_at(days_ago(8), AttemptOutcome::Succeeded);
    process.add_attempts(&record, vec![attempt]).await;
    let rules = RetentionRules::new()
        .status_audit(days(7))
        .purge(EndedTasks::Completed);
    let deleted = process.cycle(&rules).await;
    assert_eq!(deleted, [("completed_tasks", vec![1])]);
    assert_eq!(process.attempts(id(1)).await, []);
}

/// Storage specification 4.3.
pub async fn a_task_that_never_ran_ages_from_its_creation(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, age) in [(1, 10), (2, 31)] {
        let mut record = ended(number, Status::Completed, days_ago(age));
        record.state.last_execution_at = None;
        process.store(&[record]).await;
    }
    let mut ran_late = ended(3, Status::Completed, days_ago(10));
    ran_late.definition.created_at = days_ago(31);
    process.store(&[ran_late]).await;
    process.cycle(&purging()).await;
    assert_eq!(process.existing(1..=3).await, [1, 3]);
}

/// Storage specification 4.6.
pub async fn without_a_window_nothing_is_purged(world: &dyn World) {
    let rules = RetentionRules::new()
        .logs(days(1))
        .purge(EndedTasks::Completed);
    assert_eq!(left_of(world, rules, &[days_ago(1_000)]).await, [1]);
}

/// Storage specification 4.1: the purge is off by default.
pub async fn without_being_asked_nothing_is_purged(world: &dyn World) {
    let rules = RetentionRules::uniform(days(5));
    assert_eq!(left_of(world, rules, &[days_ago(1_000)]).await, [1]);
}

/// Storage specification 4.5: also failed and cancelled ones, if asked for.
pub async fn only_what_ended_as_asked_is_purged(world: &dyn World) {
    let process = Process::start(world).await;
    let ends = [Status::Completed, Status::Failed, Status::Cancelled];
    for (number, status) in (1..).zip(ends) {
        process.store(&[ended(number, status, days_ago(90))]).await;
    }
    let purge = |ended| RetentionRules::uniform(days(5)).purge(ended);
    process.cycle(&purge(EndedTasks::Series)).await;
    assert_eq!(process.existing(1..=3).await, [1, 2, 3]);
    process.cycle(&purge(EndedTasks::Failed)).await;
    assert_eq!(process.existing(1..=3).await, [1, 3]);
    process.cycle(&purge(EndedTasks::Completed)).await;
    assert_eq!(process.existing(1..=3).await, [3]);
    process.cycle(&purge(EndedTasks::Cancelled)).await;
    assert_eq!(process.existing(1..=3).await, []);
}

/// Storage specification 4.3.
pub async fn what_is_not_over_is_never_purged(world: &dyn World) {
    let process = Process::start(world).await;
    let open = Status::ALL
        .into_iter()
        .filter(|status| !status.is_terminal());
    let mut numbers = Vec::new();
    for (number, status) in (1..).zip(open) {
        let record = ended(number, status, days_ago(90));
        process.store_with_audit(&record, Vec::new()).await;
        numbers.push(number);
    }
    let all = [
        EndedTasks::Completed,
        EndedTasks::Failed,
        EndedTasks::Cancelled,
        EndedTasks::Series,
    ];
    let rules = all
        .into_iter()
        .fold(RetentionRules::uniform(days(5)), RetentionRules::purge);
    assert_eq!(process.cycle(&rules).await, []);
    assert_eq!(process.existing(numbers.clone()).await, numbers);
}

/// Whatever a cycle that was stopped has not let go of yet goes with the task: it would be that of
/// the next one with this id.
pub async fn a_purged_task_leaves_nothing_behind(world: &dyn World) {
    let process = Process::start(world).await;
    let end = days_ago(90);
    let series = ended_series(1, Status::Completed, end);
    let attempt = process.attempt_at(end, AttemptOutcome::Succeeded);
    process.store_with_audit(&series, vec![success(end)]).await;
    let runs = vec![run(end, Status::Completed)];
    process
        .add_history(&series, vec![attempt.clone()], runs)
        .await;
    process.log(1, lines(1, end, 3)).await;
    let rules = RetentionRules::uniform(days(5)).purge(EndedTasks::Series);
    let steps = plan(&RetentionPolicy::new(rules), now()).steps;
    assert_eq!(process.step(steps.last().unwrap()).await, [1]);
    assert_eq!(process.insert(&series).await, InsertAnswer::Stored);
    assert_eq!(process.audit(id(1)).await, []);
    assert_eq!(process.runs(id(1)).await, []);
    assert_eq!(process.attempts(id(1)).await, []);
    assert_eq!(process.logged(1).await, []);
    process.add_attempts(&series, vec![attempt.clone()]).await;
    assert_eq!(process.attempts(id(1)).await, [attempt]);
}

pub async fn an_occurrence_of_a_purged_task_is_free_again(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task_of_series(1, 9, at(5));
    record.state = ended(1, Status::Completed, days_ago(90)).state;
    process.store(&[record]).await;
    process.cycle(&purging()).await;
    let again = task_of_series(2, 9, at(5));
    assert_eq!(process.insert(&again).await, InsertAnswer::Stored);
}

/// Storage edge cases 77 and 85: what is beyond one batch, among what must stay.
pub async fn many_tasks_are_purged_batch_by_batch(world: &dyn World) {
    let process = Process::start(world).await;
    let mut records = Vec::new();
    for number in 1..=300 {
        let age = if number % 6 == 0 { 1 } else { 90 };
        records.push(ended(number, Status::Completed, days_ago(age)));
    }
    process.store(&records).await;
    let held = ended(301, Status::Completed, days_ago(90));
    process
        .store_with_audit(&held, vec![success(days_ago(1))])
        .await;
    let deleted = process.cycle(&purging()).await;
    let [("completed_tasks", batches)] = &deleted[..] else {
        panic!("{deleted:?}");
    };
    assert_eq!(batches.iter().sum::<u64>(), 250);
    assert!(batches.len() >= 3, "{batches:?}");
    let left: Vec<_> = (1..=300).filter(|number| number % 6 == 0).collect();
    assert_eq!(process.existing(1..=300).await, left);
    assert_eq!(process.existing([301]).await, [301]);
}

/// A row that somebody brings back to life is either gone before or there afterwards, never deleted
/// with what was just written.
pub async fn a_task_that_is_revived_during_a_purge_stays(world: &dyn World) {
    let process = Process::start(world).await;
    let other = Process::start(world).await;
    let records: Vec<_> = (1..=40)
        .map(|number| ended(number, Status::Completed, days_ago(90)))
        .collect();
    process.store(&records).await;
    let step = plan(&RetentionPolicy::new(purging()), now())
        .steps
        .pop()
        .unwrap();
    let storage = process.storage();
    let purge = async {
        let mut from = None;
        loop {
            let batch = storage.retain(&step, from, BATCH.min(3)).await.unwrap();
            from = batch.next;
            if from.is_none() {
                return;
            }
        }
    };
    let revive = async {
        let mut revived = Vec::new();
        for record in records.iter().rev() {
            let change = RowChange {
                id: record.definition.id,
                expected: record.generation,
                generation: record.generation.next(),
                state: RowState::waiting(now()),
                audit: vec![success(now())],
                attempts: Vec::new(),
                runs: Vec::new(),
                follow_ups: Vec::new(),
                missed: 0,
                has_progressed: false,
                audit_level: record.definition.audit_level,
            };
            match other.change(change).await {
                ChangeAnswer::Applied => revived.push(record.definition.id),
                ChangeAnswer::Missing => {}
                refused @ (ChangeAnswer::Refused(_) | ChangeAnswer::AppliedWithout(_)) => {
                    panic!("{refused:?}")
                }
            }
        }
        revived
    };
    let ((), revived) = tokio::join!(purge, revive);
    for record in &records {
        let id = record.definition.id;
        let is_there = process.find(id).await.is_some();
        assert_eq!(is_there, revived.contains(&id), "{id}");
        assert_eq!(process.audit(id).await.len(), usize::from(is_there));
    }
}
