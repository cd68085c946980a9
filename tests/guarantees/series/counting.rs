//! What counts as a run, and what is kept of it.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::time::Clock;
use evertask::{AttemptOutcome, FailureKind, RetryPolicy, Status, TaskError};

use super::{SERIES, STEP, Stage, assert_over};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;

on_every_storage_and_server! {
    a_series_of_ten_runs_ten_times_whatever_fails,
    a_run_records_how_long_it_really_took_also_if_it_failed,
    retries_within_a_run_are_no_runs,
    a_parked_retry_belongs_to_its_run,
    a_parked_retry_reads_the_attempts_of_its_run_alone,
    a_run_that_times_out_counts_and_does_not_end_the_series,
    a_series_whose_last_run_fails_is_over_as_failed,
}

/// Storage edge cases 31, 32, 35 and 36, C17.
async fn a_series_of_ten_runs_ten_times_whatever_fails(home: Home) {
    let stage = Stage::new(home, |time, _| async move {
        match time {
            3 | 7 => Err(TaskError::permanent(format!("run {time} failed"))),
            _ => Ok(()),
        }
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(10);
    let id = series.await.unwrap().id;
    for run in 1..=10 {
        stage.runs_ended(run).await;
        stage.clock.advance(STEP);
    }
    stage.clock.advance(STEP * 5);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;

    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(row.state.status, Status::Completed);
    assert_eq!(row.state.run_count, 10);
    let minutes: Vec<_> = (0..10).map(|minute| minute * 60).collect();
    assert_eq!(stage.occurrences(id).await, minutes);
    let runs = stage.home.runs(id).await;
    for run in &runs {
        let failed = [3, 7].contains(&run.number);
        let status = if failed {
            Status::Failed
        } else {
            Status::Completed
        };
        assert_eq!(run.status, status, "run {}", run.number);
        assert_eq!(run.failure.is_some(), failed);
        assert_eq!(Some(run.at), run.scheduled_at, "the clock stood still");
    }
    assert_eq!(stage.diary.count("handle 0"), 10);
    assert_eq!(stage.diary.count("completed 0"), 8);
    assert_eq!(stage.diary.count("error 0"), 2);
}

/// Storage edge cases 36 and 37.
async fn a_run_records_how_long_it_really_took_also_if_it_failed(home: Home) {
    const RUNS: Duration = Duration::from_secs(7);
    let clock = StagedClock::new();
    let body_clock = clock.clone();
    let stage = Stage::with_clock(home, clock, move |time, _| {
        let clock = body_clock.clone();
        async move {
            clock.sleep(RUNS).await;
            if time == 2 {
                return Err(TaskError::permanent("it broke"));
            }
            Ok(())
        }
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(3);
    let id = series.await.unwrap().id;
    for (run, next) in [(1, 60), (2, 120), (3, 180)] {
        stage.clock.pass(RUNS).await;
        stage.runs_ended(run).await;
        let state = stage.home.row(id).await.state;
        assert_eq!(state.execution_time, Some(RUNS));
        assert_eq!(state.last_execution_at, Some(stage.clock.now()));
        stage.advance_to(next);
    }
    stage.home.shut_down(evertask).await;
    for run in stage.home.runs(id).await {
        assert_eq!(run.execution_time, RUNS, "run {}", run.number);
        assert_eq!(run.at, run.scheduled_at.unwrap() + RUNS);
    }
}

/// Storage specification 1.1: the counter is that of runs, whatever happens within one.
async fn retries_within_a_run_are_no_runs(home: Home) {
    retried(home, Duration::from_millis(500)).await;
}

/// The decision on retries that park, within a series.
async fn a_parked_retry_belongs_to_its_run(home: Home) {
    retried(home, Duration::from_secs(5)).await;
}

/// What a retry reads does not grow with the runs of its series.
async fn a_parked_retry_reads_the_attempts_of_its_run_alone(home: Home) {
    const RUNS: usize = 6;
    let stage = Stage::new(home, |time, _| async move {
        match time % 3 {
            0 => Ok(()),
            _ => Err(TaskError::other("not yet")),
        }
    });
    let evertask = stage.start().await;
    let delay = Duration::from_secs(5);
    let policy = RetryPolicy::Linear { retries: 2, delay };
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(6);
    series.retry(policy).await.unwrap();
    let mut read = Vec::new();
    for run in 1..=RUNS {
        for attempt in 1..=2 {
            stage
                .home
                .commits(2 * (run - 1) + attempt, fails_attempt)
                .await;
            stage.clock.advance(delay);
        }
        stage.runs_ended(run).await;
        read.push(stage.home.attempts_read());
        stage.advance_to(60 * u64::try_from(run).unwrap());
    }
    stage.home.shut_down(evertask).await;
    // One failure before the second attempt, and two before the third one.
    let expected: Vec<_> = (1..=RUNS).map(|run| 3 * run).collect();
    assert_eq!(read, expected);
}

/// Two runs of three attempts each, of which the second one fails for good.
async fn retried(home: Home, delay: Duration) {
    let stage = Stage::new(home, |time, _| async move {
        match time {
            3 => Ok(()),
            _ => Err(TaskError::other(format!("reason {time}"))),
        }
    });
    let evertask = stage.start().await;
    let policy = RetryPolicy::Linear { retries: 2, delay };
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(2);
    let id = series.retry(policy).await.unwrap().id;
    for (run, next) in [(0, 60), (1, 120)] {
        for attempt in 1..=2 {
            let entered = 3 * run + attempt;
            stage.home.commits(entered - run, fails_attempt).await;
            let state = stage.home.row(id).await.state;
            assert_eq!(state.status, Status::InProgress);
            assert_eq!(state.run_count, u32::try_from(run).unwrap());
            assert_eq!(state.attempts, u32::try_from(attempt).unwrap());
            if delay < Duration::from_secs(1) {
                stage.clock.pass(delay).await;
            } else {
                stage.clock.advance(delay);
            }
        }
        stage.runs_ended(run + 1).await;
        stage.advance_to(next);
    }
    stage.home.shut_down(evertask).await;

    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(row.state.run_count, 2);
    assert_eq!(stage.occurrences(id).await, [0, 60]);
    let failure = row.state.failure.unwrap();
    assert_eq!(
        failure.text,
        "all 3 attempts failed\n1. other: reason 4\n2. other: reason 5\n3. other: reason 6",
        "those of the run before are not its own"
    );
    let attempts = stage.home.attempts(id).await;
    let numbers: Vec<_> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 1, 2, 3]);
    assert_eq!(attempts[2].outcome, AttemptOutcome::Succeeded);
    assert_eq!(stage.diary.count("started 0"), 2);
    assert_eq!(stage.diary.count("retry 0"), 4);
}

/// Picks what says that an attempt failed and another one follows.
fn fails_attempt(write: &Write, _: &Answer) -> bool {
    matches!(
        write,
        Write::Change(change) if change.runs.is_empty() && !change.attempts.is_empty()
    )
}

/// Core 5.4 in a series: the time is that of each attempt.
async fn a_run_that_times_out_counts_and_does_not_end_the_series(home: Home) {
    const LIMIT: Duration = Duration::from_secs(9);
    let stage = Stage::new(home, |time, context| async move {
        if time == 1 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(2);
    let id = series.timeout(LIMIT).await.unwrap().id;
    stage.clock.pass(LIMIT).await;
    stage.runs_ended(1).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.run_count), (Status::Failed, 1));
    assert_eq!(state.next_run_at, Some(stage.at(60)));
    stage.advance_to(60);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    let runs = stage.home.runs(id).await;
    let failure = runs[0].failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(runs[0].execution_time, LIMIT);
    assert_eq!(runs[1].status, Status::Completed);
    assert_over(&stage.home.row(id).await);
}

/// Core 4.5: the status is that of the last run, the end is the missing next one.
async fn a_series_whose_last_run_fails_is_over_as_failed(home: Home) {
    let stage = Stage::new(home, |_, _| async { Err(TaskError::permanent("never")) });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(2);
    let id = series.await.unwrap().id;
    stage.runs_ended(1).await;
    assert!(!stage.home.row(id).await.state.is_over());
    stage.advance_to(60);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!((row.state.status, row.state.run_count), (Status::Failed, 2));
}
