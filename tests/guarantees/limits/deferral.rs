//! A task without budget waits for its slot and costs nothing meanwhile.

use std::time::Duration;

use evertask::Status;

use super::{REFILL, Stage, nothing_in_memory};
use crate::one_shot::home::Home;

on_every_storage_and_server! {
    a_deferral_writes_nothing_and_runs_no_hook,
    a_parked_task_runs_once_however_often_its_process_dies,
    a_single_worker_serves_what_is_not_limited_meanwhile,
    a_key_without_budget_delays_no_other_key,
    slots_are_redeemed_in_their_order_and_none_is_booked_twice,
    a_parked_task_is_given_back_by_a_shutdown,
}

/// Core edge case 149; section 8.3.
async fn a_deferral_writes_nothing_and_runs_no_hook(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.throttled(&evertask, "slow a").await;
    stage.fence(&evertask).await;
    assert_eq!(stage.changes_of(id), 0);
    assert_eq!(stage.home.status(id).await, Status::Queued);
    assert_eq!(stage.diary.count("started 2"), 0);
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 1);
}

/// Core edge cases 149 and 41, scenario 42: limits are in memory, so each restart gives one call its budget
/// back, and the others wait again.
async fn a_parked_task_runs_once_however_often_its_process_dies(home: Home) {
    let stage = Stage::new(home);
    let mut evertask = stage.start().await;
    for number in 1..=5 {
        stage.call(&evertask, number, "slow a").await;
    }
    for number in 1..=3 {
        stage.diary.says(&format!("completed {number}")).await;
        stage.waiting(&evertask, 5 - number).await;
        stage.home.crash(evertask).await;
        evertask = stage.start().await;
    }
    stage.diary.says("completed 4").await;
    stage.waiting(&evertask, 1).await;
    stage.clock.advance(REFILL);
    stage.diary.says("completed 5").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1", "2", "3", "4", "5"]);
}

/// Core edge case 150.
async fn a_single_worker_serves_what_is_not_limited_meanwhile(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.throttled(&evertask, "slow a").await;
    for number in 10..15 {
        stage.call(&evertask, number, "free").await;
    }
    stage.diary.says("completed 14").await;
    assert_eq!(evertask.in_memory().throttled, 1);
    // Not even when the slot is next to now.
    stage
        .clock
        .advance(REFILL.saturating_sub(Duration::from_millis(1)));
    stage.fence(&evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 0);
    stage.clock.advance(Duration::from_millis(1));
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

/// Scenario 41.
async fn a_key_without_budget_delays_no_other_key(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    for number in 1..=5 {
        stage.call(&evertask, number, "slow a").await;
    }
    stage.call(&evertask, 6, "slow b").await;
    stage.diary.says("completed 6").await;
    stage.waiting(&evertask, 4).await;
    assert_eq!(stage.order(), ["1", "6"]);
    for number in 2..=5 {
        stage.clock.advance(REFILL);
        stage.diary.says(&format!("completed {number}")).await;
        stage.fence(&evertask).await;
        assert_eq!(stage.order().len(), number + 1);
    }
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
}

/// Core edge case 151.
async fn slots_are_redeemed_in_their_order_and_none_is_booked_twice(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let second = stage.throttled(&evertask, "slow a").await;
    let third = stage.call(&evertask, 3, "slow a").await;
    stage.waiting(&evertask, 2).await;
    let limits = evertask.limits();
    assert_eq!(limits.throttled_until(second), Some(stage.begun + REFILL));
    assert_eq!(
        limits.throttled_until(third),
        Some(stage.begun + 2 * REFILL)
    );
    // Late, and still not both at once.
    stage.clock.advance(Duration::from_secs(119));
    stage.diary.says("completed 2").await;
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1", "2"]);
    stage.clock.advance(Duration::from_secs(1));
    stage.fence(&evertask).await;
    // Its slot has come, but the one before was just served.
    assert_eq!(stage.order(), ["1", "2"]);
    stage.clock.advance(Duration::from_secs(59));
    stage.diary.says("completed 3").await;
    stage.home.shut_down(evertask).await;
}

async fn a_parked_task_is_given_back_by_a_shutdown(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.throttled(&evertask, "slow a").await;
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    let evertask = stage.start().await;
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}
