//! A queue whose handlers stand at a gate, so that a test sees in which order they were let in.

use std::sync::Arc;

use evertask::{Builder, Queue};
use tokio::sync::Semaphore;

use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};

/// Notes who was let in, and holds everybody until told.
#[derive(Clone, Debug)]
pub(super) struct Line {
    diary: Diary,
    gate: Arc<Semaphore>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            diary: Diary::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    /// A runtime at that home whose default queue is this line.
    pub(super) fn at(&self, home: &Home, queue: Queue) -> Builder {
        let gate = Arc::clone(&self.gate);
        let player = Player::new(&self.diary, move |_, _| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await?.forget();
                Ok(())
            }
        });
        evertask::EverTask::builder()
            .storage(home.clone())
            .queue(queue)
            .handler(player)
    }

    /// Lets that many handlers end.
    pub(super) fn release(&self, handlers: usize) {
        self.gate.add_permits(handlers);
    }

    /// Waits until that many were let in.
    pub(super) async fn let_in(&self, handlers: usize) {
        self.diary.counts(handlers, "handle ").await;
    }

    /// Waits until that many are done with everything.
    pub(super) async fn completed(&self, handlers: usize) {
        self.diary.counts(handlers, "completed ").await;
    }

    /// The numbers in the order in which they were let in.
    pub(super) fn order(&self) -> Vec<u32> {
        let entries = self.diary.entries();
        let handled = entries.iter().filter_map(|entry| {
            let (number, _) = entry.strip_prefix("handle ")?.split_once('.')?;
            number.parse().ok()
        });
        handled.collect()
    }
}

/// A default queue with one slot.
pub(super) fn single(capacity: usize) -> Queue {
    Queue::new(Queue::DEFAULT).parallelism(1).capacity(capacity)
}
