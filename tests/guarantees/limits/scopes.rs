//! Limits of queues and of whole types, alone and together with those of keys.

use evertask::limit::RateLimit;
use evertask::{Queue, Scope};

use super::{FENCE, REFILL, Stage, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_queue_starts_no_more_than_its_limit_whatever_is_in_it,
    a_type_starts_no_more_than_its_limit_in_whatever_queues,
    a_task_with_several_limits_starts_when_all_let_it,
    the_same_key_of_another_type_has_a_budget_of_its_own,
}

async fn a_queue_starts_no_more_than_its_limit_whatever_is_in_it(home: Home) {
    let stage = Stage::new(home);
    let calm = Queue::new("calm").rate_limit(RateLimit::per_minute(1));
    let evertask = stage.started(stage.builder().queue(calm)).await;
    evertask.dispatch(Numbered(1)).queue("calm").await.unwrap();
    stage.diary.says("completed 1").await;
    evertask
        .dispatch(super::call(2, "free"))
        .queue("calm")
        .await
        .unwrap();
    stage.waiting(&evertask, 1).await;
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

async fn a_type_starts_no_more_than_its_limit_in_whatever_queues(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage
        .started(stage.builder().queue(Queue::new("other")))
        .await;
    let of_type = Scope::task("test.call");
    let limit = RateLimit::per_minute(1);
    evertask.limits().change(of_type, limit).await.unwrap();
    stage.call(&evertask, 1, "free").await;
    stage.diary.says("completed 1").await;
    evertask
        .dispatch(super::call(2, "free"))
        .queue("other")
        .await
        .unwrap();
    stage.waiting(&evertask, 1).await;
    stage.fence(&evertask).await;
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

async fn a_task_with_several_limits_starts_when_all_let_it(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let limit = RateLimit::new(1, REFILL / 2);
    let of_type = Scope::task("test.call");
    evertask.limits().change(of_type, limit).await.unwrap();
    stage.call(&evertask, 1, "slow a").await;
    stage.diary.says("completed 1").await;
    stage.call(&evertask, 2, "slow a").await;
    stage.waiting(&evertask, 1).await;
    // It waits for its key, so another one has the budget of the type meanwhile.
    stage.call(&evertask, 3, "slow b").await;
    stage.waiting(&evertask, 2).await;
    stage.clock.advance(REFILL / 2);
    stage.diary.says("completed 3").await;
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1", "3"]);
    stage.clock.advance(REFILL / 2);
    stage.diary.says("completed 2").await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
}

/// Section 8.1.
async fn the_same_key_of_another_type_has_a_budget_of_its_own(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let of_numbers = Scope::key("test.numbered", "slow a").unwrap().unwrap();
    let limit = RateLimit::per_minute(1);
    evertask.limits().change(of_numbers, limit).await.unwrap();
    stage.call(&evertask, 1, "slow a").await;
    stage.diary.says("completed 1").await;
    evertask
        .dispatch(Numbered(FENCE))
        .limit_key("slow a")
        .await
        .unwrap();
    stage.diary.says("completed 99").await;
    evertask
        .dispatch(Numbered(2))
        .limit_key("slow a")
        .await
        .unwrap();
    stage.call(&evertask, 3, "slow a").await;
    stage.waiting(&evertask, 2).await;
    stage.home.shut_down(evertask).await;
}
