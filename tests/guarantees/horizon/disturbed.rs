//! What is held is neither lost nor doubled, whatever ends or crashes.

use evertask::{Phase, Provocation, Status, Target};

use super::Stage;
use crate::one_shot::home::{Home, becomes};
use crate::stage::soon;

on_every_storage_and_server! {
    a_scheduler_that_crashes_loses_nothing_that_is_held,
    a_pool_that_crashes_loses_nothing_that_is_held,
    a_shutdown_gives_back_what_is_held,
    what_a_dead_process_held_runs_on_time_in_the_next,
}

async fn crash_of(target: Target, home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    evertask.provoke(Provocation::Actor(target, Phase::Message));
    soon(evertask.crashed(1)).await;
    stage.fence(&evertask).await;
    stage.advance_to(599);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(600);
    stage.diary.says("completed 1").await;
    stage.home.commits(1, becomes(Status::Completed)).await;
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
    // It was not even given back.
    let audited = [Status::Queued, Status::InProgress, Status::Completed];
    assert_eq!(stage.home.audited(id).await, audited);
}

async fn a_scheduler_that_crashes_loses_nothing_that_is_held(home: Home) {
    crash_of(Target::Scheduler, home).await;
}

async fn a_pool_that_crashes_loses_nothing_that_is_held(home: Home) {
    crash_of(Target::Pool, home).await;
}

async fn a_shutdown_gives_back_what_is_held(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    let report = soon(evertask.shutdown()).await.unwrap();
    assert_eq!(report.given_back, 1);
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    assert_eq!(state.available_at, Some(stage.at(600)));
    let evertask = stage.start().await;
    stage.advance_to(600);
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
}

/// Nothing of it had begun, so it does not count as interrupted.
async fn what_a_dead_process_held_runs_on_time_in_the_next(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    stage.home.crash(evertask).await;
    let evertask = stage.start().await;
    stage.advance_to(599);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(600);
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1"]);
    let row = stage.home.row(id).await;
    assert_eq!(row.state.interruptions, 0);
}
