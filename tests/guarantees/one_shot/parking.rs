//! What is kept of a task between two attempts: on its way through a park, a crash or a shutdown.

use std::time::Duration;

use evertask::time::Clock;
use evertask::{RetryPolicy, Status, TaskError};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::retry::{HALF, failed_attempts, failing};
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_long_delay_parks_the_task_and_frees_its_slot,
    a_parked_task_survives_restarts_with_its_count_and_its_failures,
    a_crash_between_two_attempts_keeps_their_count_and_their_failures,
    a_shutdown_between_two_attempts_keeps_their_count_and_their_failures,
}

fn long() -> RetryPolicy {
    RetryPolicy::Linear {
        retries: 2,
        delay: Duration::from_secs(1),
    }
}

/// The decisions on retries: from a second on the slot is free, the row stays in progress without an
/// owner, and coming back is no second start.
async fn a_long_delay_parks_the_task_and_frees_its_slot(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |number, context| async move {
        if number == 0 && context.attempt() < 3 {
            return Err(TaskError::transient(format!(
                "reason {}",
                context.attempt()
            )));
        }
        Ok(())
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask
        .dispatch(Numbered(0))
        .retry(long())
        .await
        .unwrap()
        .id;
    for attempt in 1..=2 {
        home.commits(1, failed_attempts(attempt)).await;
        let state = home.row(id).await.state;
        assert_eq!(state.status, Status::InProgress);
        assert_eq!(state.owner, None);
        assert_eq!(
            state.available_at,
            Some(clock.now() + Duration::from_secs(1))
        );
        evertask.dispatch(Numbered(attempt)).await.unwrap();
        diary.says(&format!("completed {attempt}")).await;
        clock.advance(Duration::from_secs(1));
        diary.says(&format!("handle 0.{}", attempt + 1)).await;
    }
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    let own: Vec<_> = diary.entries();
    let own: Vec<_> = own.iter().filter(|entry| entry.contains(" 0")).collect();
    assert_eq!(
        own,
        [
            "started 0",
            "handle 0.1",
            "retry 0.2 after 1s: transient: reason 1",
            "handle 0.2",
            "retry 0.3 after 1s: transient: reason 2",
            "handle 0.3",
            "completed 0"
        ]
    );
    let statuses = home.audited(id).await;
    assert_eq!(
        statuses,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
}

/// The decisions on retries, and weakness W7 of core: the count goes on, a restart does not begin
/// it anew.
async fn a_parked_task_survives_restarts_with_its_count_and_its_failures(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = failing(&diary);
    let start = async || player.at(&home).clock(clock.clone()).start().await.unwrap();
    let evertask = start().await;
    let id = evertask
        .dispatch(Numbered(0))
        .retry(long())
        .await
        .unwrap()
        .id;
    home.commits(1, failed_attempts(1)).await;
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(
        state.status,
        Status::InProgress,
        "a shutdown leaves it alone"
    );
    assert_eq!((state.attempts, state.owner), (1, None));

    let evertask = start().await;
    clock.advance(Duration::from_secs(1));
    home.commits(1, failed_attempts(2)).await;
    home.crash(evertask).await;
    clock.advance(Duration::from_secs(1));

    let evertask = start().await;
    diary.says("error 0: other: reason 3").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 3);
    assert_eq!(diary.count("retry"), 2);
    assert_eq!(diary.count("started"), 1);
    assert_lists(&home, id, 3).await;
}

async fn assert_lists(home: &Home, id: evertask::TaskId, failures: usize) {
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    let text = state.failure.unwrap().text;
    for attempt in 1..=failures {
        assert!(text.contains(&format!("reason {attempt}")), "{text}");
    }
    assert_eq!(text.matches("reason").count(), failures, "{text}");
}

/// The decision that retry state survives a crash, for a delay that is waited for in the slot.
async fn a_crash_between_two_attempts_keeps_their_count_and_their_failures(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = failing(&diary);
    let start = async || player.at(&home).clock(clock.clone()).start().await.unwrap();
    let evertask = start().await;
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    clock.pass(HALF).await;
    home.commits(1, failed_attempts(2)).await;
    clock.asked_for(HALF).await;
    home.crash(evertask).await;

    let evertask = start().await;
    clock.pass(HALF).await;
    diary.says("error 0: other: reason 4").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 4);
    for attempt in 1..=4 {
        assert_eq!(diary.count(&format!("handle 0.{attempt}")), 1);
    }
    assert_lists(&home, id, 4).await;
}

/// The same for an orderly end: between two attempts the task is stopped, which costs it none.
async fn a_shutdown_between_two_attempts_keeps_their_count_and_their_failures(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = failing(&diary);
    let start = async || {
        let builder = player.at(&home).clock(clock.clone());
        builder.drain(Duration::ZERO).start().await.unwrap()
    };
    let evertask = start().await;
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    clock.asked_for(HALF).await;
    home.shut_down(evertask).await;
    home.commits(1, becomes(Status::ServiceStopped)).await;
    assert_eq!(home.status(id).await, Status::ServiceStopped);
    let entries = diary.entries();
    let error = entries.last().unwrap();
    assert!(
        error.starts_with("error 0: stopped") && error.contains("reason 1"),
        "{error}"
    );

    let evertask = start().await;
    clock.pass(HALF).await;
    clock.pass(HALF).await;
    diary.says("error 0: other: reason 4").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 4);
    assert_lists(&home, id, 4).await;
}
