//! A task that would wait too long, or does not wait at all.

use evertask::{DispatchError, FailureKind, Status};

use super::{REFILL, Stage, call, nothing_in_memory};
use crate::one_shot::home::Home;

on_every_storage_and_server! {
    a_task_beyond_the_horizon_fails_with_its_slot_and_never_runs,
    a_task_that_does_not_wait_fails_and_is_not_cancelled,
    what_costs_more_than_the_burst_is_refused_at_its_dispatch,
}

/// Scenario 43; section 8.6.
async fn a_task_beyond_the_horizon_fails_with_its_slot_and_never_runs(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.call(&evertask, 1, "hasty a").await;
    stage.diary.says("completed 1").await;
    let id = stage.call(&evertask, 2, "hasty a").await;
    stage.diary.counts(1, "error 2: rate_limited").await;
    let state = stage.home.row(id).await.state;
    let failure = state.failure.unwrap();
    assert_eq!(
        (state.status, failure.kind),
        (Status::Failed, FailureKind::RateLimited)
    );
    for part in ["hasty a", "2026-01-05 09:01:00", "horizon"] {
        assert!(failure.text.contains(part), "{failure}");
    }
    // Nothing was booked for it.
    stage.clock.advance(REFILL);
    stage.call(&evertask, 3, "hasty a").await;
    stage.diary.says("completed 3").await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 0);
}

/// Scenario 43.
async fn a_task_that_does_not_wait_fails_and_is_not_cancelled(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.call(&evertask, 1, "curt a").await;
    stage.diary.says("completed 1").await;
    let id = stage.call(&evertask, 2, "curt a").await;
    stage.diary.counts(1, "error 2: rate_limited").await;
    assert_eq!(stage.home.status(id).await, Status::Failed);
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 0);
}

async fn what_costs_more_than_the_burst_is_refused_at_its_dispatch(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    for cost in [0, 3] {
        let refused = evertask.dispatch(call(1, "two a")).limit_cost(cost).await;
        assert!(
            matches!(refused, Err(DispatchError::Limit(_))),
            "{refused:?}"
        );
    }
    evertask
        .dispatch(call(1, "two a"))
        .limit_cost(2)
        .await
        .unwrap();
    stage.diary.says("completed 1").await;
    stage.call(&evertask, 2, "two a").await;
    stage.waiting(&evertask, 1).await;
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}
