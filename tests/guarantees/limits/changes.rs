//! Limits that are changed, reset and paused while tasks wait.

use std::time::Duration;

use evertask::limit::RateLimit;
use evertask::{LimitError, Scope, TaskError};

use super::{Call, REFILL, Stage, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};

on_every_storage_and_server! {
    a_faster_limit_lets_those_who_wait_start_earlier,
    a_slower_limit_keeps_those_who_wait_for_longer,
    a_reset_gives_the_burst_back,
    a_handler_that_is_told_to_slow_down_pauses_its_key,
    the_limit_of_all_keys_is_changed_at_once,
    what_remains_is_asked_without_spending_it,
}

fn tenant(name: &str) -> Scope<'_> {
    Scope::key("test.call", name).unwrap().unwrap()
}

async fn a_faster_limit_lets_those_who_wait_start_earlier(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let id = stage.throttled(&evertask, "slow a").await;
    let limits = evertask.limits();
    let fast = RateLimit::new(1, REFILL / 6);
    limits.change(tenant("slow a"), fast).await.unwrap();
    stage.waiting(&evertask, 1).await;
    assert_eq!(limits.throttled_until(id), Some(stage.begun + REFILL / 6));
    stage.clock.advance(REFILL / 6);
    stage.diary.says("completed 2").await;
    // It stays so.
    assert_eq!(limits.limit(tenant("slow a")), Some(fast));
    stage.call(&evertask, 3, "slow a").await;
    stage.waiting(&evertask, 1).await;
    stage.clock.advance(REFILL / 6);
    stage.diary.says("completed 3").await;
    stage.home.shut_down(evertask).await;
}

async fn a_slower_limit_keeps_those_who_wait_for_longer(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.throttled(&evertask, "slow a").await;
    let limits = evertask.limits();
    let slow = RateLimit::new(1, 2 * REFILL);
    limits.change(tenant("slow a"), slow).await.unwrap();
    stage.clock.advance(REFILL);
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

async fn a_reset_gives_the_burst_back(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.throttled(&evertask, "slow a").await;
    evertask.limits().reset(tenant("slow a")).await.unwrap();
    stage.diary.says("completed 2").await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
}

async fn a_handler_that_is_told_to_slow_down_pauses_its_key(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number == 1 && context.attempt() == 1 {
            let time = Duration::from_mins(10);
            context.slow_down(time).await?;
            return Err(TaskError::retry_after(time, "too many requests"));
        }
        Ok(())
    });
    let stage = Stage::playing(home, diary, player);
    let evertask = stage.start().await;
    stage.call(&evertask, 1, "two a").await;
    stage.diary.says("handle 1.1").await;
    stage.call(&evertask, 2, "two a").await;
    stage.waiting(&evertask, 1).await;
    stage.call(&evertask, 3, "two b").await;
    stage.diary.says("completed 3").await;
    stage.clock.advance(Duration::from_mins(9));
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["3"]);
    stage.clock.advance(Duration::from_mins(1));
    stage.diary.says("completed 2").await;
    stage.clock.advance(Duration::from_mins(1));
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
}

async fn the_limit_of_all_keys_is_changed_at_once(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    stage.throttled(&evertask, "slow a").await;
    let fast = RateLimit::new(1, REFILL / 6);
    let task = <Call as evertask::Task>::NAME;
    evertask.limits().change_keys_of(task, fast).await.unwrap();
    stage.clock.advance(REFILL / 6);
    stage.diary.says("completed 2").await;
    // Of a key that had none, too.
    stage.call(&evertask, 3, "free").await;
    stage.call(&evertask, 4, "free").await;
    stage.waiting(&evertask, 1).await;
    stage.home.shut_down(evertask).await;
}

async fn what_remains_is_asked_without_spending_it(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let limits = evertask.limits();
    for _ in 0..3 {
        let budget = limits.remaining(tenant("two a")).await.unwrap();
        assert_eq!((budget.available, budget.parked), (2, 0));
    }
    let none = limits.remaining(Scope::task("test.call")).await;
    assert!(matches!(none, Err(LimitError::NotLimited(_))), "{none:?}");
    let senseless = RateLimit::per_minute(0);
    let refused = limits.change(tenant("two a"), senseless).await;
    assert!(
        matches!(refused, Err(LimitError::Invalid(_))),
        "{refused:?}"
    );
    stage.home.shut_down(evertask).await;
}
