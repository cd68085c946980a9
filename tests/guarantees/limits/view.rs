//! What can be seen of limits.

use std::time::Duration;

use super::{REFILL, Stage};
use crate::one_shot::home::Home;

on_every_storage_and_server! {
    what_waits_for_budget_can_be_seen,
    a_backlog_after_a_restart_starts_without_a_burst_if_its_limit_says_so,
}

/// Storage scenario S30.
async fn what_waits_for_budget_can_be_seen(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let mut ids = Vec::new();
    for number in 1..=200 {
        ids.push(stage.call(&evertask, number, "ten T1").await);
    }
    stage.waiting(&evertask, 190).await;
    let limits = evertask.limits();
    let overview = limits.overview(10).await.unwrap();
    assert_eq!((overview.throttled, overview.tracked), (190, 1));
    let [busiest] = &*overview.busiest else {
        panic!("{overview:?}");
    };
    assert_eq!(busiest.parked, 190);
    assert_eq!(
        busiest.next_slot,
        Some(stage.begun + Duration::from_secs(6))
    );
    let until: Vec<_> = ids.iter().map(|id| limits.throttled_until(*id)).collect();
    assert_eq!(until[..10], [None; 10]);
    assert!(until[10..].is_sorted_by(|one, other| one < other));
    let changes: usize = ids[10..].iter().map(|id| stage.changes_of(*id)).sum();
    assert_eq!(changes, 0, "a deferral writes nothing");
    stage.home.shut_down(evertask).await;
}

/// Scenario 47.
async fn a_backlog_after_a_restart_starts_without_a_burst_if_its_limit_says_so(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    for number in 1..=3 {
        let later = evertask.dispatch(super::call(number, "empty a"));
        later.at(stage.begun + REFILL).await.unwrap();
    }
    stage.home.crash(evertask).await;
    stage.clock.advance(REFILL);
    let evertask = stage.start().await;
    stage.diary.says("completed 1").await;
    stage.waiting(&evertask, 2).await;
    for number in 2..=3 {
        stage.clock.advance(REFILL);
        stage.diary.says(&format!("completed {number}")).await;
        stage.fence(&evertask).await;
        assert_eq!(stage.order().len(), number);
    }
    stage.home.shut_down(evertask).await;
}
