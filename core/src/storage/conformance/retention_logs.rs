//! Log lines go by age and by number, and hold their task as long as they may stay.

use std::time::Duration;

use uuid::Uuid;

use super::World;
use super::cycle::{days, days_ago, ended};
use super::process::Process;
use super::sample::id;
use crate::log::{LogLevel, LogLine, LogSearch};
use crate::retention::{EndedTasks, RetentionPolicy, RetentionRules};
use crate::storage::{AppendLogs, Write};
use crate::task::{DeliveryId, Status};
use crate::time::Timestamp;

/// A line of the delivery of that number.
fn line(delivery: u128, sequence: u32, at: Timestamp) -> LogLine {
    LogLine {
        delivery: DeliveryId(Uuid::from_u128(delivery)),
        run: u32::try_from(delivery).unwrap(),
        attempt: 1,
        sequence,
        at,
        level: LogLevel::Info,
        target: "app".to_owned(),
        message: format!("line {delivery}.{sequence}"),
        fields: None,
    }
}

/// Lines of one delivery, a second apart.
pub(super) fn lines(delivery: u128, from: Timestamp, count: u32) -> Vec<LogLine> {
    let later = |sequence| from + Duration::from_secs(u64::from(sequence));
    (0..count)
        .map(|sequence| line(delivery, sequence, later(sequence)))
        .collect()
}

impl Process<'_> {
    /// Stores a task that ended so long ago, with lines.
    async fn store_logged(&self, number: u128, status: Status, age: i64, lines: Vec<LogLine>) {
        let record = ended(number, status, days_ago(age));
        self.store_with_audit(&record, Vec::new()).await;
        self.log(number, lines).await;
    }

    pub(super) async fn log(&self, number: u128, lines: Vec<LogLine>) {
        let id = id(number);
        self.apply(vec![Write::AppendLogs(AppendLogs { id, lines })])
            .await;
    }

    /// The lines of a task that are left, as their delivery and sequence.
    pub(super) async fn logged(&self, number: u128) -> Vec<(u128, u32)> {
        let page = self.storage();
        let page = page.queries().logs(&LogSearch::of(id(number))).await;
        let lines = page.unwrap().lines.into_iter();
        lines
            .map(|line| (line.delivery.0.as_u128(), line.sequence))
            .collect()
    }
}

const OPEN: Status = Status::ServiceStopped;

/// Storage specification 4.1: "regardless of parent".
pub async fn lines_go_by_their_age_whatever_their_task(world: &dyn World) {
    let process = Process::start(world).await;
    let boundary = days_ago(7);
    let ages = [
        line(1, 0, boundary - Duration::from_micros(1)),
        line(1, 1, boundary),
        line(1, 2, days_ago(100)),
        line(2, 0, days_ago(100)),
    ];
    for (number, status) in [(1, OPEN), (2, Status::Completed)] {
        process
            .store_logged(number, status, 100, ages.to_vec())
            .await;
    }
    let rules = RetentionRules::new().logs(days(7));
    assert_eq!(process.cycle(&rules).await, [("logs_by_age", vec![6])]);
    assert_eq!(process.logged(1).await, [(1, 1)]);
    assert_eq!(process.logged(2).await, [(1, 1)]);
}

/// Storage specification 4.6: a limit of 5 with 250 and 120 lines in two tasks.
pub async fn a_limit_keeps_the_newest_lines_of_each_task(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store_logged(1, OPEN, 1, lines(1, days_ago(9), 250))
        .await;
    process
        .store_logged(2, OPEN, 1, lines(1, days_ago(9), 120))
        .await;
    process
        .store_logged(3, OPEN, 1, lines(1, days_ago(9), 5))
        .await;
    let deleted = process.cycle(&RetentionRules::new().logs_per_task(5)).await;
    let [("logs_by_count", batches)] = &deleted[..] else {
        panic!("{deleted:?}");
    };
    assert_eq!(batches.iter().sum::<u64>(), 360);
    assert!(batches.len() >= 4, "{batches:?}");
    let newest = |last| (last - 5..last).map(|sequence| (1, sequence));
    assert_eq!(process.logged(1).await, newest(250).collect::<Vec<_>>());
    assert_eq!(process.logged(2).await, newest(120).collect::<Vec<_>>());
    assert_eq!(process.logged(3).await.len(), 5);
}

/// Storage specification 4.1: "across runs".
pub async fn a_limit_counts_over_all_runs(world: &dyn World) {
    let process = Process::start(world).await;
    let runs = [(1, 9), (2, 8), (3, 7)];
    let all = runs.map(|(delivery, age)| lines(delivery, days_ago(age), 3));
    process.store_logged(1, OPEN, 1, all.concat()).await;
    process.cycle(&RetentionRules::new().logs_per_task(4)).await;
    assert_eq!(process.logged(1).await, [(2, 2), (3, 0), (3, 1), (3, 2)]);
}

/// Storage edge case 86.
pub async fn among_lines_of_one_instant_the_same_ones_stay(world: &dyn World) {
    let process = Process::start(world).await;
    let at = days_ago(9);
    let ties = [(2, 0), (1, 1), (3, 0), (1, 0), (2, 1), (3, 1)];
    let ties = ties.map(|(delivery, sequence)| line(delivery, sequence, at));
    process.store_logged(1, OPEN, 1, ties.to_vec()).await;
    let rules = RetentionRules::new().logs_per_task(2);
    process.cycle(&rules).await;
    assert_eq!(process.logged(1).await, [(2, 1), (3, 1)]);
    assert_eq!(process.cycle(&rules).await, []);
}

/// Storage specification 4.1: a line goes if it violates either.
pub async fn age_and_limit_both_let_lines_go(world: &dyn World) {
    let process = Process::start(world).await;
    let old = lines(1, days_ago(9), 10);
    let young = lines(2, days_ago(1), 4);
    process
        .store_logged(1, OPEN, 1, [old.clone(), young].concat())
        .await;
    let one_young = vec![line(2, 0, days_ago(1))];
    process
        .store_logged(2, OPEN, 1, [old, one_young].concat())
        .await;
    let rules = RetentionRules::new().logs(days(7)).logs_per_task(3);
    let expected = [("logs_by_age", vec![20]), ("logs_by_count", vec![1])];
    assert_eq!(process.cycle(&rules).await, expected);
    assert_eq!(process.logged(1).await, [(2, 1), (2, 2), (2, 3)]);
    assert_eq!(process.logged(2).await, [(2, 0)]);
}

/// Storage specification 4.6 and storage edge case 84: such a knob does not freeze the purge either.
pub async fn a_log_knob_that_is_not_positive_does_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    process
        .store_logged(1, OPEN, 100, lines(1, days_ago(100), 3))
        .await;
    let off = RetentionRules::new().logs(days(0)).logs_per_task(-1);
    assert_eq!(process.cycle(&off).await, []);
    assert_eq!(process.logged(1).await.len(), 3);
    process
        .store_logged(2, Status::Completed, 8, lines(1, days_ago(8), 3))
        .await;
    let rules = off.status_audit(days(7)).purge(EndedTasks::Completed);
    assert_eq!(process.cycle(&rules).await, [("completed_tasks", vec![1])]);
}

fn keeping_logs() -> RetentionRules {
    RetentionRules::new()
        .status_audit(days(7))
        .errors(days(30))
        .purge(EndedTasks::Completed)
}

async fn store_three_ages(process: &Process<'_>) {
    for (number, age) in [(1, 8), (2, 31), (3, 91)] {
        let lines = lines(1, days_ago(age), 3);
        process
            .store_logged(number, Status::Completed, age, lines)
            .await;
    }
}

/// Storage scenario S15, storage edge case 83, storage specification 4.6.
pub async fn logs_inside_their_window_hold_their_task(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_ages(&process).await;
    let deleted = process.cycle(&keeping_logs().logs(days(90))).await;
    let expected = [("logs_by_age", vec![3]), ("completed_tasks", vec![1])];
    assert_eq!(deleted, expected);
    assert_eq!(process.existing(1..=3).await, [1, 2]);
    assert_eq!(process.logged(2).await.len(), 3);
}

/// Storage scenario S15, second half.
pub async fn without_log_retention_logs_go_with_their_task(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_ages(&process).await;
    assert_eq!(
        process.cycle(&keeping_logs()).await,
        [("completed_tasks", vec![2])]
    );
    assert_eq!(process.existing(1..=3).await, [1]);
    assert_eq!(process.logged(1).await.len(), 3);
    for gone in 2..=3 {
        assert_eq!(process.logged(gone).await, []);
    }
}

/// The newest lines are to stay, so their task does.
pub async fn a_limit_of_lines_holds_a_task_that_has_lines(world: &dyn World) {
    let process = Process::start(world).await;
    store_three_ages(&process).await;
    process.store_logged(4, Status::Completed, 91, vec![]).await;
    process.cycle(&keeping_logs().logs_per_task(2)).await;
    assert_eq!(process.existing(1..=4).await, [1, 2, 3]);
    assert_eq!(process.logged(3).await, [(1, 1), (1, 2)]);
}

/// The lines of 120 tasks, more than a batch has of each.
pub async fn many_lines_go_with_many_tasks(world: &dyn World) {
    let process = Process::start(world).await;
    for number in 1..=120 {
        let lines = lines(1, days_ago(91), 12);
        process
            .store_logged(number, Status::Completed, 91, lines)
            .await;
    }
    let deleted = process.cycle(&keeping_logs()).await;
    let [("completed_tasks", batches)] = &deleted[..] else {
        panic!("{deleted:?}");
    };
    assert_eq!(batches.iter().sum::<u64>(), 120);
    assert_eq!(process.existing(1..=120).await, []);
    assert_eq!(process.logged(60).await, []);
}

/// Storage specification 4.5.
pub async fn the_logs_of_a_type_have_rules_of_their_own(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, name) in [(1, "mail"), (2, "pay")] {
        let mut record = ended(number, OPEN, days_ago(9));
        name.clone_into(&mut record.definition.task);
        process.store_with_audit(&record, Vec::new()).await;
        process.log(number, lines(1, days_ago(9), 4)).await;
    }
    let aged = RetentionPolicy::new(RetentionRules::new().logs(days(30)));
    let limited = aged.for_task("pay", RetentionRules::new().logs_per_task(1));
    process.cycle_of(&limited).await;
    assert_eq!(process.logged(1).await.len(), 4);
    assert_eq!(process.logged(2).await, [(1, 3)]);
    let aged = RetentionPolicy::new(RetentionRules::new().logs(days(7)))
        .for_task("pay", RetentionRules::new());
    process.cycle_of(&aged).await;
    assert_eq!(process.logged(1).await, []);
    assert_eq!(process.logged(2).await, [(1, 3)]);
}
