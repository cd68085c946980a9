//! Attempts, the hooks around them, and what is kept of them across restarts.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{AttemptOutcome, FailureKind, Queue, RetryPolicy, Status, TaskError, TaskEventKind};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use crate::stage::{Numbered, event};

on_every_storage! {
    a_success_calls_its_hooks_in_order,
    a_task_that_always_fails_is_attempted_four_times_half_a_second_apart,
    a_policy_of_five_retries_makes_six_attempts,
    a_permanent_error_is_not_retried,
    a_panic_is_a_failure_and_is_retried,
    a_hook_that_fails_or_panics_changes_nothing,
    a_long_delay_parks_the_task_and_frees_its_slot,
    a_parked_task_survives_restarts_with_its_count_and_its_failures,
    a_crash_between_two_attempts_keeps_their_count_and_their_failures,
    a_shutdown_between_two_attempts_keeps_their_count_and_their_failures,
}

const HALF: Duration = Duration::from_millis(500);

/// A player that fails with the number of the attempt as its reason.
fn failing(diary: &Diary) -> Player {
    Player::new(diary, |_, context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    })
}

fn failed_attempts(count: u32) -> impl Fn(&Write, &Answer) -> bool {
    move |write, _| matches!(write, Write::Change(change) if change.state.attempts == count)
}

/// Core 1.3, the order after a success.
async fn a_success_calls_its_hooks_in_order(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.entries(), ["started 0", "handle 0.1", "completed 0"]);
    let attempt = home.attempts(id).await.remove(0);
    assert_eq!(
        (attempt.number, attempt.outcome),
        (1, AttemptOutcome::Succeeded)
    );
    assert_eq!(home.row(id).await.state.execution_time, Some(attempt.ran));
}

/// Core 1.3, 5.2 and core edge case 122: the default policy; each failure is stored before its
/// delay begins, the hook gets the last error and the row lists them all.
async fn a_task_that_always_fails_is_attempted_four_times_half_a_second_apart(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let evertask = failing(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
    for attempt in 1..=3 {
        clock.asked_for(HALF).await;
        home.commits(1, failed_attempts(attempt)).await;
        let state = home.row(id).await.state;
        assert_eq!(
            (state.status, state.attempts),
            (Status::InProgress, attempt)
        );
        assert_eq!(
            home.attempts(id).await.len(),
            usize::try_from(attempt).unwrap()
        );
        clock.advance(HALF);
    }
    let last = event(&mut events, |event| {
        matches!(event.kind, TaskEventKind::Failed(_))
    })
    .await;
    diary.counts(1, "error").await;
    home.shut_down(evertask).await;

    let mut order = vec!["started 0".to_owned(), "handle 0.1".to_owned()];
    for attempt in 2..=4 {
        let failed = attempt - 1;
        order.push(format!(
            "retry 0.{attempt} after 500ms: other: reason {failed}"
        ));
        order.push(format!("handle 0.{attempt}"));
    }
    order.push("error 0: other: reason 4".to_owned());
    assert_eq!(diary.entries(), order);
    let attempts = home.attempts(id).await;
    let gaps: Vec<_> = attempts
        .windows(2)
        .map(|pair| pair[1].started_at - pair[0].started_at)
        .collect();
    assert_eq!(gaps, [chrono::TimeDelta::milliseconds(500); 3]);
    let failure = home.row(id).await.state.failure.unwrap();
    for attempt in 1..=4 {
        assert!(
            failure.text.contains(&format!("reason {attempt}")),
            "{failure}"
        );
    }
    assert_eq!(last.kind, TaskEventKind::Failed(failure));
}

/// Core acceptance scenario 37, its linear part, and core edge case 117; the policy is the queue's.
async fn a_policy_of_five_retries_makes_six_attempts(home: Home) {
    let diary = Diary::default();
    let policy = RetryPolicy::Linear {
        retries: 5,
        delay: Duration::from_millis(5),
    };
    let queue = Queue::new("eager").retry(policy);
    let evertask = failing(&diary)
        .at(&home)
        .queue(queue)
        .start()
        .await
        .unwrap();
    let id = evertask.dispatch(Numbered(0)).queue("eager").await.unwrap();
    diary.says("error 0: other: reason 6").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 6);
    assert_eq!(diary.count("started"), 1);
    for (attempt, failed) in (2..=6).zip(1..) {
        diary
            .says(&format!(
                "retry 0.{attempt} after 5ms: other: reason {failed}"
            ))
            .await;
    }
    assert_eq!(diary.count("retry"), 5);
    let text = home.row(id).await.state.failure.unwrap().text;
    assert_eq!(text.matches("reason").count(), 6, "{text}");
}

/// Core edge case 118.
async fn a_permanent_error_is_not_retried(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, _| async { Err(TaskError::permanent("never")) });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("error 0: permanent: never").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.entries().len(), 3);
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.text.as_str()),
        (FailureKind::Permanent, "never")
    );
}

/// Core section 13: a panic is caught and is the failure of its attempt.
async fn a_panic_is_a_failure_and_is_retried(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |_, context| async move {
        assert_eq!(context.attempt(), 2, "the first time it panics");
        Ok(())
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
    clock.pass(HALF).await;
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    let attempts = home.attempts(id).await;
    let failure = attempts[0].failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Panicked);
    assert!(
        failure.text.contains("the first time it panics"),
        "{failure}"
    );
    assert_eq!(attempts[1].outcome, AttemptOutcome::Succeeded);
}

/// Core 1.3, last column, and core edge case 125.
async fn a_hook_that_fails_or_panics_changes_nothing(home: Home) {
    let diary = Diary::default();
    let handler = BadHooks(diary.clone());
    let evertask = evertask::EverTask::builder()
        .storage(home.clone())
        .handler(handler)
        .start()
        .await
        .unwrap();
    let mut ids = Vec::new();
    for number in 0..4 {
        let policy = RetryPolicy::Linear {
            retries: 1,
            delay: Duration::from_millis(1),
        };
        let task = evertask.dispatch(Numbered(number)).retry(policy);
        ids.push(task.await.unwrap());
    }
    diary.counts(4, "last hook").await;
    home.shut_down(evertask).await;
    let ends = [
        Status::Completed,
        Status::Completed,
        Status::Failed,
        Status::Failed,
    ];
    for (id, status) in ids.into_iter().zip(ends) {
        let state = home.row(id).await.state;
        assert_eq!(state.status, status);
        if let Some(failure) = state.failure {
            assert!(failure.text.contains("as the test wants"), "{failure}");
            assert!(!failure.text.contains("hook"), "{failure}");
        }
    }
    assert_eq!(diary.count("handle"), 2 + 4);
}

/// Even numbers panic in every hook, odd ones fail in it; from 2 on the handler fails too.
struct BadHooks(Diary);

impl BadHooks {
    fn misbehave(task: &Numbered) -> evertask::TaskResult {
        assert_ne!(task.0 % 2, 0, "a hook panics");
        Err(TaskError::other("a hook fails"))
    }
}

impl evertask::TaskHandler<Numbered> for BadHooks {
    async fn handle(&self, task: &Numbered, _: &evertask::TaskContext) -> evertask::TaskResult {
        self.0.note("handle");
        if task.0 >= 2 {
            return Err(TaskError::other("as the test wants"));
        }
        Ok(())
    }

    async fn on_started(&self, task: &Numbered, _: &evertask::TaskContext) -> evertask::TaskResult {
        Self::misbehave(task)
    }

    async fn on_retry(
        &self,
        task: &Numbered,
        _: &evertask::TaskContext,
        _: &evertask::Failure,
        _: Duration,
    ) -> evertask::TaskResult {
        Self::misbehave(task)
    }

    async fn on_completed(
        &self,
        task: &Numbered,
        _: &evertask::TaskContext,
    ) -> evertask::TaskResult {
        self.0.note("last hook");
        Self::misbehave(task)
    }

    async fn on_error(
        &self,
        task: &Numbered,
        _: &evertask::TaskContext,
        _: &evertask::Failure,
    ) -> evertask::TaskResult {
        self.0.note("last hook");
        Self::misbehave(task)
    }
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
    let id = evertask.dispatch(Numbered(0)).retry(long()).await.unwrap();
    for attempt in 1..=2 {
        home.commits(1, failed_attempts(attempt)).await;
        let state = home.row(id).await.state;
        assert_eq!(state.status, Status::InProgress);
        assert_eq!(state.owner, None);
        assert_eq!(
            state.available_at,
            Some(evertask::time::Clock::now(&clock) + Duration::from_secs(1))
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
    let id = evertask.dispatch(Numbered(0)).retry(long()).await.unwrap();
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
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
