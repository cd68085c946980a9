//! How runs went over time, computed where they are kept.

use std::time::Duration;

use super::World;
use super::generated::Dice;
use super::process::Process;
use super::sample::{SOON, at, attempt, failure, series, task, task_in, task_named};
use crate::audit::AuditLevel;
use crate::lease::RowLease;
use crate::storage::query::{RunTimes, StatisticsBucket, StatisticsQuery, nearest_rank};
use crate::task::{AttemptOutcome, AttemptRecord, TaskRecord};
use crate::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);

/// The day that begins with the case, hour by hour.
fn day() -> StatisticsQuery {
    StatisticsQuery::new(at(0), at(86_400), HOUR).unwrap()
}

fn whole_day() -> StatisticsQuery {
    StatisticsQuery::new(at(0), at(86_400), Duration::from_hours(24)).unwrap()
}

/// An attempt that ends at an instant.
fn ended(
    process: &Process<'_>,
    ended_at: Timestamp,
    ran: Duration,
    outcome: AttemptOutcome,
) -> AttemptRecord {
    AttemptRecord {
        started_at: ended_at - ran,
        ran,
        waited: Duration::from_millis(20),
        ..attempt(process.id, 1, outcome)
    }
}

/// Stores a task that runs once and ends like this.
async fn run(process: &Process<'_>, record: TaskRecord, attempt: AttemptRecord) {
    let mut lease = process.store_queued(record).await;
    let now = attempt.ended_at();
    let start = lease.start(process.id, false, attempt.started_at);
    let end = match attempt.outcome {
        AttemptOutcome::Succeeded => lease.complete(attempt, None, now),
        AttemptOutcome::Failed => lease.fail(failure("gone"), attempt, None, now),
        AttemptOutcome::Cancelled => lease.note(attempt),
        AttemptOutcome::Stopped => lease.stop(Some(attempt), now),
        AttemptOutcome::Snoozed => lease.snooze(attempt, String::new(), now),
    };
    process.advance([start, end]).await;
}

pub async fn without_runs_there_are_no_buckets(world: &dyn World) {
    let process = Process::start(world).await;
    assert_eq!(process.statistics(&day()).await, []);
    process.store(&[task(1)]).await;
    assert_eq!(process.statistics(&day()).await, []);
}

/// Storage scenario S29: the truth is in the runs and not in what the row says last.
pub async fn a_series_is_counted_by_its_runs(world: &dyn World) {
    let process = Process::start(world).await;
    let record = series(1, None);
    process.store(std::slice::from_ref(&record)).await;
    let mut lease = RowLease::new(&record);
    for number in 1..=10 {
        let now = at(60 * number);
        let outcome = if number <= 2 {
            AttemptOutcome::Failed
        } else {
            AttemptOutcome::Succeeded
        };
        let millis = u64::try_from(number * 100).unwrap();
        let ended = ended(&process, now, Duration::from_millis(millis), outcome);
        let next = Some(at(60 * (number + 1)));
        let start = lease.start(process.id, false, ended.started_at);
        let end = if outcome == AttemptOutcome::Succeeded {
            lease.complete(ended, next, now)
        } else {
            lease.fail(failure("gone"), ended, next, now)
        };
        process.advance([start, end]).await;
    }
    let buckets = process.statistics(&day()).await;
    let millis = Duration::from_millis;
    let expected = StatisticsBucket {
        start: at(0),
        completed: 8,
        failed: 2,
        cancelled: 0,
        stopped: 0,
        times: Some(RunTimes {
            average: millis(550),
            p50: millis(500),
            p95: millis(1_000),
            p99: millis(1_000),
            max: millis(1_000),
            average_wait: millis(20),
        }),
    };
    assert_eq!(buckets, [expected]);
    assert_eq!(buckets[0].success_rate(), Some(0.8));
}

pub async fn a_run_is_counted_once_however_often_it_was_retried(world: &dyn World) {
    let process = Process::start(world).await;
    let second = Duration::from_secs(1);
    for (number, last) in [(1, AttemptOutcome::Succeeded), (2, AttemptOutcome::Failed)] {
        let mut lease = process.store_queued(task(number)).await;
        let failed = |seconds| ended(&process, at(seconds), second, AttemptOutcome::Failed);
        let start = lease.start(process.id, false, at(1));
        let in_slot = lease.retry_in_slot(failed(10), SOON);
        let parked = lease.park(failed(20), SOON, at(30));
        let ended = ended(&process, at(40), 3 * second, last);
        let end = if last == AttemptOutcome::Succeeded {
            lease.complete(ended, None, at(40))
        } else {
            lease.fail(failure("gone"), ended, None, at(40))
        };
        process.advance([start, in_slot, parked, end]).await;
    }
    let buckets = process.statistics(&whole_day()).await;
    assert_eq!(buckets.len(), 1);
    assert_eq!((buckets[0].completed, buckets[0].failed), (1, 1));
    // The attempts before the last took a second.
    assert_eq!(buckets[0].times.unwrap().p50, 3 * second);
}

/// Storage edge case 123: no data is not zero.
pub async fn a_bucket_without_runs_is_left_out(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, hour) in [(1, 0), (2, 5)] {
        let ended_at = at(hour * 3_600 + 1_800);
        let ended = ended(&process, ended_at, HOUR / 60, AttemptOutcome::Succeeded);
        run(&process, task(number), ended).await;
    }
    let buckets = process.statistics(&day()).await;
    let starts: Vec<_> = buckets.iter().map(|bucket| bucket.start).collect();
    assert_eq!(starts, [at(0), at(5 * 3_600)]);
}

pub async fn a_run_belongs_to_the_bucket_in_which_it_ended(world: &dyn World) {
    let process = Process::start(world).await;
    let micro = Duration::from_micros(1);
    let hour = |hours: i64| at(hours * 3_600);
    let ends = [
        hour(0) - micro,
        hour(0),
        hour(1) - micro,
        hour(1),
        hour(24) - micro,
        hour(24),
    ];
    for (number, ended_at) in (1..).zip(ends) {
        let long = ended(&process, ended_at, 30 * HOUR, AttemptOutcome::Succeeded);
        run(&process, task(number), long).await;
    }
    let buckets = process.statistics(&day()).await;
    let counts: Vec<_> = buckets
        .iter()
        .map(|bucket| (bucket.start, bucket.completed))
        .collect();
    assert_eq!(counts, [(hour(0), 2), (hour(1), 1), (hour(23), 1)]);
}

pub async fn percentiles_are_the_times_of_runs(world: &dyn World) {
    let process = Process::start(world).await;
    for number in 1..=40_u32 {
        // In no order: 7 and 41 have no common divisor.
        let millis = u64::from(number * 7 % 41);
        let ran = Duration::from_millis(millis);
        let ended = ended(&process, at(100), ran, AttemptOutcome::Succeeded);
        run(&process, task(number.into()), ended).await;
    }
    let buckets = process.statistics(&whole_day()).await;
    let times = buckets[0].times.unwrap();
    let millis = Duration::from_millis;
    assert_eq!(times.p50, millis(20));
    assert_eq!(times.p95, millis(38));
    assert_eq!(times.p99, millis(40));
    assert_eq!(times.max, millis(40));
    assert_eq!(times.average, Duration::from_micros(20_500));
}

pub async fn interrupted_runs_are_counted_and_not_measured(world: &dyn World) {
    let process = Process::start(world).await;
    let quiet = [AttemptOutcome::Cancelled, AttemptOutcome::Stopped];
    for (number, outcome) in (1..).zip(quiet) {
        let ended = ended(&process, at(10), HOUR, outcome);
        run(&process, task(number), ended).await;
    }
    let buckets = process.statistics(&whole_day()).await;
    let bucket = &buckets[0];
    assert_eq!((bucket.completed, bucket.failed), (0, 0));
    assert_eq!((bucket.cancelled, bucket.stopped), (1, 1));
    assert_eq!(bucket.times, None);
    assert_eq!(bucket.success_rate(), None);
    let short = ended(&process, at(10), HOUR / 60, AttemptOutcome::Succeeded);
    run(&process, task(3), short).await;
    let buckets = process.statistics(&whole_day()).await;
    assert_eq!(buckets[0].times.unwrap().max, HOUR / 60);
}

pub async fn statistics_keep_to_the_queue_and_the_task_asked_for(world: &dyn World) {
    let process = Process::start(world).await;
    let rows = [
        task_in(1, "mail"),
        task_in(2, "Mail"),
        task_named(3, "report"),
    ];
    for record in rows {
        let ended = ended(&process, at(10), HOUR, AttemptOutcome::Succeeded);
        run(&process, record, ended).await;
    }
    for (query, expected) in [
        (whole_day(), 3),
        (whole_day().queue("mail"), 1),
        (whole_day().queue("default"), 1),
        (whole_day().task("mail.welcome"), 2),
        (whole_day().task("mail.welcome").queue("Mail"), 1),
    ] {
        let buckets = process.statistics(&query).await;
        assert_eq!(buckets[0].completed, expected, "{query:?}");
    }
    for query in [
        whole_day().queue("mai"),
        whole_day().task("report").queue("mail"),
        whole_day().queue("mail\0"),
    ] {
        assert_eq!(process.statistics(&query).await, [], "{query:?}");
    }
}

/// Of a task that keeps only its failures, nothing can be said: it would seem to fail always.
pub async fn tasks_that_keep_no_successes_are_left_out(world: &dyn World) {
    let process = Process::start(world).await;
    let mut number = 0;
    for level in AuditLevel::ALL {
        for outcome in [AttemptOutcome::Succeeded, AttemptOutcome::Failed] {
            number += 1;
            let mut record = task(number);
            record.definition.audit_level = level;
            let ended = ended(&process, at(10), HOUR, outcome);
            run(&process, record, ended).await;
        }
    }
    let buckets = process.statistics(&whole_day()).await;
    assert_eq!((buckets[0].completed, buckets[0].failed), (2, 2));
}

/// Against the same question asked in plain code.
pub async fn statistics_agree_with_a_look_at_every_run(world: &dyn World) {
    let process = Process::start(world).await;
    let mut dice = Dice::new(29);
    let mut runs = Vec::new();
    for number in 1..=150 {
        let second = i64::try_from(dice.roll(20_000)).unwrap();
        let ran = Duration::from_micros(dice.roll(5_000_000));
        let outcome = AttemptOutcome::ALL[usize::try_from(dice.roll(5)).unwrap()];
        let ended = ended(&process, at(second), ran, outcome);
        // A snooze ends no run.
        runs.extend((outcome != AttemptOutcome::Snoozed).then(|| ended.clone()));
        run(&process, task(number), ended).await;
    }
    let width = Duration::from_secs(997);
    let query = StatisticsQuery::new(at(500), at(17_000), width).unwrap();
    let buckets = process.statistics(&query).await;
    let mut expected = Vec::new();
    for number in 0..17 {
        let start = at(500) + width * number;
        let end = (start + width).min(at(17_000));
        let within = |run: &&AttemptRecord| (start..end).contains(&run.ended_at());
        let runs: Vec<_> = runs.iter().filter(within).collect();
        expected.extend(look_at(start, &runs));
    }
    assert_eq!(buckets, expected);
}

fn look_at(start: Timestamp, runs: &[&AttemptRecord]) -> Option<StatisticsBucket> {
    let of = |outcome| runs.iter().filter(move |run| run.outcome == outcome);
    let count = |outcome| u64::try_from(of(outcome).count()).unwrap();
    let measured = of(AttemptOutcome::Succeeded).chain(of(AttemptOutcome::Failed));
    let mut ran: Vec<_> = measured.map(|run| run.ran).collect();
    ran.sort_unstable();
    let at_percent = |percent| ran[nearest_rank(ran.len(), percent)];
    let micros: u128 = ran.iter().map(Duration::as_micros).sum();
    let times = ran.last().map(|longest| RunTimes {
        average: Duration::from_micros(
            u64::try_from(micros / u128::try_from(ran.len()).unwrap()).unwrap(),
        ),
        p50: at_percent(50),
        p95: at_percent(95),
        p99: at_percent(99),
        max: *longest,
        average_wait: Duration::from_millis(20),
    });
    (!runs.is_empty()).then(|| StatisticsBucket {
        start,
        completed: count(AttemptOutcome::Succeeded),
        failed: count(AttemptOutcome::Failed),
        cancelled: count(AttemptOutcome::Cancelled),
        stopped: count(AttemptOutcome::Stopped),
        times,
    })
}
