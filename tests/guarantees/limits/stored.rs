//! A stored backlog without budget is in nobody's way, and is taken when there is budget again.

use std::time::Duration;

use evertask::limit::RateLimit;
use evertask::storage::Answer;
use evertask::{EverTask, Queue, Scope};

use super::{REFILL, Stage, call, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::one_shot::player::settle;
use crate::stage::soon;

on_every_storage_and_server! {
    a_stored_backlog_of_a_key_without_budget_is_passed_over,
    a_stored_backlog_is_passed_over_where_nothing_is_held_ahead,
    a_live_dispatch_does_not_overtake_stored_rows_of_its_key,
    a_stored_backlog_of_a_type_without_budget_is_passed_over,
    a_stored_backlog_of_a_queue_without_budget_waits_for_it,
    a_stored_backlog_is_taken_as_soon_as_its_limit_is_raised,
}

/// How long before it is due a task is held in memory, by default.
const HORIZON: Duration = Duration::from_millis(100);

/// How many tasks the window holds, beside the one that runs.
const WINDOW: usize = 4;

/// How many calls are stored ahead of the others.
const BACKLOG: u32 = 30;

impl Stage {
    /// A runtime with a small window and a backlog of calls that are stored already; two of them have
    /// budget at once.
    async fn with_backlog(&self, tenant: &str) -> EverTask {
        self.with_backlog_and(HORIZON, tenant).await
    }

    async fn with_backlog_and(&self, horizon: Duration, tenant: &str) -> EverTask {
        let evertask = self.narrow(horizon).await;
        let queue = evertask.queue("default");
        queue.pause().await.unwrap();
        for number in 1..=BACKLOG {
            self.call(&evertask, number, tenant).await;
        }
        evertask
    }

    async fn narrow(&self, horizon: Duration) -> EverTask {
        let builder = self.builder_with(Queue::new(Queue::DEFAULT).capacity(WINDOW));
        let calm = Queue::new("calm").capacity(WINDOW);
        self.started(builder.queue(calm).horizon(horizon)).await
    }

    /// How many rows claims have taken of the backlog.
    fn taken(&self) -> usize {
        let committed = self.home.committed();
        let claims = committed.iter().filter_map(|(_, answer)| match answer {
            Answer::Claim(claim) => Some(claim),
            _ => None,
        });
        let tasks = claims.flat_map(|claim| &claim.tasks);
        let limited = tasks.filter(|task| task.record.definition.limit_key.is_some());
        limited.count()
    }

    /// Lets the time pass until every call of the backlog has run.
    async fn drained(&self, evertask: &EverTask) {
        self.passing(evertask, BACKLOG).await;
        nothing_in_memory(evertask).await;
    }

    /// Lets the time pass until a call has run.
    async fn passing(&self, evertask: &EverTask, number: u32) {
        let last = format!("completed {number}");
        let over = async {
            while self.diary.count(&last) == 0 {
                self.clock.advance(REFILL);
                settle(evertask).await;
            }
        };
        soon(over).await;
    }
}

async fn a_stored_backlog_of_a_key_without_budget_is_passed_over(home: Home) {
    passed_over(home, HORIZON).await;
}

async fn a_stored_backlog_is_passed_over_where_nothing_is_held_ahead(home: Home) {
    passed_over(home, Duration::ZERO).await;
}

async fn passed_over(home: Home, horizon: Duration) {
    let stage = Stage::new(home);
    let evertask = stage.with_backlog_and(horizon, "two a").await;
    for number in 101..=110 {
        stage
            .call(&evertask, number, &format!("slow {number}"))
            .await;
    }
    evertask.queue("default").resume().await.unwrap();
    stage.diary.says("completed 110").await;
    settle(&evertask).await;
    let window = 2 * (WINDOW + 1);
    assert!(evertask.in_memory().throttled <= window);
    assert!(stage.taken() <= window + 12, "{} rows", stage.taken());
    stage.drained(&evertask).await;
    stage.home.shut_down(evertask).await;
    let order = stage.order();
    let of_a: Vec<u32> = order.iter().map(|number| number.parse().unwrap()).collect();
    let of_a: Vec<_> = of_a
        .into_iter()
        .filter(|number| *number <= BACKLOG)
        .collect();
    assert_eq!(of_a, (1..=BACKLOG).collect::<Vec<_>>());
}

async fn a_live_dispatch_does_not_overtake_stored_rows_of_its_key(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.with_backlog("two a").await;
    evertask.queue("default").resume().await.unwrap();
    stage.diary.says("completed 2").await;
    settle(&evertask).await;
    stage.call(&evertask, 200, "two a").await;
    stage.call(&evertask, 201, "two b").await;
    stage.diary.says("completed 201").await;
    stage.passing(&evertask, 200).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.order().last().unwrap(), "200");
}

async fn a_stored_backlog_of_a_type_without_budget_is_passed_over(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.with_backlog("free").await;
    let limit = RateLimit::per_minute(1);
    let of_type = Scope::task("test.call");
    evertask.limits().change(of_type, limit).await.unwrap();
    evertask.queue("default").resume().await.unwrap();
    stage.diary.says("completed 1").await;
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    stage.drained(&evertask).await;
    stage.home.shut_down(evertask).await;
}

async fn a_stored_backlog_of_a_queue_without_budget_waits_for_it(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.narrow(HORIZON).await;
    let of_queue = Scope::queue("calm");
    let limit = RateLimit::per_minute(1);
    evertask.limits().change(of_queue, limit).await.unwrap();
    evertask.queue("calm").pause().await.unwrap();
    for number in 1..=BACKLOG {
        let dispatched = evertask.dispatch(call(number, "free")).queue("calm");
        dispatched.await.unwrap();
    }
    evertask.queue("calm").resume().await.unwrap();
    stage.diary.says("completed 1").await;
    stage.fence(&evertask).await;
    assert_eq!(stage.order(), ["1"]);
    assert!(evertask.in_memory().throttled <= 2 * (WINDOW + 1));
    stage.drained(&evertask).await;
    stage.home.shut_down(evertask).await;
}

async fn a_stored_backlog_is_taken_as_soon_as_its_limit_is_raised(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.with_backlog("two a").await;
    evertask.queue("default").resume().await.unwrap();
    stage.diary.says("completed 2").await;
    settle(&evertask).await;
    let tenant = Scope::key("test.call", "two a").unwrap().unwrap();
    let limit = RateLimit::per_second(1_000);
    evertask.limits().change(tenant, limit).await.unwrap();
    stage.drained(&evertask).await;
    stage.home.shut_down(evertask).await;
}
