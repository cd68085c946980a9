//! A handler that does what a test tells it, and keeps a diary.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evertask::{Builder, EverTask, Failure, Queue, TaskContext, TaskHandler, TaskResult};
use futures::future::BoxFuture;
use tokio::sync::watch;

use super::home::Home;
use super::row::id_of;
use crate::stage::{Numbered, soon};

/// What a handler and its hooks did, in order, across restarts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<watch::Sender<Vec<String>>>);

impl Diary {
    pub(crate) fn note(&self, entry: impl Into<String>) {
        let entry = entry.into();
        self.0.send_modify(|entries| entries.push(entry));
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// How many entries begin so.
    pub(crate) fn count(&self, start: &str) -> usize {
        let entries = self.0.borrow();
        entries
            .iter()
            .filter(|entry| entry.starts_with(start))
            .count()
    }

    /// Waits until so many entries begin so.
    pub(crate) async fn counts(&self, count: usize, start: &str) {
        let mut entries = self.0.subscribe();
        let enough = entries.wait_for(|entries| {
            let begin = entries.iter().filter(|entry| entry.starts_with(start));
            begin.count() >= count
        });
        soon(enough).await.expect("the diary exists");
    }

    /// Waits for an entry of which that is true.
    pub(crate) async fn has(&self, wanted: impl Fn(&str) -> bool) {
        let mut entries = self.0.subscribe();
        let said = entries.wait_for(|entries| entries.iter().any(|said| wanted(said)));
        soon(said).await.expect("the diary exists");
    }

    /// Waits for an entry.
    pub(crate) async fn says(&self, entry: &str) {
        let mut entries = self.0.subscribe();
        let said = entries.wait_for(|entries| entries.iter().any(|said| said == entry));
        soon(said).await.expect("the diary exists");
    }
}

pub(crate) type Body = dyn Fn(u32, TaskContext) -> BoxFuture<'static, TaskResult> + Send + Sync;

/// Plays the body of a test for every [`Numbered`] task.
///
/// The diary reads `started N`, `handle N.ATTEMPT`, `retry N.ATTEMPT after DELAY: FAILURE`,
/// `completed N` and `error N: FAILURE`.
#[derive(Clone)]
pub(crate) struct Player {
    pub(crate) diary: Diary,
    pub(crate) body: Arc<Body>,
}

impl Player {
    pub(crate) fn new<F>(
        diary: &Diary,
        body: impl Fn(u32, TaskContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        Self {
            diary: diary.clone(),
            body: Arc::new(move |number, context| Box::pin(body(number, context))),
        }
    }

    /// A player whose tasks succeed at once.
    pub(crate) fn idle(diary: &Diary) -> Self {
        Self::new(diary, |_, _| async { Ok(()) })
    }

    /// A player whose tasks run until they are told to stop, and then fail.
    pub(crate) fn cooperative(diary: &Diary) -> Self {
        Self::new(diary, |_, context| async move {
            context.cancelled().await;
            Err(evertask::TaskError::other("told to stop"))
        })
    }

    /// A player whose tasks never end, whatever they are told; the diary says when one is `dropped`.
    pub(crate) fn stubborn(diary: &Diary) -> Self {
        let pages = diary.clone();
        Self::new(diary, move |number, _| {
            let dropped = NoteOnDrop(pages.clone(), format!("dropped {number}"));
            async move {
                let _dropped = dropped;
                std::future::pending().await
            }
        })
    }

    /// A runtime at that home with this handler and one slot.
    pub(crate) fn at(&self, home: &Home) -> Builder {
        EverTask::builder()
            .storage(home.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(1).capacity(50))
            .handler(self.clone())
    }
}

/// Makes a note when it is dropped.
pub(crate) struct NoteOnDrop(pub(super) Diary, pub(super) String);

impl Drop for NoteOnDrop {
    fn drop(&mut self) {
        self.0.note(self.1.clone());
    }
}

impl fmt::Debug for Player {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Player")
    }
}

impl TaskHandler<Numbered> for Player {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        self.diary
            .note(format!("handle {}.{}", task.0, context.attempt()));
        (self.body)(task.0, context.clone()).await
    }

    async fn on_started(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        self.diary.note(format!("started {}", task.0));
        Ok(())
    }

    async fn on_retry(
        &self,
        task: &Numbered,
        context: &TaskContext,
        failure: &Failure,
        delay: Duration,
    ) -> TaskResult {
        let (number, attempt) = (task.0, context.attempt());
        let note = format!("retry {number}.{attempt} after {delay:?}: {failure}");
        self.diary.note(note);
        Ok(())
    }

    async fn on_completed(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        self.diary.note(format!("completed {}", task.0));
        Ok(())
    }

    async fn on_error(&self, task: &Numbered, _: &TaskContext, failure: &Failure) -> TaskResult {
        self.diary.note(format!("error {}: {failure}", task.0));
        Ok(())
    }
}

/// Lets the actors work off what they have been sent: each question passes through all of them.
pub(crate) async fn settle(evertask: &EverTask) {
    for _ in 0..32 {
        evertask.task(id_of(9_999)).await.unwrap();
    }
}
