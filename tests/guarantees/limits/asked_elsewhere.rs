//! A limiter that has to be asked elsewhere: what happens while it is, and if it fails.

use std::sync::Arc;
use std::time::Duration;

use evertask::limit::{
    Budget, Decision, Demand, InvalidRateLimit, Limiter, LimiterError, MovedSlot, Overview,
    RateLimit, Reply, Request, SharedLimiter,
};
use evertask::time::Timestamp;
use evertask::{CancelOutcome, Scope, Status, TaskId};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{REFILL, Stage, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::stage::soon;

on_every_storage_and_server! {
    a_task_starts_when_its_limiter_has_answered,
    a_cancel_while_the_limiter_is_asked_prevents_the_run_and_the_failure,
    a_limiter_that_fails_lets_tasks_run,
    a_limiter_that_does_not_answer_lets_tasks_run,
}

/// Answers when the test says so, or fails.
#[derive(Clone, Debug)]
struct Distant {
    inner: Arc<SharedLimiter>,
    asked: Arc<watch::Sender<usize>>,
    opened: Arc<watch::Sender<bool>>,
    fails: Arc<Mutex<bool>>,
}

impl Distant {
    fn new() -> Self {
        Self {
            inner: Arc::default(),
            asked: Arc::new(watch::Sender::new(0)),
            opened: Arc::new(watch::Sender::new(false)),
            fails: Arc::default(),
        }
    }

    async fn is_asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        let enough = asked.wait_for(|asked| *asked >= times);
        drop(soon(enough).await.unwrap());
    }

    fn open(&self) {
        self.opened.send_replace(true);
    }
}

impl Limiter for Distant {
    fn acquire(&self, request: &Request<'_>, now: Timestamp) -> Reply<Decision> {
        self.asked.send_modify(|asked| *asked += 1);
        if *self.fails.lock() {
            return Reply::Pending(Box::pin(async { Err(LimiterError::new("out of order")) }));
        }
        let decision = self.inner.acquire(request, now);
        let mut opened = self.opened.subscribe();
        Reply::Pending(Box::pin(async move {
            opened.wait_for(|opened| *opened).await.ok();
            decision.wait().await
        }))
    }

    fn release(&self, id: TaskId, scopes: &[Scope<'_>], now: Timestamp) -> Reply<bool> {
        self.inner.release(id, scopes, now)
    }

    fn peek(&self, demand: &Demand<'_>, now: Timestamp) -> Reply<Budget> {
        self.inner.peek(demand, now)
    }

    fn pause(&self, demand: &Demand<'_>, until: Timestamp, now: Timestamp) -> Reply<bool> {
        self.inner.pause(demand, until, now)
    }

    fn reset(&self, scope: Scope<'_>, now: Timestamp) -> Reply<Vec<MovedSlot>> {
        self.inner.reset(scope, now)
    }

    fn change(
        &self,
        scope: Scope<'_>,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        self.inner.change(scope, limit, now)
    }

    fn change_keys_of(
        &self,
        task: &str,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        self.inner.change_keys_of(task, limit, now)
    }

    fn overview(&self, most: usize, now: Timestamp) -> Reply<Overview> {
        self.inner.overview(most, now)
    }
}

async fn a_task_starts_when_its_limiter_has_answered(home: Home) {
    let stage = Stage::new(home);
    let distant = Distant::new();
    let evertask = stage
        .started(stage.builder().limiter(distant.clone()))
        .await;
    stage.call(&evertask, 1, "slow a").await;
    distant.is_asked(1).await;
    assert_eq!(stage.diary.count("handle 1"), 0);
    distant.open();
    stage.diary.says("completed 1").await;
    stage.call(&evertask, 2, "slow a").await;
    stage.waiting(&evertask, 1).await;
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

/// Core edge case 154.
async fn a_cancel_while_the_limiter_is_asked_prevents_the_run_and_the_failure(home: Home) {
    for tenant in ["slow a", "hasty b", "curt c"] {
        let stage = Stage::new(home.clone());
        let distant = Distant::new();
        let evertask = stage
            .started(stage.builder().limiter(distant.clone()))
            .await;
        // The budget is spent, so the answer is a slot, or that it is refused.
        let scope = Scope::key("test.call", tenant).unwrap().unwrap();
        let limit = super::plan(tenant).unwrap();
        let demand = Demand::new(scope, &limit).unwrap();
        distant
            .inner
            .pause(&demand, stage.begun + REFILL, stage.begun)
            .wait()
            .await
            .unwrap();
        let id = stage.call(&evertask, 1, tenant).await;
        distant.is_asked(1).await;
        let cancelled = soon(evertask.cancel(id)).await.unwrap();
        assert_eq!(cancelled, CancelOutcome::Cancelled);
        distant.open();
        nothing_in_memory(&evertask).await;
        stage.home.shut_down(evertask).await;
        assert_eq!(stage.diary.count("handle 1"), 0);
        assert_eq!(home.status(id).await, Status::Cancelled);
    }
}

/// Section 8.8.
async fn a_limiter_that_fails_lets_tasks_run(home: Home) {
    let stage = Stage::new(home);
    let distant = Distant::new();
    *distant.fails.lock() = true;
    let evertask = stage
        .started(stage.builder().limiter(distant.clone()))
        .await;
    for number in 1..=3 {
        stage.call(&evertask, number, "slow a").await;
        stage.diary.says(&format!("completed {number}")).await;
    }
    stage.home.shut_down(evertask).await;
}

async fn a_limiter_that_does_not_answer_lets_tasks_run(home: Home) {
    let stage = Stage::new(home);
    let distant = Distant::new();
    let evertask = stage
        .started(stage.builder().limiter(distant.clone()))
        .await;
    stage.call(&evertask, 1, "slow a").await;
    stage.clock.pass(Duration::from_secs(5)).await;
    stage.diary.says("completed 1").await;
    stage.home.shut_down(evertask).await;
}
