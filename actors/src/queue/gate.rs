//! The account of one queue's places and slots, outside its pool.
//!
//! A dispatch must know whether there is room before it stores its row, and a handler that runs must
//! keep its slot when the pool crashes. So the account is shared, and what is taken from it is a
//! guard that gives it back on every path.

use std::fmt;
use std::sync::Arc;

use actix::Addr;
use evertask_core::rank::Rank;
use evertask_core::storage::{ClaimAnswer, QueueSelector};
use evertask_core::window::Window;
use parking_lot::Mutex;

use super::config::Queue;
use crate::pool::{CheckWindow, WorkerPool};
use crate::supervision::tell;

/// One queue, as everybody but its pool sees it.
pub(crate) struct Gate {
    pub(crate) config: Queue,
    /// Which stored rows the pool serves.
    pub(crate) selector: QueueSelector,
    pub(crate) pool: Addr<WorkerPool>,
    window: Mutex<Window>,
}

/// A place in the window, given back when dropped.
#[must_use]
pub(crate) struct Place(Arc<Gate>);

/// A slot to run a handler in, given back when dropped.
#[must_use]
pub(crate) struct Slot(Arc<Gate>);

/// An insert that got no place and is under way, reported when dropped.
#[must_use]
pub(crate) struct Spill(Arc<Gate>, Rank);

impl Gate {
    pub(crate) fn new(config: Queue, selector: QueueSelector, pool: Addr<WorkerPool>) -> Self {
        let window = Window::new(config.capacity, config.parallelism);
        Self {
            config,
            selector,
            pool,
            window: Mutex::new(window),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Takes a place for a live dispatch, if there is one and nothing stored is waiting.
    pub(crate) fn take_place(self: &Arc<Self>) -> Option<Place> {
        self.window
            .lock()
            .take_place()
            .then(|| Place(Arc::clone(self)))
    }

    /// Whether nothing more fits.
    pub(crate) fn is_full(&self) -> bool {
        self.window.lock().is_full()
    }

    pub(crate) fn take_slot(self: &Arc<Self>) -> Option<Slot> {
        self.window
            .lock()
            .take_slot()
            .then(|| Slot(Arc::clone(self)))
    }

    pub(crate) fn begin_spill(self: &Arc<Self>, rank: Rank) -> Spill {
        self.window.lock().begin_spill();
        Spill(Arc::clone(self), rank)
    }

    /// Stored rows may be waiting: the pool looks.
    pub(crate) fn set_backlog(&self) {
        self.window.lock().set_backlog();
        tell(&self.pool, CheckWindow);
    }

    /// Stored rows may have a turn now that found none before: the pool looks.
    pub(crate) fn recheck(&self) {
        self.window.lock().set_recheck();
        tell(&self.pool, CheckWindow);
    }

    /// Answers how many rows to claim now, if any; `last` is the last delivery that waits.
    pub(crate) fn begin_claim(&self, last: Option<Rank>) -> Option<usize> {
        self.window.lock().begin_claim(last)
    }

    /// Ends a claim and answers the places of what it took.
    pub(crate) fn end_claim(self: &Arc<Self>, answer: &ClaimAnswer) -> Vec<Place> {
        let taken = answer.tasks.len();
        let last = answer.tasks.last();
        let last = last.map(|task| Rank::of(&task.record, self.config.ageing));
        let mut window = self.window.lock();
        window.end_claim(taken, last, answer.exhausted);
        (0..taken).map(|_| Place(Arc::clone(self))).collect()
    }

    pub(crate) fn fail_claim(&self) {
        self.window.lock().fail_claim();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.window.lock().free_place();
        tell(&self.0.pool, CheckWindow);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.window.lock().free_slot();
        tell(&self.0.pool, CheckWindow);
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        self.0.window.lock().end_spill(self.1);
        tell(&self.0.pool, CheckWindow);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gate")
            .field("queue", &self.config.name)
            .field("window", &*self.window.lock())
            .finish_non_exhaustive()
    }
}
