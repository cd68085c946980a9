use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::delivery::DeliveryRegistry;

/// Everybody who waits for the end of a task.
#[derive(Clone)]
pub(crate) struct Ends(Arc<Shared>);

struct Shared {
    /// The tasks that are waited for; nothing is kept of any other.
    awaited: Mutex<HashMap<TaskId, Awaited>>,
    registry: DeliveryRegistry,
    /// For who looks at the storage.
    turn: Semaphore,
}

struct Awaited {
    waiters: usize,
    /// How often its end was told: a task that is over may be brought back to life.
    told: watch::Sender<u64>,
}

/// One who waits for the end of a task; nothing is left of it once it is dropped.
pub(super) struct Waiter {
    ends: Ends,
    id: TaskId,
}

impl Ends {
    pub(crate) fn new(registry: &DeliveryRegistry) -> Self {
        Self(Arc::new(Shared {
            awaited: Mutex::default(),
            registry: registry.clone(),
            turn: Semaphore::new(1),
        }))
    }

    /// Whether it is worth to tell of an end.
    pub(crate) fn are_awaited(&self) -> bool {
        !self.0.awaited.lock().is_empty()
    }

    /// How many tasks are waited for.
    #[cfg(feature = "testing")]
    pub(crate) fn awaited(&self) -> usize {
        self.0.awaited.lock().len()
    }

    /// A task is over, and that is committed.
    pub(crate) fn tell(&self, id: TaskId) {
        if let Some(awaited) = self.0.awaited.lock().get(&id) {
            awaited.told.send_modify(|told| *told += 1);
        }
    }

    /// Begins to wait; every end of the task from now on changes what is told.
    pub(super) fn open(&self, id: TaskId) -> (Waiter, watch::Receiver<u64>) {
        let mut awaited = self.0.awaited.lock();
        let awaited = awaited.entry(id).or_insert_with(|| Awaited {
            waiters: 0,
            told: watch::Sender::new(0),
        });
        awaited.waiters += 1;
        let waiter = Waiter {
            ends: self.clone(),
            id,
        };
        (waiter, awaited.told.subscribe())
    }
}

impl Waiter {
    /// Whether an end would be told: the task is on its way through this process.
    pub(super) fn is_here(&self) -> bool {
        self.ends.0.registry.contains(self.id)
    }

    /// The semaphore whose permit one needs to look at the storage.
    pub(super) fn turn(&self) -> &Semaphore {
        &self.ends.0.turn
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut awaited = self.ends.0.awaited.lock();
        if let Some(entry) = awaited.get_mut(&self.id) {
            entry.waiters -= 1;
            if entry.waiters == 0 {
                awaited.remove(&self.id);
            }
        }
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ends")
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    const ID: TaskId = TaskId(Uuid::nil());

    #[test]
    fn nothing_is_kept_of_a_task_that_nobody_waits_for() {
        let ends = Ends::new(&DeliveryRegistry::new());
        let (first, second) = (ends.open(ID), ends.open(ID));
        drop(first);
        assert!(ends.are_awaited());
        drop(second);
        assert!(!ends.are_awaited());
        ends.tell(ID);
    }

    #[test]
    fn every_waiter_hears_of_an_end_once() {
        let ends = Ends::new(&DeliveryRegistry::new());
        let mut waiters = [ends.open(ID), ends.open(ID)];
        ends.tell(TaskId(Uuid::max()));
        for (_, told) in &mut waiters {
            assert!(told.changed().now_or_never().is_none());
        }
        ends.tell(ID);
        for (_, told) in &mut waiters {
            assert!(told.changed().now_or_never().is_some());
            assert!(told.changed().now_or_never().is_none());
        }
    }
}
