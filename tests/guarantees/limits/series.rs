//! A series under a limit goes on, however little budget it has.

use std::time::Duration;

use chrono::TimeDelta;
use evertask::{EverTask, RetryPolicy, Status, TaskError, TaskId};

use super::{REFILL, Stage, call};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player, settle};

on_every_storage_and_server! {
    an_occurrence_that_waits_for_budget_runs_as_the_one_it_is,
    an_occurrence_whose_slot_is_the_end_is_too_late,
    a_series_that_recurs_faster_than_its_refill_asks_about_once_per_refill,
    occurrences_without_budget_are_not_counted_as_runs,
    a_retry_without_budget_skips_the_occurrence,
}

impl Stage {
    /// Begins a series of call 2 for a tenant, every so many seconds.
    async fn series(&self, evertask: &EverTask, tenant: &str, seconds: u64) -> TaskId {
        let series = evertask
            .dispatch(call(2, tenant))
            .every(Duration::from_secs(seconds));
        series.await.unwrap().id
    }

    /// Lets the time pass in steps of a second.
    async fn run_for(&self, evertask: &EverTask, time: Duration) {
        for _ in 0..time.as_secs() {
            self.clock.advance(Duration::from_secs(1));
            settle(evertask).await;
        }
    }
}

/// Section 8.3: its own scheduled time is untouched.
async fn an_occurrence_that_waits_for_budget_runs_as_the_one_it_is(home: Home) {
    let diary = Diary::default();
    let pages = diary.clone();
    let player = Player::new(&diary, move |_, context| {
        let pages = pages.clone();
        async move {
            if let Some(run) = context.series_run() {
                pages.note(format!("scheduled at {}", run.scheduled_at));
            }
            Ok(())
        }
    });
    let stage = Stage::playing(home, diary, player);
    let evertask = stage.start().await;
    let id = stage.series(&evertask, "slow a", 50).await;
    stage.diary.says("completed 2").await;
    // The second one is due ten seconds before there is budget.
    stage.clock.advance(Duration::from_secs(50));
    stage.waiting(&evertask, 1).await;
    assert_eq!(stage.home.row(id).await.state.run_count, 1);
    stage.clock.advance(Duration::from_secs(10));
    stage.diary.counts(2, "completed 2").await;
    let scheduled = stage.begun + Duration::from_secs(50);
    assert_eq!(stage.diary.count(&format!("scheduled at {scheduled}")), 1);
    stage.home.shut_down(evertask).await;
}

/// Core edge case 153.
async fn an_occurrence_whose_slot_is_the_end_is_too_late(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let end = stage.begun + TimeDelta::seconds(60);
    let series = evertask.dispatch(call(2, "slow a"));
    let series = series.every(Duration::from_secs(50)).run_until(end);
    let id = series.await.unwrap().id;
    stage.diary.says("completed 2").await;
    // Its slot would be at 60 seconds, which is when the series ends.
    stage.clock.advance(Duration::from_secs(50));
    stage.home.commits(2, becomes(Status::Completed)).await;
    stage.run_for(&evertask, Duration::from_secs(30)).await;
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.next_run_at), (Status::Completed, None));
    assert_eq!((state.run_count, stage.diary.count("handle 2")), (1, 1));
}

/// Core edge case 156.
async fn a_series_that_recurs_faster_than_its_refill_asks_about_once_per_refill(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    // Not every second: on a slow machine, a claim that takes longer than that finds it overtaken.
    let id = stage.series(&evertask, "hasty a", 15).await;
    for _ in 0..5 {
        stage.run_for(&evertask, REFILL).await;
    }
    stage.diary.counts(5, "completed 2").await;
    let runs = stage.diary.count("completed 2");
    let changes = stage.changes_of(id);
    stage.home.shut_down(evertask).await;
    assert!((5..=6).contains(&runs), "{runs} runs");
    // Of each run its start, its outcome and one for what it leaves out, at most.
    assert!(changes <= 4 * runs, "{changes} changes for {runs} runs");
    assert_eq!(stage.diary.count("error 2"), 0);
}

/// Scenario 43.
async fn occurrences_without_budget_are_not_counted_as_runs(home: Home) {
    let stage = Stage::new(home);
    let evertask = stage.start().await;
    let series = evertask.dispatch(call(2, "hasty a"));
    let series = series.every(Duration::from_secs(20)).max_runs(3);
    let id = series.await.unwrap().id;
    stage.run_for(&evertask, 5 * REFILL).await;
    stage.diary.counts(3, "completed 2").await;
    stage.run_for(&evertask, REFILL).await;
    stage.home.shut_down(evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.run_count), (Status::Completed, 3));
    assert_eq!(stage.diary.count("handle 2"), 3);
    assert_eq!(stage.diary.count("error 2"), 0);
}

/// Core edge case 157.
async fn a_retry_without_budget_skips_the_occurrence(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, context| async move {
        let number = context.series_run().and_then(|run| run.number);
        if number == Some(1) && context.attempt() == 1 && context.get::<()>().is_none() {
            context.put(());
            return Err(TaskError::other("the first time"));
        }
        Ok(())
    });
    let stage = Stage::playing(home, diary, player);
    let evertask = stage.start().await;
    let delay = Duration::from_millis(100);
    let series = evertask
        .dispatch(call(2, "hasty a"))
        .retry(RetryPolicy::Linear { retries: 3, delay })
        .every(Duration::from_secs(20));
    let id = series.await.unwrap().id;
    stage.diary.says("handle 2.1").await;
    stage.clock.pass(delay).await;
    stage.home.commits(1, becomes(Status::WaitingQueue)).await;
    settle(&evertask).await;
    let state = stage.home.row(id).await.state;
    assert_eq!((state.status, state.attempts), (Status::WaitingQueue, 0));
    assert_eq!((state.run_count, state.failure), (0, None));
    // The first occurrence that is not before the slot.
    let next = stage.begun + REFILL;
    assert_eq!(state.next_run_at, Some(next));
    assert_eq!(stage.diary.count("error 2"), 0);
    stage.home.shut_down(evertask).await;
}
