//! Series that are dispatched again under their key.

use std::time::Duration;

use evertask::{DispatchError, DispatchOutcome, EverTask, KeptReason, Status, Stored, TaskError};

use super::{FENCE, STEP, Stage, assert_over};
use crate::one_shot::home::{Home, becomes};
use crate::stage::Numbered;

on_every_storage_and_server!(
    a_series_is_left_alone_by_a_task_that_runs_once,
    a_series_that_is_dispatched_again_goes_on_with_the_new_payload,
    another_step_counts_from_now,
    a_cancelled_series_that_is_dispatched_again_runs_again,
    a_series_cancelled_during_a_run_is_revived_once_that_has_ended,
    an_exhausted_series_that_is_dispatched_again_runs_again,
    bounds_that_leave_a_series_nothing_are_an_error,
    a_series_that_runs_is_left_alone,
);

fn series(evertask: &EverTask, number: u32) -> evertask::DispatchRequest<'_> {
    evertask.dispatch(Numbered(number)).every(STEP).key("rep")
}

/// Core acceptance scenario 30, its beginning, and core edge case 54.
async fn a_series_is_left_alone_by_a_task_that_runs_once(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let half_hour = Duration::from_mins(30);
    let first = series(&evertask, 1).after(half_hour).await.unwrap();
    let before = stage.home.row(first.id).await;
    let once = || evertask.dispatch(Numbered(2)).key("rep");
    for once in [once(), once().after(STEP)] {
        let again = once.await.unwrap();
        let kept = DispatchOutcome::Existing(KeptReason::IsSeries);
        assert_eq!((again.id, again.outcome), (first.id, kept));
    }
    assert_eq!(stage.home.row(first.id).await, before);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 0);
}

/// Core edge case 58, and storage scenario S8 for an occurrence that is to come.
async fn a_series_that_is_dispatched_again_goes_on_with_the_new_payload(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let first = series(&evertask, 1).max_runs(12).await.unwrap();
    stage.runs_ended(1).await;
    let before = stage.home.row(first.id).await;
    stage.advance_to(20);
    let again = series(&evertask, 2).max_runs(3).await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Updated)
    );
    let after = stage.home.row(first.id).await;
    assert_eq!(after.definition.created_at, before.definition.created_at);
    assert_eq!(after.definition.payload, "2");
    assert_eq!(after.state, before.state);
    assert_eq!(after.state.next_run_at, Some(stage.at(60)));
    stage.fence(&evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 0, "its time has not come");
    for (seconds, runs) in [(60, 2), (120, 3)] {
        stage.advance_to(seconds);
        stage.runs_ended(runs).await;
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(first.id).await, [0, 60, 120]);
    assert_over(&stage.home.row(first.id).await);
    assert_eq!(
        (stage.diary.count("handle 1"), stage.diary.count("handle 2")),
        (1, 2)
    );
}

/// Core edge case 64.
async fn another_step_counts_from_now(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let first = series(&evertask, 1).await.unwrap();
    stage.runs_ended(1).await;
    stage.advance_to(20);
    let again = evertask.dispatch(Numbered(1)).every(STEP / 2).key("rep");
    // What it says about the first run was for the first registration.
    let again = again.after(Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Updated)
    );
    for (seconds, runs) in [(55, 2), (85, 3)] {
        stage.advance_to(seconds);
        stage.runs_ended(runs).await;
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(first.id).await, [0, 55, 85]);
}

/// Core acceptance scenario 32, core edge case 62 and storage scenario S9.
async fn a_cancelled_series_that_is_dispatched_again_runs_again(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let first = series(&evertask, 1).await.unwrap();
    stage.runs_ended(1).await;
    evertask.cancel(first).await.unwrap();
    stage.home.shut_down(evertask).await;
    stage.advance_to(60);
    let evertask = stage.start().await;
    stage.fence(&evertask).await;
    assert_eq!(stage.diary.count("handle 1"), 1, "it is cancelled");
    let again = series(&evertask, 2).await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Revived)
    );
    stage.runs_ended(2).await;
    let row = stage.home.row(first.id).await;
    assert_eq!(row.state.run_count, 1, "it counts anew");
    assert_eq!(row.state.next_run_at, Some(stage.at(120)));
    stage.advance_to(120);
    stage.runs_ended(3).await;
    stage.home.shut_down(evertask).await;
    let audited = stage.home.audited(first.id).await;
    let cancelled = audited
        .iter()
        .position(|status| *status == Status::Cancelled);
    assert_eq!(audited[cancelled.unwrap() + 1], Status::WaitingQueue);
}

async fn a_series_cancelled_during_a_run_is_revived_once_that_has_ended(home: Home) {
    let stage = Stage::new(home, |time, context| async move {
        if time == 1 {
            context.cancelled().await;
            return Err(TaskError::other("told to stop"));
        }
        Ok(())
    });
    let evertask = stage.start().await;
    let first = series(&evertask, 1).await.unwrap();
    stage.diary.says("handle 1.1").await;
    evertask.cancel(first).await.unwrap();
    let again = series(&evertask, 2).await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Revived)
    );
    stage.runs_ended(1).await;
    let row = stage.home.row(first.id).await;
    assert_eq!(
        (row.state.status, row.state.run_count),
        (Status::Completed, 1)
    );
    stage.advance_to(60);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
}

/// Core edge case 63.
async fn an_exhausted_series_that_is_dispatched_again_runs_again(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let first = series(&evertask, 1).max_runs(1).await.unwrap();
    stage.runs_ended(1).await;
    assert_over(&stage.home.row(first.id).await);
    let again = series(&evertask, 2).max_runs(1).await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Revived)
    );
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_over(&stage.home.row(first.id).await);
    assert_eq!(stage.diary.count("completed 2"), 1);
}

/// Core edge case 63: never "ok but dead".
async fn bounds_that_leave_a_series_nothing_are_an_error(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let first = series(&evertask, 1).await.unwrap();
    stage.runs_ended(1).await;
    let before = stage.home.row(first.id).await;
    let error = series(&evertask, 2).max_runs(1).await.unwrap_err();
    assert!(matches!(error, DispatchError::Series { .. }), "{error:?}");
    assert_eq!(error.stored(), Stored::No);
    assert_eq!(stage.home.row(first.id).await, before);
    stage.home.shut_down(evertask).await;
}

/// Row 4 of core 2.4.
async fn a_series_that_runs_is_left_alone(home: Home) {
    let stage = Stage::new(home, |_, context| async move {
        context.cancelled().await;
        Ok(())
    });
    let evertask = stage.start().await;
    let first = series(&evertask, 1).await.unwrap();
    stage.home.commits(1, becomes(Status::InProgress)).await;
    let again = series(&evertask, FENCE).await.unwrap();
    let kept = DispatchOutcome::Existing(KeptReason::Running);
    assert_eq!((again.id, again.outcome), (first.id, kept));
    assert_eq!(stage.home.row(first.id).await.definition.payload, "1");
    evertask.cancel(first).await.unwrap();
    stage.home.shut_down(evertask).await;
}
