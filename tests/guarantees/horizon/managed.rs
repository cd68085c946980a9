//! What is held is not under way yet: whatever can be done with a task that waits can be done with it.

use std::time::Duration;

use evertask::{CancelOutcome, DispatchOutcome, ManageOutcome, ManageTask, Status};

use super::{Stage, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_held_task_is_cancelled_at_once,
    a_held_task_is_moved_to_another_time,
    a_held_task_runs_now,
    a_held_task_is_paused_and_resumed,
    a_refused_action_leaves_a_held_task_on_time,
    what_is_dispatched_again_while_it_is_held_runs_once_with_the_latest_payload,
    a_paused_queue_starts_nothing_that_was_held,
}

async fn done(evertask: &evertask::EverTask, message: ManageTask) {
    let outcome = soon(evertask.manage(message)).await.unwrap();
    assert_eq!(outcome, ManageOutcome::Done);
}

/// Core edge case 155: nothing is left of it in memory.
async fn a_held_task_is_cancelled_at_once(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    let cancelled = soon(evertask.cancel(id)).await.unwrap();
    assert_eq!(cancelled, CancelOutcome::Cancelled);
    nothing_in_memory(&evertask).await;
    stage.advance_to(600);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    assert_eq!(stage.home.status(id).await, Status::Cancelled);
}

async fn a_held_task_is_moved_to_another_time(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    done(&evertask, ManageTask::reschedule(id, stage.at(700))).await;
    stage.advance_to(699);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(700);
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
}

async fn a_held_task_runs_now(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    done(&evertask, ManageTask::run_now(id)).await;
    stage.diary.says("completed 1").await;
    stage.advance_to(600);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
}

async fn a_held_task_is_paused_and_resumed(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    done(&evertask, ManageTask::pause(id)).await;
    stage.advance_to(600);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    done(&evertask, ManageTask::resume(id)).await;
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
}

async fn a_refused_action_leaves_a_held_task_on_time(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    let outcome = soon(evertask.manage(ManageTask::retry(id))).await.unwrap();
    assert!(matches!(outcome, ManageOutcome::Refused(_)), "{outcome:?}");
    stage.advance_to(600);
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
}

/// The debounce: every dispatch puts the work off.
async fn what_is_dispatched_again_while_it_is_held_runs_once_with_the_latest_payload(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let delay = Duration::from_secs(30);
    let dispatch = |number| evertask.dispatch(Numbered(number)).key("k").after(delay);
    let first = dispatch(1).await.unwrap();
    for number in 2..=5 {
        stage.advance_to(u64::from(number));
        let again = dispatch(number).await.unwrap();
        assert_eq!(again.id, first.id);
        assert_eq!(again.outcome, DispatchOutcome::Updated);
    }
    stage.advance_to(34);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(35);
    stage.diary.says("completed 5").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["5"]);
}

async fn a_paused_queue_starts_nothing_that_was_held(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    let queue = evertask.queue("default");
    soon(queue.pause().into_future()).await.unwrap();
    stage.advance_to(600);
    // It is stored again when it would have run.
    let given_back = |write: &_, _: &_| is_given_back(write, id);
    stage.home.commits(1, given_back).await;
    assert_eq!(stage.order(), [""; 0]);
    soon(queue.resume().into_future()).await.unwrap();
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
}

fn is_given_back(write: &evertask::storage::Write, id: evertask::TaskId) -> bool {
    use evertask::storage::Write;
    matches!(write, Write::Change(change) if change.id == id && change.state.owner.is_none())
}
