//! The hook that says what follows, asked before the outcome is stored.

use evertask::{
    BlockingHandler, Builder, Dispatch, EverTask, FailureKind, Queue, RetryPolicy, Status, Task,
    TaskContext, TaskError, TaskHandler, TaskOutcome, TaskResult,
};
use serde::{Deserialize, Serialize};

use super::once_more;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;
use crate::stage::Numbered;

on_every_storage! {
    a_handler_is_asked_what_follows_before_its_outcome_is_stored,
    a_success_of_which_nobody_can_say_what_follows_is_a_failed_attempt,
    a_failure_of_which_nobody_can_say_what_follows_is_stored,
    a_blocking_handler_is_asked_as_well,
}

/// Has no handler.
#[derive(Debug, Deserialize, Serialize)]
struct Stranger;

impl Task for Stranger {
    const NAME: &'static str = "test.stranger";
}

/// Fails tasks from 50 on; what follows is ten more on success and one more on failure, and a task
/// that ends with 9 can't say.
#[derive(Clone)]
struct Foreman(Diary);

impl Foreman {
    fn at(&self, home: &Home) -> Builder {
        EverTask::builder()
            .storage(home.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(1))
            .handler(self.clone())
    }

    fn work(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        self.0
            .note(format!("handle {}.{}", task.0, context.attempt()));
        if task.0 >= 50 {
            return Err(TaskError::permanent("too much"));
        }
        Ok(())
    }

    fn follow(&self, task: &Numbered, context: &TaskContext, outcome: TaskOutcome<'_>) -> Named {
        self.0.note(format!("asked {}", task.0));
        assert!(task.0 % 100 != 9, "nobody knows");
        match outcome {
            _ if task.0 % 10 == 9 && context.attempt() == 1 => Ok(vec![Dispatch::new(Stranger)]),
            _ if task.0 % 10 == 9 => Err(TaskError::other("nobody knows")),
            TaskOutcome::Completed if task.0 < 20 => Ok(vec![Numbered(task.0 + 10).into()]),
            TaskOutcome::Failed(failure) => {
                assert_eq!(failure.kind, FailureKind::Permanent);
                Ok(vec![Numbered(task.0 % 50 + 20).into()])
            }
            _ => Ok(Vec::new()),
        }
    }
}

type Named = Result<Vec<Dispatch>, TaskError>;

impl TaskHandler<Numbered> for Foreman {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        self.work(task, context)
    }

    fn follow_ups(
        &self,
        task: &Numbered,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Named {
        self.follow(task, context, outcome)
    }

    async fn on_completed(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        self.0.note(format!("completed {}", task.0));
        Ok(())
    }

    async fn on_error(
        &self,
        task: &Numbered,
        _: &TaskContext,
        _: &evertask::Failure,
    ) -> TaskResult {
        self.0.note(format!("error {}", task.0));
        Ok(())
    }
}

impl BlockingHandler<Numbered> for Foreman {
    fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        self.work(task, context)
    }

    fn follow_ups(
        &self,
        task: &Numbered,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Named {
        self.follow(task, context, outcome)
    }
}

async fn a_handler_is_asked_what_follows_before_its_outcome_is_stored(home: Home) {
    let diary = Diary::default();
    let evertask = Foreman(diary.clone()).at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(1)).await.unwrap();
    diary.says("completed 21").await;
    evertask.dispatch(Numbered(51)).await.unwrap();
    diary.counts(2, "completed 21").await;
    home.shut_down(evertask).await;
    let first = ["handle 1.1", "asked 1", "completed 1"];
    assert_eq!(diary.entries()[..3], first);
    let failed: Vec<_> = diary
        .entries()
        .into_iter()
        .filter(|entry| entry.contains("51"))
        .collect();
    assert_eq!(failed, ["handle 51.1", "asked 51", "error 51"]);
}

/// One that panics, and one that names what can't be dispatched and then fails.
async fn a_success_of_which_nobody_can_say_what_follows_is_a_failed_attempt(home: Home) {
    let diary = Diary::default();
    let evertask = Foreman(diary.clone()).at(&home).start().await.unwrap();
    let panics = evertask.dispatch(Numbered(9)).retry(RetryPolicy::None);
    let panics = panics.await.unwrap().id;
    let fails = evertask.dispatch(Numbered(19)).retry(once_more());
    let fails = fails.await.unwrap().id;
    diary.says("error 9").await;
    diary.says("error 19").await;
    home.shut_down(evertask).await;
    let failure = home.row(panics).await.state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Panicked);
    let stored = home.attempts(fails).await;
    let kinds = stored
        .iter()
        .map(|attempt| attempt.failure.as_ref().unwrap().kind);
    assert_eq!(kinds.collect::<Vec<_>>(), [FailureKind::Permanent]);
    assert_eq!(home.status(fails).await, Status::Failed);
    assert_eq!(diary.count("completed"), 0);
}

async fn a_failure_of_which_nobody_can_say_what_follows_is_stored(home: Home) {
    let diary = Diary::default();
    let evertask = Foreman(diary.clone()).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(109)).await.unwrap().id;
    diary.says("error 109").await;
    home.shut_down(evertask).await;
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.to_string(), "permanent: too much");
}

async fn a_blocking_handler_is_asked_as_well(home: Home) {
    let diary = Diary::default();
    let evertask = EverTask::builder()
        .storage(home.clone())
        .blocking_handler(Foreman(diary.clone()));
    let evertask = evertask.start().await.unwrap();
    evertask.dispatch(Numbered(1)).await.unwrap();
    diary.says("asked 21").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 3);
}
