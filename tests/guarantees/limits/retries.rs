//! A retry needs budget too, holds no worker while it waits for it, and loses no attempt.

use std::time::Duration;

use evertask::{EverTask, FailureKind, RetryPolicy, Status, TaskError, TaskId};

use super::{REFILL, Stage, call, nothing_in_memory};
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};

on_every_storage_and_server! {
    each_retry_waits_for_its_budget_and_runs_no_hook_twice,
    a_failing_task_fails_after_its_attempts_however_often_it_is_parked,
    a_retry_that_waits_for_budget_stays_in_progress_and_holds_no_worker,
    a_parked_retry_goes_on_with_its_attempts_after_a_crash,
    retries_that_need_no_budget_wait_for_none,
    a_retry_without_budget_in_time_fails_with_what_went_before,
    a_retry_that_is_cancelled_while_it_is_parked_never_runs,
}

/// A wait in the slot.
const DELAY: Duration = Duration::from_millis(100);

/// A stage on which call 2 fails that many times; the others succeed.
fn failing(home: Home, times: u32) -> Stage {
    let diary = Diary::default();
    let player = Player::new(&diary, move |number, context| async move {
        if number == 2 && context.attempt() <= times {
            return Err(TaskError::other(format!("failure {}", context.attempt())));
        }
        Ok(())
    });
    Stage::playing(home, diary, player)
}

impl Stage {
    /// Dispatches call 2 with that many retries.
    async fn retried(&self, evertask: &EverTask, tenant: &str, retries: u32) -> TaskId {
        let policy = RetryPolicy::Linear {
            retries,
            delay: DELAY,
        };
        // The time of an attempt begins when it has its budget.
        let request = evertask.dispatch(call(2, tenant)).retry(policy);
        let dispatched = request.timeout(Duration::from_secs(10)).await;
        dispatched.unwrap().id
    }

    /// Lets a failed attempt wait out its delay.
    async fn past_delay(&self) {
        self.clock.pass(DELAY).await;
    }
}

/// Scenario 45.
async fn each_retry_waits_for_its_budget_and_runs_no_hook_twice(home: Home) {
    let stage = failing(home, 2);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "slow a", 3).await;
    for attempt in 1..=2 {
        stage.diary.says(&format!("handle 2.{attempt}")).await;
        stage.past_delay().await;
        stage.waiting(&evertask, 1).await;
        stage
            .clock
            .advance(REFILL.saturating_sub(DELAY + Duration::from_millis(1)));
        stage.fence(&evertask).await;
        assert_eq!(stage.diary.count("handle 2"), attempt);
        stage.clock.advance(Duration::from_millis(1));
    }
    stage.diary.says("completed 2").await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("started 2"), 1);
    assert_eq!(stage.home.status(id).await, Status::Completed);
    assert_eq!(stage.home.attempts(id).await.len(), 3);
}

/// Core edge case 160.
async fn a_failing_task_fails_after_its_attempts_however_often_it_is_parked(home: Home) {
    let stage = failing(home, u32::MAX);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "slow a", 3).await;
    for attempt in 1..=3 {
        stage.diary.says(&format!("handle 2.{attempt}")).await;
        stage.past_delay().await;
        stage.waiting(&evertask, 1).await;
        stage.clock.advance(REFILL);
    }
    stage.diary.counts(1, "error 2").await;
    nothing_in_memory(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 4);
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.attempts), (Status::Failed, 4));
    let failure = state.failure.unwrap();
    for number in 1..=4 {
        let said = failure.text.contains(&format!("failure {number}"));
        assert!(said, "{failure}");
    }
}

/// Section 8.3.
async fn a_retry_that_waits_for_budget_stays_in_progress_and_holds_no_worker(home: Home) {
    let stage = failing(home, 1);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "slow a", 3).await;
    stage.diary.says("handle 2.1").await;
    stage.past_delay().await;
    stage.waiting(&evertask, 1).await;
    let before = stage.changes_of(id);
    stage.fence(&evertask).await;
    assert_eq!(stage.changes_of(id), before);
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.attempts), (Status::InProgress, 1));
    stage.clock.advance(REFILL);
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

async fn a_parked_retry_goes_on_with_its_attempts_after_a_crash(home: Home) {
    let stage = failing(home, u32::MAX);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "slow a", 1).await;
    stage.diary.says("handle 2.1").await;
    stage.past_delay().await;
    stage.waiting(&evertask, 1).await;
    stage.home.crash(evertask).await;
    let evertask = stage.start().await;
    stage.diary.says("handle 2.2").await;
    stage.diary.counts(1, "error 2").await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.home.status(id).await, Status::Failed);
}

/// Scenario 45.
async fn retries_that_need_no_budget_wait_for_none(home: Home) {
    let stage = failing(home, 2);
    let evertask = stage.start().await;
    stage.retried(&evertask, "lenient a", 3).await;
    stage.past_delay().await;
    stage.past_delay().await;
    stage.diary.says("completed 2").await;
    stage.home.shut_down(evertask).await;
}

/// Section 8.7.
async fn a_retry_without_budget_in_time_fails_with_what_went_before(home: Home) {
    let stage = failing(home, u32::MAX);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "hasty a", 3).await;
    stage.past_delay().await;
    stage.diary.counts(1, "error 2: rate_limited").await;
    stage.home.shut_down(evertask).await;
    let failure = stage.home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::RateLimited);
    assert!(failure.text.contains("failure 1"), "{failure}");
    assert_eq!(stage.diary.count("handle 2"), 1);
}

async fn a_retry_that_is_cancelled_while_it_is_parked_never_runs(home: Home) {
    let stage = failing(home, u32::MAX);
    let evertask = stage.start().await;
    let id = stage.retried(&evertask, "slow a", 3).await;
    stage.past_delay().await;
    stage.waiting(&evertask, 1).await;
    evertask.cancel(id).await.unwrap();
    nothing_in_memory(&evertask).await;
    stage.clock.advance(REFILL);
    stage.fence(&evertask).await;
    stage.home.shut_down(evertask).await;
    assert_eq!(stage.diary.count("handle 2"), 1);
    assert_eq!(stage.home.status(id).await, Status::Cancelled);
}
