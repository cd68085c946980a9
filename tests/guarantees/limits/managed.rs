//! Whatever can be done with a task that waits can be done with one that waits for its slot.

use evertask::{CancelOutcome, DispatchOutcome, ManageOutcome, ManageTask, Status};

use super::{REFILL, Stage, call, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::stage::soon;

on_every_storage_and_server! {
    a_parked_task_that_is_cancelled_never_runs_and_gives_its_slot_up,
    what_is_dispatched_again_while_it_is_parked_runs_once_with_the_latest_payload,
    a_parked_task_can_not_be_hurried_and_keeps_its_slot,
    a_paused_queue_starts_nothing_whose_slot_has_come,
}

/// Core edge case 155, scenario 42.
async fn a_parked_task_that_is_cancelled_never_runs_and_gives_its_slot_up(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.throttled(&evertask, "slow a").await;
    let cancelled = soon(evertask.cancel(id)).await.unwrap();
    assert_eq!(cancelled, CancelOutcome::Cancelled);
    nothing_in_memory(&evertask).await;
    let next = stage.call(&evertask, 3, "slow a").await;
    stage.waiting(&evertask, 1).await;
    // The slot that was given up.
    let slot = evertask.limits().throttled_until(next);
    assert_eq!(slot, Some(stage.begun + REFILL));
    stage.clock.advance(REFILL);
    stage.diary.says("completed 3").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1", "3"]);
    assert_eq!(stage.home.status(id).await, Status::Cancelled);
}

/// Core edge case 155, scenario 42.
async fn what_is_dispatched_again_while_it_is_parked_runs_once_with_the_latest_payload(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.call(&evertask, 1, "slow a").await;
    stage.diary.says("completed 1").await;
    let first = evertask.dispatch(call(2, "slow a")).key("k").await.unwrap();
    stage.waiting(&evertask, 1).await;
    let again = evertask.dispatch(call(3, "slow a")).key("k").await.unwrap();
    assert_eq!(
        (again.id, again.outcome),
        (first.id, DispatchOutcome::Updated)
    );
    // Its row is stored again, and passed over until there is budget.
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    for _ in 0..3 {
        stage.clock.advance(REFILL);
        stage.fence(&evertask).await;
    }
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order(), ["1", "3"]);
}

async fn a_parked_task_can_not_be_hurried_and_keeps_its_slot(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.throttled(&evertask, "slow a").await;
    let outcome = soon(evertask.manage(ManageTask::run_now(id))).await;
    // It is due already; what it waits for is its limit.
    assert!(matches!(outcome.unwrap(), ManageOutcome::Refused(_)));
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

async fn a_paused_queue_starts_nothing_whose_slot_has_come(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.throttled(&evertask, "slow a").await;
    let queue = evertask.queue("default");
    queue.pause().await.unwrap();
    stage.clock.advance(REFILL);
    stage.waiting(&evertask, 0).await;
    assert_eq!(stage.order(), ["1"]);
    queue.resume().await.unwrap();
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}
