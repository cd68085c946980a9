//! The world of a test: a runtime on a storage, and tasks whose runs can be watched and steered.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use evertask::{
    Builder, Client, EventStream, EverTask, MemoryStorage, Queue, Status, Task, TaskContext,
    TaskEvent, TaskEventKind, TaskHandler, TaskId, TaskResult, TaskView,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Longer than anything here takes, on a machine that has much else to do, too; a test that waits so long
/// has failed.
pub(crate) const TOO_LONG: Duration = Duration::from_mins(20);

/// A numbered task that is told by its mark what to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbered(pub(crate) u32);

impl Task for Numbered {
    const NAME: &'static str = "test.numbered";
}

/// Counts runs of [`Numbered`] and holds them at a gate until the test opens it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    state: Arc<Mutex<Seen>>,
    gate: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Seen {
    order: Vec<u32>,
    now: HashMap<u32, usize>,
    overlaps: Vec<u32>,
}

impl Watch {
    /// A watch whose tasks run through.
    pub(crate) fn open() -> Self {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    /// A watch whose tasks wait for [`release`](Self::release).
    pub(crate) fn held() -> Self {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Self {
        Self {
            state: Arc::default(),
            gate: Arc::new(Semaphore::new(permits)),
        }
    }

    /// Lets that many runs pass.
    pub(crate) fn release(&self, runs: usize) {
        self.gate.add_permits(runs);
    }

    /// The numbers in the order their handlers were entered.
    pub(crate) fn order(&self) -> Vec<u32> {
        self.state.lock().order.clone()
    }

    /// How often each number's handler was entered.
    pub(crate) fn counts(&self) -> HashMap<u32, usize> {
        let mut counts = HashMap::new();
        for number in self.order() {
            *counts.entry(number).or_insert(0) += 1;
        }
        counts
    }

    /// Numbers of which two handlers ran at once.
    pub(crate) fn overlaps(&self) -> Vec<u32> {
        self.state.lock().overlaps.clone()
    }
}

impl TaskHandler<Numbered> for Watch {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        {
            let mut seen = self.state.lock();
            seen.order.push(task.0);
            let running = seen.now.entry(task.0).or_default();
            *running += 1;
            if *running > 1 {
                seen.overlaps.push(task.0);
            }
        }
        let leave = Leave(self, task.0);
        tokio::select! {
            permit = self.gate.acquire() => permit?.forget(),
            () = context.cancelled() => {}
        }
        drop(leave);
        if context.is_cancelled() {
            return Err(evertask::TaskError::other("told to stop"));
        }
        Ok(())
    }
}

struct Leave<'a>(&'a Watch, u32);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.0.state.lock().now.get_mut(&self.1) {
            *running -= 1;
        }
    }
}

/// A runtime on that storage with one default queue.
pub(crate) fn runtime(storage: &MemoryStorage, watch: &Watch) -> Builder {
    EverTask::builder()
        .storage(storage.clone())
        .queue(Queue::new(Queue::DEFAULT).parallelism(4).capacity(50))
        .handler(watch.clone())
}

/// Waits for an event that satisfies `wanted`.
pub(crate) async fn event(
    events: &mut EventStream,
    mut wanted: impl FnMut(&TaskEvent) -> bool,
) -> TaskEvent {
    let found = async {
        loop {
            let event = events.next().await.expect("the runtime is running");
            if wanted(&event) {
                return event;
            }
        }
    };
    soon(found).await
}

/// Waits until that many tasks are over.
pub(crate) async fn over(events: &mut EventStream, mut tasks: usize) {
    while tasks > 0 {
        event(events, |event| {
            matches!(
                event.kind,
                TaskEventKind::Completed | TaskEventKind::Failed(_) | TaskEventKind::Cancelled
            )
        })
        .await;
        tasks -= 1;
    }
}

/// Fails the test if the future takes too long.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(TOO_LONG, future)
        .await
        .expect("it takes too long")
}

/// Reads a task that exists.
pub(crate) async fn task(client: &Client, id: TaskId) -> TaskView {
    let view = soon(client.task(id)).await.expect("the storage answers");
    view.expect("the task exists")
}

/// Reads the status of a task that exists.
pub(crate) async fn status(client: &Client, id: TaskId) -> Status {
    task(client, id).await.record.state.status
}
