//! Which occurrences run: nothing drifts, nothing is made up for, nothing is lost to a restart.

use std::time::Duration;

use evertask::Status;
use evertask::storage::{Answer, Write};
use evertask::time::Clock;

use super::{SERIES, STEP, Stage, assert_over};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::settle;

on_every_storage_and_server! {
    a_series_does_not_drift_however_long_its_runs_take,
    an_occurrence_during_a_run_is_skipped_and_not_counted,
    an_occurrence_that_slipped_runs_once,
    occurrences_that_were_overtaken_are_skipped_and_not_counted,
    a_restart_keeps_the_rhythm_and_the_count,
    a_series_is_recovered_whatever_its_last_run_came_to,
}

/// A stage whose runs take as long as `takes` says.
fn lasting(home: Home, takes: fn(u32) -> Duration) -> Stage {
    let clock = StagedClock::new();
    let body_clock = clock.clone();
    Stage::with_clock(home, clock, move |time, _| {
        let clock = body_clock.clone();
        async move {
            let takes = takes(time);
            if !takes.is_zero() {
                clock.sleep(takes).await;
            }
            Ok(())
        }
    })
}

/// Picks what moves a series on without running it.
fn skips(write: &Write, _: &Answer) -> bool {
    matches!(
        write,
        Write::Change(change)
            if change.state.status == Status::WaitingQueue && change.state.next_run_at.is_some()
    )
}

/// Core 4.5; storage specification 1.1: occurrences are counted from the first one.
async fn a_series_does_not_drift_however_long_its_runs_take(home: Home) {
    let takes = |run| Duration::from_secs(u64::from(run) * 7);
    let stage = lasting(home, takes);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(5);
    let id = series.await.unwrap().id;
    for run in 1..=5 {
        stage.clock.pass(takes(run)).await;
        stage.runs_ended(run as usize).await;
        stage.advance_to(u64::from(run) * 60);
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 60, 120, 180, 240]);
}

/// Core 4.5 and the decision on missed occurrences: the default of the overlap policy.
async fn an_occurrence_during_a_run_is_skipped_and_not_counted(home: Home) {
    const LONG: Duration = Duration::from_secs(150);
    let takes = |run| if run == 1 { LONG } else { Duration::ZERO };
    let stage = lasting(home, takes);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(2);
    let id = series.await.unwrap().id;
    stage.clock.asked_for(LONG).await;
    stage.advance_to(60);
    settle(&evertask).await;
    stage.advance_to(150);
    stage.runs_ended(1).await;
    let state = stage.home.row(id).await.state;
    assert_eq!(
        (state.next_run_at, state.run_count),
        (Some(stage.at(180)), 1)
    );
    stage.fence(&evertask).await;
    assert_eq!(stage.diary.count("handle 0"), 1);
    stage.advance_to(180);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 180]);
}

/// Storage edge case 4, its first half, and edge case 5: what comes after it is where it was.
async fn an_occurrence_that_slipped_runs_once(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(STEP).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;

    stage.advance_to(119);
    let evertask = stage.start().await;
    stage.runs_ended(2).await;
    stage.fence(&evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!(state.next_run_at, Some(stage.at(120)));
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 60]);
    let runs = stage.home.runs(id).await;
    assert_eq!(runs[1].at, stage.at(119));
}

/// Storage edge cases 4 and 32: also if it happens again and again.
async fn occurrences_that_were_overtaken_are_skipped_and_not_counted(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(STEP).max_runs(2).await;
    let id = id.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;

    for (skip, now, next) in [(1, 310, 360), (2, 100_000, 100_020)] {
        stage.advance_to(now);
        let evertask = stage.start().await;
        stage.home.commits(skip, skips).await;
        stage.fence(&evertask).await;
        let state = stage.home.row(id).await.state;
        assert_eq!(state.next_run_at, Some(stage.at(next)));
        assert_eq!(state.available_at, Some(stage.at(next)));
        assert_eq!((state.run_count, state.owner), (1, None));
        stage.home.shut_down(evertask).await;
    }
    assert_eq!(stage.diary.count("handle 0"), 1);

    let evertask = stage.start().await;
    stage.advance_to(100_020);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 100_020]);
    assert_over(&stage.home.row(id).await);
}

/// Storage edge cases 3, 5 and 12: what is stored is used as it is, the delay of the first run is
/// not applied again, and a series that has had its runs is not recovered.
async fn a_restart_keeps_the_rhythm_and_the_count(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(3);
    let id = series.after(Duration::from_secs(90)).await.unwrap().id;
    stage.home.shut_down(evertask).await;
    for (run, due) in [(1, 90), (2, 150), (3, 210)] {
        let before = stage.home.row(id).await;
        assert_eq!(before.state.next_run_at, Some(stage.at(due)));
        let idle = stage.start().await;
        stage.fence(&idle).await;
        stage.home.shut_down(idle).await;
        assert_eq!(stage.home.row(id).await, before, "a start changes nothing");

        let evertask = stage.start().await;
        stage.advance_to(due);
        stage.runs_ended(run).await;
        stage.home.shut_down(evertask).await;
        let state = stage.home.row(id).await.state;
        assert_eq!(state.run_count, u32::try_from(run).unwrap());
        stage.advance_to(due + 30);
    }
    let over = stage.home.row(id).await;
    assert_over(&over);
    stage.advance_to(10_000);
    let evertask = stage.start().await;
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.row(id).await, over);
    assert_eq!(stage.occurrences(id).await, [90, 150, 210]);
}

/// Storage edge case 2: it need not be dispatched again.
async fn a_series_is_recovered_whatever_its_last_run_came_to(home: Home) {
    let stage = Stage::new(home, |time, _| async move {
        match time {
            1 => Err(evertask::TaskError::permanent("never")),
            _ => Ok(()),
        }
    });
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(STEP).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.status(id).await, Status::Failed);
    for (run, due) in [(2, 60), (3, 120)] {
        let evertask = stage.start().await;
        stage.advance_to(due);
        stage.runs_ended(run).await;
        stage.home.shut_down(evertask).await;
        assert_eq!(stage.home.status(id).await, Status::Completed);
    }
    assert_eq!(stage.occurrences(id).await, [0, 60, 120]);
}
