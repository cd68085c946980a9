//! Attempts, the hooks around them, and what is kept of them across restarts.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{AttemptOutcome, FailureKind, Queue, RetryPolicy, Status, TaskError, TaskEventKind};

use super::clock::StagedClock;
use super::home::Home;
use super::player::{Diary, Player};
use crate::stage::{Numbered, event};

on_every_storage! {
    a_success_calls_its_hooks_in_order,
    a_task_that_always_fails_is_attempted_four_times_half_a_second_apart,
    a_policy_of_five_retries_makes_six_attempts,
    a_permanent_error_is_not_retried,
    a_panic_is_a_failure_and_is_retried,
    a_hook_that_fails_or_panics_changes_nothing,
}

pub(super) const HALF: Duration = Duration::from_millis(500);

/// A player that fails with the number of the attempt as its reason.
pub(super) fn failing(diary: &Diary) -> Player {
    Player::new(diary, |_, context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    })
}

pub(super) fn failed_attempts(count: u32) -> impl Fn(&Write, &Answer) -> bool {
    move |write, _| matches!(write, Write::Change(change) if change.state.attempts == count)
}

/// Core 1.3, the order after a success.
async fn a_success_calls_its_hooks_in_order(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
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
    let id = evertask
        .dispatch(Numbered(0))
        .queue("eager")
        .await
        .unwrap()
        .id;
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
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
        ids.push(task.await.unwrap().id);
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
