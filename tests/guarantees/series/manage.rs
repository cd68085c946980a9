//! Series that somebody pauses, resumes, moves, or has run now.

use evertask::{DispatchOutcome, EverTask, ManageOutcome, Refusal, Status, TaskId, WaitReason};

use super::{SERIES, STEP, Stage};
use crate::one_shot::home::{Home, becomes};

on_every_storage_and_server! {
    a_paused_series_misses_what_comes_due_and_goes_on_when_it_is_resumed,
    a_paused_series_that_is_registered_again_stays_paused,
    a_series_runs_beside_its_schedule_when_somebody_says_so,
    only_the_next_run_of_a_series_is_moved,
    a_series_that_is_over_is_deleted_with_its_runs,
    a_series_that_runs_is_left_alone,
}

const DONE: ManageOutcome = ManageOutcome::Done;

/// A series that ran at 0 and rests.
async fn resting(stage: &Stage, evertask: &EverTask) -> TaskId {
    let series = evertask.dispatch(SERIES).every(STEP).key("rep");
    let id = series.await.unwrap().id;
    stage.runs_ended(1).await;
    id
}

/// Decision "A missed occurrence": by the policy for what a time without any process missed.
async fn a_paused_series_misses_what_comes_due_and_goes_on_when_it_is_resumed(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = resting(&stage, &evertask).await;
    assert_eq!(evertask.pause(id).by("ada").await.unwrap(), DONE);
    stage.advance_to(250);
    stage.fence(&evertask).await;
    assert_eq!(stage.occurrences(id).await, [0]);
    assert_eq!(evertask.resume(id).await.unwrap(), DONE);
    stage.fence(&evertask).await;
    assert_eq!(stage.occurrences(id).await, [0]);
    stage.advance_to(300);
    stage.runs_ended(2).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 300]);
}

async fn a_paused_series_that_is_registered_again_stays_paused(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = resting(&stage, &evertask).await;
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    stage.home.shut_down(evertask).await;
    stage.advance_to(600);
    let evertask = stage.start().await;
    let again = evertask.dispatch(SERIES).every(STEP).key("rep");
    let again = again.await.unwrap();
    assert_eq!((again.id, again.outcome), (id, DispatchOutcome::Updated));
    stage.fence(&evertask).await;
    stage.advance_to(700);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!(state.wait_reason, Some(WaitReason::Paused));
    assert_eq!(stage.occurrences(id).await, [0]);
}

async fn a_series_runs_beside_its_schedule_when_somebody_says_so(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = resting(&stage, &evertask).await;
    stage.advance_to(20);
    assert_eq!(evertask.run_now(id).by("ada").await.unwrap(), DONE);
    stage.runs_ended(2).await;
    stage.advance_to(60);
    stage.runs_ended(3).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 20, 60]);
    assert_eq!(stage.home.row(id).await.state.run_count, 3);
}

async fn only_the_next_run_of_a_series_is_moved(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = resting(&stage, &evertask).await;
    let moved = evertask.reschedule(id, stage.at(150)).await.unwrap();
    assert_eq!(moved, DONE);
    stage.advance_to(100);
    stage.fence(&evertask).await;
    stage.advance_to(150);
    stage.runs_ended(2).await;
    stage.advance_to(180);
    stage.runs_ended(3).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.occurrences(id).await, [0, 150, 180]);
}

async fn a_series_that_is_over_is_deleted_with_its_runs(home: Home) {
    let stage = Stage::idle(home);
    let evertask = stage.start().await;
    let id = resting(&stage, &evertask).await;
    let refused = ManageOutcome::Refused(Refusal::NotOver(Status::Completed));
    assert_eq!(evertask.delete(id).await.unwrap(), refused);
    evertask.cancel(id).await.unwrap();
    assert_eq!(evertask.delete(id).await.unwrap(), DONE);
    stage.home.shut_down(evertask).await;
    assert!(stage.home.runs(id).await.is_empty());
}

async fn a_series_that_runs_is_left_alone(home: Home) {
    let stage = Stage::new(home, |_, context| async move {
        context.cancelled().await;
        Ok(())
    });
    let evertask = stage.start().await;
    let id = evertask.dispatch(SERIES).every(STEP).await.unwrap().id;
    stage.home.commits(1, becomes(Status::InProgress)).await;
    let refused = ManageOutcome::Refused(Refusal::InFlight);
    assert_eq!(evertask.pause(id).await.unwrap(), refused);
    assert_eq!(evertask.run_now(id).await.unwrap(), refused);
    stage.home.shut_down(evertask).await;
}
