//! When what is held runs.

use std::time::Duration;

use evertask::Status;
use evertask::schedule::every;

use super::{HORIZON, Stage, claims_made, nothing_in_memory};
use crate::one_shot::home::{Home, becomes};
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_task_is_taken_before_it_is_due_and_runs_at_its_instant,
    what_is_dispatched_within_the_horizon_is_never_claimed,
    what_is_due_after_the_horizon_costs_no_memory,
    held_tasks_run_in_the_order_of_their_instants,
    a_series_is_held_between_its_runs_and_keeps_its_grid,
    without_a_horizon_nothing_is_held,
    what_was_missed_while_the_clock_jumped_runs_at_once,
}

async fn a_task_is_taken_before_it_is_due_and_runs_at_its_instant(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.held(&evertask).await;
    stage.advance_to(599);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(600);
    stage.diary.says("completed 1").await;
    assert_eq!(claims_made(&stage.home), 1);
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.status(id).await, Status::Completed);
    let attempts = stage.home.attempts(id).await;
    assert_eq!(attempts[0].started_at, stage.at(600));
    assert_eq!(attempts[0].waited, Duration::ZERO);
}

async fn what_is_dispatched_within_the_horizon_is_never_claimed(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.dispatch(&evertask, 1, 60).await;
    stage.is_held(id).await;
    stage.advance_to(59);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), [""; 0]);
    stage.advance_to(60);
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(claims_made(&stage.home), 0);
    let audited = [Status::Queued, Status::InProgress, Status::Completed];
    assert_eq!(stage.home.audited(id).await, audited);
}

async fn what_is_due_after_the_horizon_costs_no_memory(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    for number in 0..20 {
        stage
            .dispatch(&evertask, number, 61 + u64::from(number))
            .await;
    }
    stage.fence(&evertask).await;
    stage.home.commits(1, becomes(Status::Completed)).await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
}

async fn held_tasks_run_in_the_order_of_their_instants(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    for (number, due) in [(1, 50), (2, 20), (3, 40), (4, 30)] {
        stage.dispatch(&evertask, number, due).await;
    }
    for (due, ran) in [(20, 1), (30, 2), (40, 3), (50, 4)] {
        stage.advance_to(due);
        stage.diary.counts(ran, "completed").await;
    }
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["2", "4", "3", "1"]);
}

/// Core edge case 83: no run moves the grid.
async fn a_series_is_held_between_its_runs_and_keeps_its_grid(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let schedule = every(20).seconds();
    let request = evertask.dispatch(Numbered(1)).schedule(schedule);
    let id = request.await.unwrap().id;
    for run in 1..=4 {
        stage.advance_to(20 * run);
        let run = usize::try_from(run).unwrap();
        stage.home.commits(run, crate::series::ends_run).await;
    }
    stage.home.shut_down(evertask).await;
    let runs = stage.home.runs(id).await;
    let ran: Vec<_> = runs.iter().map(|run| run.scheduled_at.unwrap()).collect();
    assert_eq!(ran, [20, 40, 60, 80].map(|second| stage.at(second)));
}

async fn without_a_horizon_nothing_is_held(home: Home) {
    let stage = Stage::new(home);
    let builder = stage.builder().horizon(Duration::ZERO);
    let evertask = builder.start().await.unwrap();
    let id = stage.dispatch(&evertask, 1, 1).await;
    stage.fence(&evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    stage.advance_to(1);
    stage.diary.says("completed 1").await;
    assert_eq!(claims_made(&stage.home), 1);
    stage.home.shut_down(evertask).await;
}

/// A laptop that slept, or a clock that was set forward.
async fn what_was_missed_while_the_clock_jumped_runs_at_once(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let held = stage.held(&evertask).await;
    let stored = stage.dispatch(&evertask, 2, 3_600).await;
    stage.clock.advance(Duration::from_hours(24) + HORIZON);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
    for id in [held, stored] {
        assert_eq!(stage.home.status(id).await, Status::Completed);
    }
    assert_eq!(stage.order(), ["1", "2"]);
}
