//! The end of a series: its last occurrence, or somebody who cancels it.

use std::time::Duration;

use evertask::{Cancel, CancelOutcome, Status, TaskError};

use super::{SERIES, STEP, Stage, assert_over};
use crate::one_shot::home::{Home, becomes};

on_every_storage_and_server! {
    no_occurrence_at_or_after_its_end_runs,
    a_series_that_ended_while_nothing_ran_is_finished_without_a_run,
    a_series_cancelled_between_two_runs_stays_dead,
    a_series_cancelled_in_a_run_stays_dead,
    a_series_that_makes_no_sense_is_refused,
}

const HOURS: Duration = Duration::from_hours(2);

/// Core 4.5, storage specification 1.1 and edge case 3: the end itself is excluded, the last
/// occurrence before it is an ordinary one.
async fn no_occurrence_at_or_after_its_end_runs(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP);
    let id = series.run_until(stage.at(120)).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.advance_to(60);
    stage.runs_ended(2).await;
    let over = stage.home.row(id).await;
    assert_over(&over);
    assert_eq!(over.state.status, Status::Completed);
    stage.advance_to(1_000);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.row(id).await, over);
    assert_eq!(stage.occurrences(id).await, [0, 60]);
}

/// Storage edge cases 22 and 23: it is no failure, and no later start takes it up again.
async fn a_series_that_ended_while_nothing_ran_is_finished_without_a_run(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(SERIES).every(STEP);
    let id = series.run_until(stage.at(150)).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.home.shut_down(evertask).await;
    let ran = stage.home.row(id).await.state.last_execution_at;

    stage.advance_to(200);
    let evertask = stage.start().await;
    stage.home.commits(2, becomes(Status::Completed)).await;
    stage.home.shut_down(evertask).await;
    let over = stage.home.row(id).await;
    assert_over(&over);
    let state = &over.state;
    assert_eq!((state.status, state.run_count), (Status::Completed, 1));
    assert_eq!((&state.failure, state.recovery_failures), (&None, 0));
    assert_eq!(state.last_execution_at, ran, "nothing was executed");

    for _ in 0..3 {
        let evertask = stage.start().await;
        stage.fence(&evertask).await;
        stage.home.shut_down(evertask).await;
    }
    assert_eq!(stage.home.row(id).await, over);
    assert_eq!(stage.occurrences(id).await, [0]);
    assert_eq!(stage.diary.count("handle 0"), 1);
}

/// Storage edge cases 51 and 55.
async fn a_series_cancelled_between_two_runs_stays_dead(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(HOURS).await.unwrap().id;
    stage.runs_ended(1).await;
    let before = stage.home.row(id).await.state;
    let cancel = Cancel::new(id).by("ada").because("no longer needed");
    let outcome = evertask.supervisor().send(cancel).await.unwrap();
    assert_eq!(outcome.unwrap(), CancelOutcome::Cancelled);
    let again = evertask.cancel(id).await.unwrap();
    assert_eq!(again, CancelOutcome::AlreadyOver(Status::Cancelled));
    let dead = stays_dead(&stage, evertask, id).await;
    assert_eq!(dead.last_execution_at, before.last_execution_at);
    assert_eq!(dead.run_count, 1);
    let audit = stage.home.audit(id).await;
    let last = audit.last().unwrap();
    assert_eq!(last.status, Status::Cancelled);
    assert_eq!(last.actor.as_deref(), Some("ada"));
    assert_eq!(last.reason.as_deref(), Some("no longer needed"));
    assert_eq!(stage.occurrences(id).await, [0]);
}

/// Storage edge cases 49, 51 and 52: whatever its body returns, and the occurrence is none that ran.
async fn a_series_cancelled_in_a_run_stays_dead(home: Home) {
    let stage = Stage::new(home, |time, context| async move {
        if time > 1 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(HOURS).await.unwrap().id;
    stage.runs_ended(1).await;
    stage.clock.advance(HOURS);
    stage.diary.counts(2, "handle 0").await;
    let outcome = evertask.cancel(id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
    stage.diary.counts(1, "error 0: cancelled").await;
    let dead = stays_dead(&stage, evertask, id).await;
    assert_eq!(dead.run_count, 1);
    assert_eq!(stage.occurrences(id).await, [0]);
    assert_eq!(stage.diary.count("handle 0"), 2);
}

/// Its occurrences pass, before and after a restart.
async fn stays_dead(
    stage: &Stage,
    evertask: evertask::EverTask,
    id: evertask::TaskId,
) -> evertask::task::RowState {
    let dead = stage.home.row(id).await;
    assert_over(&dead);
    assert_eq!(dead.state.status, Status::Cancelled);
    stage.clock.advance(HOURS * 3);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    let evertask = stage.start().await;
    stage.clock.advance(HOURS * 3);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    let after = stage.home.row(id).await;
    assert_eq!(after.state, dead.state);
    after.state
}

/// Core 4.4: the first run has to be one that may run; bad input is said before anything is stored.
async fn a_series_that_makes_no_sense_is_refused(home: Home) {
    let stage = Stage::new(home, |_, _| async {
        Err(TaskError::other("never entered"))
    });
    let evertask = stage.start().await;
    let series = || evertask.dispatch(SERIES);
    let refused = [
        (
            series().every(Duration::ZERO),
            "step `0ns` is not a whole number of seconds",
        ),
        (
            series().every(STEP).max_runs(0),
            "max_runs `0` is not from 1",
        ),
        (series().max_runs(3), "but not when it runs"),
        (series().run_until(stage.at(60)), "but not when it runs"),
        (
            series().every(STEP).run_until(stage.begun),
            "would run first at",
        ),
        (
            series().every(STEP).after(STEP).run_until(stage.at(60)),
            "would run first at",
        ),
    ];
    for (request, why) in refused {
        let error = request.await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.stored(), evertask::Stored::No);
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.entries(), [""; 0]);
}
