//! What is kept of waiting tasks in memory, and of keys, is bounded; what is said of them, too.

use std::time::Duration;

use evertask::limit::SharedLimiter;
use evertask::{LimitEventKind, Queue};

use super::{REFILL, Stage, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::one_shot::player::settle;
use crate::stage::soon;

on_every_storage_and_server! {
    when_no_more_can_be_parked_the_rest_waits_in_the_storage_and_each_runs_once,
    a_full_lot_holds_up_nothing_that_is_not_limited,
    keys_beyond_the_cap_run_without_limit_and_that_is_told,
    deferrals_are_told_at_once_and_then_together,
}

/// Core edge case 158.
async fn when_no_more_can_be_parked_the_rest_waits_in_the_storage_and_each_runs_once(home: Home) {
    let stage = Stage::new(home);
    let builder = stage
        .builder_with(Queue::new(Queue::DEFAULT).capacity(50))
        .max_throttled(2);
    let evertask = stage.started(builder).await;
    for number in 1..=6 {
        stage.call(&evertask, number, "slow a").await;
    }
    stage.diary.counts(2, "completed").await;
    // The start has made one run, too.
    for done in 3..=7 {
        settle(&evertask).await;
        assert!(evertask.in_memory().throttled <= 2);
        stage.clock.advance(REFILL);
        stage.diary.counts(done, "completed").await;
    }
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
    let mut order = stage.order();
    order.sort();
    assert_eq!(order, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(stage.diary.count("handle"), 7);
}

/// Section 8.5.
async fn a_full_lot_holds_up_nothing_that_is_not_limited(home: Home) {
    let stage = Stage::new(home);
    let builder = stage
        .builder_with(Queue::new(Queue::DEFAULT).capacity(50))
        .max_throttled(1);
    let evertask = stage.started(builder).await;
    for number in 1..=4 {
        stage.call(&evertask, number, "slow a").await;
    }
    for number in 10..20 {
        stage.call(&evertask, number, "free").await;
    }
    stage.call(&evertask, 20, "slow b").await;
    stage.diary.says("completed 19").await;
    stage.diary.says("completed 20").await;
    stage.home.shut_down(evertask).await;
}

/// Core edge case 152; section 8.2.
async fn keys_beyond_the_cap_run_without_limit_and_that_is_told(home: Home) {
    let stage = Stage::new(home);
    let builder = stage.builder().limiter(SharedLimiter::new(4));
    let evertask = stage.started(builder).await;
    let mut events = evertask.limit_events();
    for number in 0..16 {
        stage
            .call(&evertask, number, &format!("slow {number}"))
            .await;
    }
    stage.diary.counts(17, "completed").await;
    let overview = evertask.limits().overview(16).await.unwrap();
    assert_eq!((overview.tracked, overview.fail_opens), (4, 12));
    let mut told = 0;
    while told < 12 {
        let event = async { events.next().await.unwrap().kind };
        match soon(event).await {
            LimitEventKind::FailedOpen { count } => told += count,
            other => panic!("{other:?}"),
        }
        if told == 1 {
            stage.clock.pass(Duration::from_secs(30)).await;
        }
    }
    // Those that are tracked stay limited.
    stage.call(&evertask, 20, "slow 0").await;
    stage.waiting(&evertask, 1).await;
    stage.home.shut_down(evertask).await;
}

/// Core edge case 159.
async fn deferrals_are_told_at_once_and_then_together(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let mut events = evertask.limit_events();
    for number in 1..=7 {
        stage.call(&evertask, number, "slow a").await;
    }
    stage.waiting(&evertask, 6).await;
    let mut next = async || soon(events.next()).await.unwrap();
    let first = next().await;
    assert!(matches!(
        first.kind,
        LimitEventKind::Deferred { count: 1, .. }
    ));
    assert_eq!(
        first.scope.to_string(),
        r#"key "slow a" of task "test.call""#
    );
    stage.clock.pass(Duration::from_secs(30)).await;
    let second = next().await;
    let last = stage.begun + 6 * REFILL;
    let kind = LimitEventKind::Deferred {
        count: 5,
        next_slot: last,
    };
    assert_eq!(second.kind, kind);
    stage.home.shut_down(evertask).await;
}
