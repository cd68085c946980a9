//! When a failure is followed by another attempt: policies, filters, what handlers ask for, deadlines.

mod deadlines;
mod filters;
mod hooks;
mod inheritance;
mod policies;
mod snoozing;
mod timeouts;

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{
    Builder, EverTask, Failure, Queue, Task, TaskContext, TaskHandler, TaskId, TaskResult,
};
use futures::future::BoxFuture;

use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

/// A delay that is over at once and passes in the slot.
const BLINK: Duration = Duration::from_millis(1);

/// Makes a kind of task whose options are what a test is about.
macro_rules! kind {
    ($kind:ident, $options:expr) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct $kind;

        impl evertask::Task for $kind {
            const NAME: &'static str = concat!("test.", stringify!($kind));

            fn options() -> evertask::TaskOptions {
                $options
            }
        }
    };
}
use kind;

type Body = dyn Fn(TaskContext) -> BoxFuture<'static, TaskResult> + Send + Sync;

/// Plays the body of a test for any kind of task.
///
/// The diary reads `started`, `handle ATTEMPT`, `retry NUMBER after DELAY: FAILURE`, `completed` and
/// `error: FAILURE`.
#[derive(Clone)]
struct Actor {
    diary: Diary,
    body: Arc<Body>,
}

impl Actor {
    fn new<F>(diary: &Diary, body: impl Fn(TaskContext) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        Self {
            diary: diary.clone(),
            body: Arc::new(move |context| Box::pin(body(context))),
        }
    }

    fn at<T: Task>(&self, home: &Home) -> Builder {
        EverTask::builder()
            .storage(home.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(50))
            .handler_for::<T, _>(self.clone())
    }
}

impl<T: Task> TaskHandler<T> for Actor {
    async fn handle(&self, _: &T, context: &TaskContext) -> TaskResult {
        self.diary.note(format!("handle {}", context.attempt()));
        (self.body)(context.clone()).await
    }

    async fn on_started(&self, _: &T, _: &TaskContext) -> TaskResult {
        self.diary.note("started");
        Ok(())
    }

    async fn on_retry(
        &self,
        _: &T,
        context: &TaskContext,
        failure: &Failure,
        delay: Duration,
    ) -> TaskResult {
        let retry = context.retry();
        self.diary
            .note(format!("retry {retry} after {delay:?}: {failure}"));
        Ok(())
    }

    async fn on_completed(&self, _: &T, _: &TaskContext) -> TaskResult {
        self.diary.note("completed");
        Ok(())
    }

    async fn on_error(&self, _: &T, _: &TaskContext, failure: &Failure) -> TaskResult {
        self.diary.note(format!("error: {failure}"));
        Ok(())
    }
}

/// Waits until the only task of a home has ended, and answers how often its handler was entered.
async fn bodies_until_over(diary: &Diary) -> usize {
    diary
        .has(|entry| entry == "completed" || entry.starts_with("error"))
        .await;
    diary.count("handle")
}

/// Picks the writes that free the slot of a task that is to be retried.
fn parks(write: &Write, _: &Answer) -> bool {
    // With its attempt: one that lets go of a row between two attempts looks the same otherwise.
    matches!(write, Write::Change(change)
        if change.state.owner.is_none()
            && change.state.retry_delay.is_some()
            && !change.attempts.is_empty())
}

/// Asserts that the stored failure lists that many attempts.
async fn assert_lists(home: &Home, id: TaskId, attempts: u32) {
    let failure = home.row(id).await.state.failure.unwrap();
    let text = &failure.text;
    assert!(
        text.starts_with(&format!("all {attempts} attempts failed")),
        "{text}"
    );
    assert_eq!(text.lines().count(), attempts as usize + 1, "{text}");
}
