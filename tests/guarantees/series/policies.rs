//! Occurrences that can't simply run at their time.

use std::time::Duration;

use evertask::schedule::{Misfire, Overlap, every};
use evertask::storage::query::{PageLimit, TaskFilter, TaskSearch, TaskSort};
use evertask::{Status, TaskError, TaskEventKind, TaskId};

use super::{SERIES, STEP, Stage, assert_over};
use crate::one_shot::home::{Home, becomes};

on_every_storage_and_server! {
    by_default_what_comes_due_during_a_run_is_left_out_and_told,
    the_last_one_that_came_due_during_a_run_follows_it,
    runs_that_may_overlap_do_not_wait_for_each_other,
    the_last_of_the_missed_runs_once_for_all,
    the_last_of_the_missed_are_caught_up_with,
    a_series_stops_after_failures_in_a_row,
    jitter_delays_a_run_and_moves_no_other,
}

/// The occurrences that ran beside the series, in seconds after the beginning.
async fn beside(stage: &Stage, id: TaskId) -> Vec<i64> {
    let filter = TaskFilter {
        series_id: Some(id),
        statuses: vec![Status::Completed],
        ..TaskFilter::default()
    };
    let limit = PageLimit::new(100).unwrap();
    let search = TaskSearch::new(filter, TaskSort::default(), limit);
    let page = stage.home.reader().await.queries().search(&search).await;
    let mut seconds = Vec::new();
    for task in page.unwrap().tasks {
        let occurrence = stage.home.row(task.id).await.definition.occurrence_at;
        seconds.push((occurrence.unwrap() - stage.begun).num_seconds());
    }
    seconds.sort_unstable();
    seconds
}

/// The first run waits for the test, and no other one does.
fn slow_first(home: Home) -> (Stage, std::sync::Arc<tokio::sync::Semaphore>) {
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = std::sync::Arc::clone(&gate);
    let stage = Stage::new(home, move |time, _| {
        let held = std::sync::Arc::clone(&held);
        async move {
            if time == 1 {
                drop(held.acquire().await);
            }
            Ok(())
        }
    });
    (stage, gate)
}

async fn by_default_what_comes_due_during_a_run_is_left_out_and_told(home: Home) {
    let (stage, gate) = slow_first(home);
    let evertask = stage.start().await;
    let mut events = evertask.events();
    let id = evertask.dispatch(SERIES).every(STEP).await.unwrap().id;
    stage.diary.counts(1, "handle 0").await;
    stage.advance_to(200);
    gate.add_permits(1);
    stage.runs_ended(1).await;
    stage.advance_to(240);
    stage.runs_ended(2).await;
    loop {
        let event = events.next().await.unwrap();
        if let TaskEventKind::Missed { count } = event.kind {
            assert_eq!((event.id, count), (id, 3));
            break;
        }
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 240]);
}

async fn the_last_one_that_came_due_during_a_run_follows_it(home: Home) {
    let (stage, gate) = slow_first(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP);
    let id = series.overlap(Overlap::BufferOne).await.unwrap().id;
    stage.diary.counts(1, "handle 0").await;
    stage.advance_to(200);
    gate.add_permits(1);
    stage.runs_ended(2).await;
    stage.advance_to(240);
    stage.runs_ended(3).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 180, 240]);
}

async fn runs_that_may_overlap_do_not_wait_for_each_other(home: Home) {
    let (stage, gate) = slow_first(home);
    let evertask = stage.start_wide().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(3);
    let id = series.overlap(Overlap::Allow).await.unwrap().id;
    stage.diary.counts(1, "handle 0").await;
    for (minute, runs) in [(1, 2), (2, 3)] {
        stage.advance_to(minute * 60);
        stage.diary.counts(runs, "handle 0").await;
    }
    gate.add_permits(1);
    // One of these is the series itself, which is over.
    stage.home.commits(4, becomes(Status::Completed)).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(beside(&stage, id).await, [0, 60, 120]);
    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(row.state.run_count, 3);
}

async fn the_last_of_the_missed_runs_once_for_all(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP);
    let id = series.misfire(Misfire::RunOnce).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    stage.advance_to(615);
    let evertask = stage.start().await;
    stage.runs_ended(2).await;
    stage.advance_to(660);
    stage.runs_ended(3).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 600, 660]);
}

async fn the_last_of_the_missed_are_caught_up_with(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP);
    let id = series.misfire(Misfire::CatchUp(3)).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.crash(evertask).await;
    stage.advance_to(615);
    let evertask = stage.start().await;
    stage.home.commits(4, becomes(Status::Completed)).await;
    stage.advance_to(660);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(beside(&stage, id).await, [480, 540, 600]);
    assert_eq!(stage.home.row(id).await.state.run_count, 5);
    let own = stage.home.runs(id).await;
    let own: Vec<_> = own.iter().map(|run| run.number).collect();
    assert_eq!(own, [1, 5], "those beside it count");
}

async fn a_series_stops_after_failures_in_a_row(home: Home) {
    let stage = Stage::new(home, |time, _| async move {
        match time {
            2 => Ok(()),
            _ => Err(TaskError::permanent("broken")),
        }
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).stop_after_failures(2);
    let id = series.await.unwrap().id;
    for run in 1..=4 {
        stage.runs_ended(run).await;
        stage.clock.advance(STEP);
    }
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 60, 120, 180]);
    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(
        (row.state.status, row.state.failures_in_row),
        (Status::Failed, 2)
    );
    let audit = stage.home.audit(id).await;
    let reason = audit.last().unwrap().reason.clone();
    assert_eq!(
        reason.unwrap(),
        "the series was to stop after 2 failed runs in a row"
    );
}

async fn jitter_delays_a_run_and_moves_no_other(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).schedule(every(1).minutes());
    let series = series.jitter(Duration::from_secs(40)).max_runs(3);
    let id = series.await.unwrap().id;
    for run in 1..=3_u32 {
        let state = stage.home.row(id).await.state;
        let (due, begins) = (state.next_run_at.unwrap(), state.available_at.unwrap());
        assert_eq!(due, stage.begun + STEP * run);
        assert!(
            begins > due && begins < due + Duration::from_secs(40),
            "{begins}"
        );
        let ahead = begins - evertask::time::Clock::now(&stage.clock);
        stage.clock.advance(ahead.to_std().unwrap());
        stage.runs_ended(usize::try_from(run).unwrap()).await;
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [60, 120, 180]);
}
