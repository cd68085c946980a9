//! Runs that are cut short, and ends of runs that can't be stored at once.

use std::future::pending;
use std::io;
use std::time::Duration;

use chrono::SubsecRound;
use evertask::{RetryPolicy, Status, TaskContext, TaskError, TaskResult};

use super::{SERIES, STEP, Stage, assert_over, ends_run, is_end_of_run};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::session::Fault;
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_run_that_a_shutdown_interrupts_is_neither_counted_nor_lost,
    a_run_that_a_crash_interrupts_is_neither_counted_nor_lost,
    a_run_that_is_interrupted_and_overtaken_is_skipped,
    an_outage_at_the_end_of_a_run_neither_loses_nor_doubles_it,
    a_client_that_was_cancelled_or_timed_out_cancels_no_series,
}

/// The second time it is entered it waits to be told to stop.
async fn stuck_in_the_second(time: u32, context: TaskContext) -> TaskResult {
    if time == 2 {
        context.cancelled().await;
        return Err(TaskError::other("told to stop"));
    }
    Ok(())
}

/// Starts a series of two runs and gets into the second.
async fn in_the_second_run(stage: &Stage) -> (evertask::EverTask, evertask::TaskId) {
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(2);
    let id = series.await.unwrap().id;
    stage.runs_ended(1).await;
    stage.advance_to(60);
    stage.home.commits(2, becomes(Status::InProgress)).await;
    stage.diary.counts(2, "handle 0").await;
    (evertask, id)
}

/// After a restart the occurrence that was cut short runs, and it is the last one.
async fn ends_with_the_interrupted_occurrence(stage: &Stage, id: evertask::TaskId) {
    stage.advance_to(100);
    let evertask = stage.start().await;
    stage.runs_ended(2).await;
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(
        (row.state.status, row.state.run_count),
        (Status::Completed, 2)
    );
    assert_eq!(stage.occurrences(id).await, [0, 60]);
    assert_eq!(stage.diary.count("handle 0"), 3);
}

/// Storage edge case 26b, on the last run that it may have.
async fn a_run_that_a_shutdown_interrupts_is_neither_counted_nor_lost(home: Home) {
    let stage = Stage::new(home, stuck_in_the_second);
    let (evertask, id) = in_the_second_run(&stage).await;
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!(state.status, Status::ServiceStopped);
    assert_eq!(
        (state.run_count, state.next_run_at),
        (1, Some(stage.at(60)))
    );
    assert_eq!(stage.occurrences(id).await, [0]);
    ends_with_the_interrupted_occurrence(&stage, id).await;
}

/// Storage edge case 26.
async fn a_run_that_a_crash_interrupts_is_neither_counted_nor_lost(home: Home) {
    let stage = Stage::new(home, stuck_in_the_second);
    let (evertask, id) = in_the_second_run(&stage).await;
    stage.home.crash(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!(state.status, Status::InProgress);
    assert_eq!(
        (state.run_count, state.next_run_at),
        (1, Some(stage.at(60)))
    );
    ends_with_the_interrupted_occurrence(&stage, id).await;
}

/// Core section 9: if the next occurrence is due already, the interrupted one is not made up for;
/// it is not counted either.
async fn a_run_that_is_interrupted_and_overtaken_is_skipped(home: Home) {
    let stage = Stage::new(home, stuck_in_the_second);
    let (evertask, id) = in_the_second_run(&stage).await;
    stage.home.shut_down(evertask).await;
    stage.advance_to(500);
    let evertask = stage.start().await;
    stage.fence(&evertask).await;
    assert_eq!(stage.home.row(id).await.state.run_count, 1);
    stage.advance_to(540);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_over(&stage.home.row(id).await);
    assert_eq!(stage.occurrences(id).await, [0, 540]);
}

/// Storage edge cases 30 and 38, C18: the end of a run and the next one are one write, which is
/// repeated until it is stored; what it says is not stored twice.
async fn an_outage_at_the_end_of_a_run_neither_loses_nor_doubles_it(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let step = Duration::from_hours(1);
    let faults = [
        (3, Fault::Transient),
        (1, Fault::LostBeforeCommit),
        (1, Fault::LostAfterCommit),
    ];
    for (number, (times, fault)) in (0..).zip(faults) {
        home.fail(times, fault, is_end_of_run);
        let id = evertask.dispatch(Numbered(number)).every(step).await;
        let id = id.unwrap().id;
        diary.says(&format!("completed {number}")).await;
        assert_eq!(home.recover(), 0, "all failures came about");
        let row = home.row(id).await;
        assert_eq!(
            (row.state.status, row.state.run_count),
            (Status::Completed, 1)
        );
        let next = row.definition.created_at.trunc_subsecs(0) + step;
        assert_eq!(row.state.next_run_at, Some(next));
        assert_eq!(home.runs(id).await.len(), 1);
        let ends = home.audited(id).await;
        let ends = ends.iter().filter(|status| **status == Status::Completed);
        assert_eq!(ends.count(), 1);
    }
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), faults.len());
    home.commits(faults.len(), ends_run).await;
}

/// Storage scenario S20b: only a token of ours cancels or times out; what a client of the handler's says of
/// itself is a failure like any other.
async fn a_client_that_was_cancelled_or_timed_out_cancels_no_series(home: Home) {
    const DELAY: Duration = Duration::from_millis(100);
    let stage = Stage::new(home, |time, _| async move {
        match time {
            2 => tokio::time::timeout(Duration::ZERO, pending::<()>()).await?,
            3 => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            4 => {
                let inner = tokio::spawn(pending::<()>());
                inner.abort();
                inner.await?;
            }
            _ => {}
        }
        Ok(())
    });
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP).max_runs(5);
    let twice = RetryPolicy::Linear {
        retries: 2,
        delay: DELAY,
    };
    let id = series.retry(twice).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.advance_to(60);
    for _ in 0..2 {
        stage.clock.pass(DELAY).await;
    }
    stage.runs_ended(2).await;
    for run in 3..=5 {
        stage.advance_to(60 * (run - 1));
        stage.runs_ended(usize::try_from(run).unwrap()).await;
    }
    stage.home.shut_down(evertask).await;
    let row = stage.home.row(id).await;
    assert_over(&row);
    assert_eq!(
        (row.state.status, row.state.run_count),
        (Status::Completed, 5)
    );
    let runs = stage.home.runs(id).await;
    let failed = runs.iter().filter(|run| run.status == Status::Failed);
    assert_eq!(failed.map(|run| run.number).collect::<Vec<_>>(), [2]);
    assert_eq!(stage.diary.count("handle 0"), 7);
    let audited = stage.home.audited(id).await;
    assert!(!audited.contains(&Status::Cancelled), "{audited:?}");
}
