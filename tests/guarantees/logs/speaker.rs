//! A handler that says what a test tells it, and what was kept of it.

use std::sync::Arc;

use evertask::storage::{ProcessStart, StorageBackend, Write};
use evertask::task::ProcessId;
use evertask::time::SystemClock;
use evertask::{
    Builder, EverTask, Failure, LogLine, LogOptions, LogSearch, Queue, RetryPolicy, Task,
    TaskContext, TaskHandler, TaskId, TaskResult, TaskView,
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ground::{Ground, Step};
use crate::stage::{over, soon, task};
use crate::subscriber;

/// A numbered task that says what the test wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Speech(pub(super) u32);

impl Task for Speech {
    const NAME: &'static str = "test.speech";
}

type Body = dyn Fn(u32, TaskContext) -> BoxFuture<'static, TaskResult> + Send + Sync;

/// Gives the speeches of a test. Its hooks say `started`, `retry`, `completed` and `error`.
#[derive(Clone)]
pub(super) struct Speaker {
    body: Arc<Body>,
    has_hooks: bool,
}

impl Speaker {
    pub(super) fn new<F>(body: impl Fn(u32, TaskContext) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = TaskResult> + Send + 'static,
    {
        Self {
            body: Arc::new(move |number, context| Box::pin(body(number, context))),
            has_hooks: false,
        }
    }

    /// A speaker that says what a function does, and succeeds.
    pub(super) fn saying(speech: impl Fn(TaskContext) + Send + Sync + 'static) -> Self {
        Self::new(move |_, context| {
            speech(context);
            async { Ok(()) }
        })
    }

    pub(super) fn with_hooks(self) -> Self {
        Self {
            has_hooks: true,
            ..self
        }
    }

    pub(super) fn at(&self, ground: &Ground) -> Builder {
        subscriber::install();
        EverTask::builder()
            .storage(ground.clone())
            .queue(Queue::new(Queue::DEFAULT).parallelism(8).capacity(200))
            .handler(self.clone())
            .logs(LogOptions::new())
    }

    /// Runs one speech to its end, without retries.
    pub(super) async fn runs(&self, ground: &Ground, options: LogOptions) -> Kept {
        let evertask = self.at(ground).logs(options).start().await.unwrap();
        let mut events = evertask.events();
        let request = evertask.dispatch(Speech(1)).retry(RetryPolicy::None);
        let id = request.await.unwrap().id;
        over(&mut events, 1).await;
        Kept::of(ground, evertask, id).await
    }

    fn hook(&self, name: &str) {
        if self.has_hooks {
            tracing::info!("{name}");
        }
    }
}

impl TaskHandler<Speech> for Speaker {
    async fn handle(&self, task: &Speech, context: &TaskContext) -> TaskResult {
        (self.body)(task.0, context.clone()).await
    }

    async fn on_started(&self, _: &Speech, _: &TaskContext) -> TaskResult {
        self.hook("started");
        Ok(())
    }

    async fn on_retry(
        &self,
        _: &Speech,
        _: &TaskContext,
        _: &Failure,
        _: std::time::Duration,
    ) -> TaskResult {
        self.hook("retry");
        Ok(())
    }

    async fn on_completed(&self, _: &Speech, _: &TaskContext) -> TaskResult {
        self.hook("completed");
        Ok(())
    }

    async fn on_error(&self, _: &Speech, _: &TaskContext, _: &Failure) -> TaskResult {
        self.hook("error");
        Ok(())
    }
}

/// What is stored of a task.
pub(super) struct Kept {
    pub(super) view: TaskView,
    pub(super) lines: Vec<LogLine>,
}

impl Kept {
    /// Shuts the runtime down and reads a task as the next process would.
    pub(super) async fn of(ground: &Ground, evertask: EverTask, id: TaskId) -> Self {
        let view = task(&evertask, id).await;
        soon(evertask.shutdown()).await.unwrap();
        drop(evertask);
        ground.unused().await;
        let lines = lines(ground, id).await;
        Self { view, lines }
    }

    pub(super) fn messages(&self) -> Vec<&str> {
        self.lines
            .iter()
            .map(|line| line.message.as_str())
            .collect()
    }
}

/// Reads the lines of a task as a process of its own; the numbers of a delivery have no gaps.
pub(super) async fn lines(ground: &Ground, id: TaskId) -> Vec<LogLine> {
    let start = ProcessStart {
        id: ProcessId(Uuid::now_v7()),
        at: SystemClock::shared().now(),
    };
    let session = ground.open(start).await.unwrap();
    let page = session.queries().logs(&LogSearch::of(id)).await.unwrap();
    assert_eq!(page.next, None);
    let mut expected = 0;
    let mut delivery = None;
    for line in &page.lines {
        if delivery.replace(line.delivery) != Some(line.delivery) {
            expected = 0;
        }
        assert_eq!(line.sequence, expected, "{line:?}");
        expected += 1;
    }
    page.lines
}

/// Whether a step is about to write log lines.
pub(super) fn appends(step: &Step<'_>) -> bool {
    let Step::Group(group) = step else {
        return false;
    };
    let is_append = |write: &Write| matches!(write, Write::AppendLogs(_));
    group.writes.iter().any(is_append)
}
