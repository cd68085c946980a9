//! Lines of history go when their window has passed, in small batches, and no sooner.

use std::time::Duration;

use super::World;
use super::cycle::{days, days_ago, ended, ended_series, error, now, run, success};
use super::process::Process;
use super::sample::{at, everything, id, task};
use crate::retention::{RetentionPolicy, RetentionRules, plan};
use crate::storage::AuditEntry;
use crate::task::{AttemptOutcome, Status};
use crate::time::Timestamp;

const MICROSECOND: Duration = Duration::from_micros(1);

fn a_week() -> RetentionRules {
    RetentionRules::new().status_audit(days(7))
}

/// A task whose audit says what, and when; it is not over, so nothing but its lines can go.
async fn audited(process: &Process<'_>, number: u128, lines: Vec<AuditEntry>) {
    let record = ended(number, Status::ServiceStopped, days_ago(100));
    process.store_with_audit(&record, lines).await;
}

/// Storage specification 4.6, storage edge case 85: 250 old lines and a recent one.
pub async fn a_first_cycle_over_many_lines_goes_batch_by_batch(world: &dyn World) {
    let process = Process::start(world).await;
    let old = |lines: i64| {
        (0..lines)
            .map(|_| success(days_ago(10)))
            .collect::<Vec<_>>()
    };
    audited(&process, 1, old(120)).await;
    audited(&process, 2, [old(130), vec![success(days_ago(1))]].concat()).await;
    let deleted = process.cycle(&a_week()).await;
    let [("status_audit", batches)] = &deleted[..] else {
        panic!("{deleted:?}");
    };
    assert_eq!(batches.iter().sum::<u64>(), 250);
    assert!(batches.len() >= 3, "{batches:?}");
    assert!(process.audited_at(1).await.is_empty());
    assert_eq!(process.audited_at(2).await, [days_ago(1)]);
}

/// Storage specification 4.1: before, not at.
pub async fn a_line_is_kept_up_to_its_very_window(world: &dyn World) {
    let process = Process::start(world).await;
    let boundary = days_ago(7);
    let before = success(boundary - MICROSECOND);
    audited(&process, 1, vec![before, success(boundary)]).await;
    process.cycle(&a_week()).await;
    assert_eq!(process.audited_at(1).await, [boundary]);
}

async fn kept_of_both(world: &dyn World, rules: RetentionRules) -> Vec<Vec<Timestamp>> {
    let process = Process::start(world).await;
    let ages = [31, 10, 5, 1];
    let lines = |line: fn(Timestamp) -> AuditEntry| ages.map(|age| line(days_ago(age))).to_vec();
    audited(&process, 1, lines(success)).await;
    audited(&process, 2, lines(error)).await;
    process.cycle(&rules).await;
    vec![process.audited_at(1).await, process.audited_at(2).await]
}

/// Storage specification 4.6.
pub async fn a_longer_window_of_errors_keeps_errors_longer(world: &dyn World) {
    let kept = kept_of_both(world, a_week().errors(days(30))).await;
    let successes = vec![days_ago(5), days_ago(1)];
    let errors = vec![days_ago(10), days_ago(5), days_ago(1)];
    assert_eq!(kept, [successes, errors]);
}

/// Storage specification 4.6.
pub async fn a_shorter_window_of_errors_lets_errors_go_sooner(world: &dyn World) {
    let kept = kept_of_both(world, a_week().errors(days(3))).await;
    let successes = vec![days_ago(5), days_ago(1)];
    assert_eq!(kept, [successes, vec![days_ago(1)]]);
}

/// Storage specification 4.6.
pub async fn a_window_of_errors_alone_deletes_nothing(world: &dyn World) {
    let kept = kept_of_both(world, RetentionRules::new().errors(days(3))).await;
    assert_eq!(kept, [[31, 10, 5, 1].map(days_ago); 2]);
}

/// Storage specification 4.5.
pub async fn a_failed_line_without_a_failure_is_an_error_too(world: &dyn World) {
    let process = Process::start(world).await;
    let silent = AuditEntry::of(Status::Failed, days_ago(10));
    audited(&process, 1, vec![silent, success(days_ago(10))]).await;
    process.cycle(&a_week().errors(days(30))).await;
    assert_eq!(process.audited_statuses(id(1)).await, [Status::Failed]);
}

/// An attempt that failed is a line that tells of a failure.
pub async fn attempts_go_by_the_window_of_runs(world: &dyn World) {
    let process = Process::start(world).await;
    let record = ended(1, Status::ServiceStopped, days_ago(100));
    process
        .store_with_audit(&record, vec![success(days_ago(10))])
        .await;
    let attempts = [
        (40, AttemptOutcome::Failed),
        (10, AttemptOutcome::Failed),
        (10, AttemptOutcome::Succeeded),
        (1, AttemptOutcome::Succeeded),
    ];
    let attempts = attempts.map(|(age, outcome)| process.attempt_at(days_ago(age), outcome));
    process.add_attempts(&record, attempts.to_vec()).await;
    process.cycle(&a_week().errors(days(30))).await;
    assert_eq!(process.attempts(id(1)).await.len(), 4);
    let runs = RetentionRules::new().runs(days(7)).errors(days(30));
    let deleted = process.cycle(&runs).await;
    assert_eq!(deleted, [("attempts", vec![2])]);
    let kept = process.attempts(id(1)).await;
    let kept: Vec<_> = kept.iter().map(|attempt| attempt.started_at).collect();
    assert_eq!(kept, [days_ago(10), days_ago(1)]);
}

/// Storage specification 4.1.
pub async fn runs_go_by_their_window(world: &dyn World) {
    let process = Process::start(world).await;
    let series = ended_series(1, Status::Completed, days_ago(100));
    process.store(std::slice::from_ref(&series)).await;
    let runs = [
        run(days_ago(31), Status::Failed),
        run(days_ago(10), Status::Failed),
        run(days_ago(10), Status::Completed),
        run(days_ago(1), Status::Completed),
    ];
    process.add_runs(&series, runs.to_vec()).await;
    let rules = RetentionRules::new().runs(days(7)).errors(days(30));
    assert_eq!(process.cycle(&rules).await, [("runs", vec![2])]);
    let kept = process.runs(id(1)).await;
    assert_eq!(kept.len(), 2);
    assert!(
        kept.contains(&runs[1]) && kept.contains(&runs[3]),
        "{kept:?}"
    );
}

/// Storage edge case 81, storage specification 4.6.
pub async fn a_window_that_is_not_positive_deletes_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let record = ended(1, Status::Completed, days_ago(100));
    process
        .store_with_audit(&record, vec![success(days_ago(100))])
        .await;
    for off in [0, -1, -3] {
        let rules = RetentionRules::uniform(days(off))
            .logs(days(off))
            .logs_per_task(off);
        assert_eq!(process.cycle(&rules).await, []);
    }
    assert_eq!(process.audited_at(1).await, [days_ago(100)]);
}

pub async fn a_preview_changes_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    audited(&process, 1, vec![success(days_ago(10)); 3]).await;
    let steps = plan(&RetentionPolicy::new(a_week()), now()).steps;
    for _ in 0..2 {
        assert_eq!(process.preview(&steps[0]).await, 3);
    }
    assert_eq!(process.audited_at(1).await, [days_ago(10); 3]);
}

/// The answer to a batch may get lost.
pub async fn a_batch_done_again_finds_nothing(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = vec![success(days_ago(10)), success(days_ago(1))];
    audited(&process, 1, lines).await;
    let steps = plan(&RetentionPolicy::new(a_week()), now()).steps;
    let storage = process.storage();
    let first = storage.retain(&steps[0], None, 100).await.unwrap();
    let again = storage.retain(&steps[0], None, 100).await.unwrap();
    assert_eq!((first.rows, again.rows), (1, 0));
    assert_eq!(process.audited_at(1).await, [days_ago(1)]);
}

/// Clocks differ between machines, and are set back.
pub async fn lines_are_looked_at_in_whatever_order_they_were_written(world: &dyn World) {
    let process = Process::start(world).await;
    audited(
        &process,
        2,
        vec![success(days_ago(1)), success(days_ago(9))],
    )
    .await;
    audited(
        &process,
        1,
        vec![success(days_ago(2)), success(days_ago(8))],
    )
    .await;
    assert_eq!(process.cycle(&a_week()).await, [("status_audit", vec![2])]);
    assert_eq!(process.audited_at(1).await, [days_ago(2)]);
    assert_eq!(process.audited_at(2).await, [days_ago(1)]);
}

/// Storage scenario S14: 1,000 successes and 250 errors of the same age, and tasks that come in
/// meanwhile.
pub async fn a_thousand_old_lines_go_beside_live_inserts(world: &dyn World) {
    let process = Process::start(world).await;
    let lines = [
        vec![error(days_ago(10)); 125],
        vec![success(days_ago(10)); 1_000],
        vec![error(days_ago(10)); 125],
    ];
    audited(&process, 1, lines.concat()).await;
    let rules = a_week().errors(days(30));
    let live = async {
        for first in (100..1_100).step_by(25) {
            let arriving: Vec<_> = (first..first + 25).map(task).collect();
            process.store(&arriving).await;
        }
    };
    let step = &plan(&RetentionPolicy::new(rules), now()).steps[0];
    let (batches, ()) = tokio::join!(process.step(step), live);
    assert_eq!(batches.iter().sum::<u64>(), 1_000);
    assert!(batches.len() >= 10, "{batches:?}");
    let kept = process.audited_statuses(id(1)).await;
    assert_eq!(kept, [Status::Failed; 250]);
    // All that came in, and the one that waits to run again.
    let claimed = process.claim(everything(at(0))).await;
    assert_eq!(claimed.tasks.len(), 1_001);
}

pub async fn two_processes_doing_a_cycle_at_once_delete_each_line_once(world: &dyn World) {
    let process = Process::start(world).await;
    let other = Process::start(world).await;
    audited(&process, 1, vec![success(days_ago(10)); 350]).await;
    let steps = plan(&RetentionPolicy::new(a_week()), now()).steps;
    let (one, two) = tokio::join!(process.step(&steps[0]), other.step(&steps[0]));
    assert_eq!(one.iter().chain(&two).sum::<u64>(), 350);
    assert!(process.audited_at(1).await.is_empty());
}
