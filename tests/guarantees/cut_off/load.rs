use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use evertask::{Client, Stored, TaskContext, TaskHandler, TaskId, TaskResult};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::stage::{Numbered, soon};

/// A handler that counts, by task, how often it was entered.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Arc<watch::Sender<HashMap<TaskId, u32>>>);

impl Runs {
    pub(super) fn of(&self, id: TaskId) -> u32 {
        self.0.borrow().get(&id).copied().unwrap_or(0)
    }

    /// Waits until a task has run.
    pub(super) async fn completed(&self, id: TaskId) {
        let mut runs = self.0.subscribe();
        let has_run = runs.wait_for(|runs| runs.contains_key(&id)).await;
        drop(has_run.expect("the runs are being counted"));
    }
}

impl TaskHandler<Numbered> for Runs {
    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        self.0
            .send_modify(|runs| *runs.entry(context.id()).or_default() += 1);
        Ok(())
    }
}

/// Several that dispatch one task after the other until they are told to stop.
pub(super) struct Dispatchers {
    stop: Arc<AtomicBool>,
    stored: Vec<watch::Receiver<usize>>,
    running: Vec<JoinHandle<Ended>>,
}

/// What was dispatched.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// What was acknowledged.
    pub(super) stored: Vec<TaskId>,
    /// What was refused, and is said not to be stored.
    pub(super) refused: Vec<TaskId>,
}

impl Dispatchers {
    pub(super) fn start(client: &Client, dispatchers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let numbers = Arc::new(AtomicU32::new(0));
        let (mut stored, mut running) = (Vec::new(), Vec::new());
        for _ in 0..dispatchers {
            let count = watch::Sender::new(0);
            stored.push(count.subscribe());
            let (client, stop, numbers) = (client.clone(), Arc::clone(&stop), Arc::clone(&numbers));
            running.push(tokio::spawn(async move {
                dispatch(&client, &stop, &numbers, &count).await
            }));
        }
        Self {
            stop,
            stored,
            running,
        }
    }

    /// How many tasks were acknowledged so far.
    pub(super) fn stored(&self) -> usize {
        self.stored.iter().map(|stored| *stored.borrow()).sum()
    }

    /// Waits until each of them has got so many more acknowledged.
    pub(super) async fn each_stored(&self, more: usize) {
        for stored in &self.stored {
            let mut stored = stored.clone();
            let enough = *stored.borrow() + more;
            let reached = stored.wait_for(|stored| *stored >= enough);
            soon(reached).await.expect("the dispatcher is running");
        }
    }

    pub(super) async fn stop(self) -> Ended {
        self.stop.store(true, Ordering::Relaxed);
        let mut ended = Ended::default();
        for dispatcher in self.running {
            let one = soon(dispatcher)
                .await
                .expect("the dispatcher ends in order");
            ended.stored.extend(one.stored);
            ended.refused.extend(one.refused);
        }
        ended
    }
}

async fn dispatch(
    client: &Client,
    stop: &AtomicBool,
    numbers: &AtomicU32,
    count: &watch::Sender<usize>,
) -> Ended {
    let mut ended = Ended::default();
    while !stop.load(Ordering::Relaxed) {
        let task = Numbered(numbers.fetch_add(1, Ordering::Relaxed));
        let id = TaskId(Uuid::now_v7());
        match client.dispatch(task).id(id).await {
            Ok(stored) => {
                ended.stored.push(stored.id);
                count.send_modify(|count| *count += 1);
            }
            Err(error) => {
                assert_eq!(error.stored(), Stored::No, "{error}");
                ended.refused.push(id);
            }
        }
    }
    ended
}
