//! The account of one queue's places and slots, outside its pool.
//!
//! A dispatch must know whether there is room before it stores its row, and a handler that runs must
//! keep its slot when the pool crashes. So the account is shared, and what is taken from it is a
//! guard that gives it back on every path.

mod ahead;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use actix::Addr;
use evertask_core::rank::Rank;
use evertask_core::storage::{ClaimAnswer, QueueSelector, QueueSettings};
use evertask_core::task::TaskId;
use evertask_core::window::{Ahead, Window};
use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::sync::Notify;

pub(crate) use self::ahead::AheadPlace;
use super::line::{Waiting, WaitingLine};
use super::resolve::QueueConfig;
use crate::monitor::QueueEventKind;
use crate::pool::{CheckWindow, WorkerPool};
use crate::supervision::tell;

/// One queue, as everybody but its pool sees it.
pub(crate) struct Gate {
    pub(crate) config: QueueConfig,
    /// Which stored rows the pool serves.
    pub(crate) selector: QueueSelector,
    pub(crate) pool: Addr<WorkerPool>,
    /// Who waits for a place.
    pub(crate) line: WaitingLine,
    account: Mutex<Account>,
    /// Tells who waits for the end of what runs.
    changed: Notify,
}

struct Account {
    window: Window,
    ahead: Ahead,
    /// Which decision about the queue is in force.
    version: i64,
    /// How many times a window is being given back at this moment.
    returning: usize,
}

/// How full a queue is in this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupancy {
    pub(crate) is_paused: bool,
    pub(crate) parallelism: usize,
    pub(crate) running: usize,
    /// Deliveries with a place, the running ones included.
    pub(crate) places: usize,
    /// Deliveries that are held in memory until they are due.
    pub(crate) ahead: usize,
    /// Callers that wait for a place.
    pub(crate) callers: usize,
}

/// A place in the window, given back when dropped.
#[must_use]
pub(crate) struct Place(Arc<Gate>);

/// A slot to run a handler in, given back when dropped.
#[must_use]
pub(crate) struct Slot {
    gate: Arc<Gate>,
    is_unused: bool,
}

/// A window that is being given back, over when dropped.
#[must_use]
pub(crate) struct Return(Arc<Gate>);

/// An insert that got no place and is under way, reported when dropped.
#[must_use]
pub(crate) struct Spill(Arc<Gate>, Rank);

impl Gate {
    pub(crate) fn new(
        config: QueueConfig,
        selector: QueueSelector,
        pool: Addr<WorkerPool>,
    ) -> Self {
        let account = Account {
            window: Window::new(config.capacity, config.parallelism),
            ahead: Ahead::new(config.capacity, config.horizon),
            version: 0,
            returning: 0,
        };
        Self {
            config,
            selector,
            pool,
            line: WaitingLine::default(),
            account: Mutex::new(account),
            changed: Notify::new(),
        }
    }

    fn window(&self) -> MappedMutexGuard<'_, Window> {
        MutexGuard::map(self.account.lock(), |account| &mut account.window)
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Takes a place for a live dispatch, if there is one and nothing stored is waiting.
    pub(crate) fn take_place(self: &Arc<Self>) -> Option<Place> {
        self.window().take_place().then(|| Place(Arc::clone(self)))
    }

    /// Whether nothing more fits, or somebody waits who comes first.
    pub(crate) fn is_full(&self) -> bool {
        self.window().is_full() || !self.line.is_empty()
    }

    /// Whether nothing may start.
    pub(crate) fn is_paused(&self) -> bool {
        self.window().is_paused()
    }

    /// Has a caller wait for a place for its task; `None` if too many do.
    pub(crate) fn wait_for_place(&self, id: TaskId, limit: usize) -> Option<Waiting> {
        self.line.join(id, limit)
    }

    pub(crate) fn take_slot(self: &Arc<Self>) -> Option<Slot> {
        let is_taken = self.window().take_slot();
        is_taken.then(|| Slot {
            gate: Arc::clone(self),
            is_unused: false,
        })
    }

    pub(crate) fn begin_spill(self: &Arc<Self>, rank: Rank) -> Spill {
        self.window().begin_spill();
        Spill(Arc::clone(self), rank)
    }

    /// Stored rows may be waiting: the pool looks.
    pub(crate) fn set_backlog(&self) {
        self.window().set_backlog();
        tell(&self.pool, CheckWindow);
    }

    /// Stored rows may have a turn now that found none before: the pool looks.
    pub(crate) fn recheck(&self) {
        self.window().set_recheck();
        tell(&self.pool, CheckWindow);
    }

    /// Answers how many rows to claim now, if any; `last` is the last delivery that waits.
    pub(crate) fn begin_claim(&self, last: Option<Rank>) -> Option<usize> {
        let Account { window, ahead, .. } = &mut *self.account.lock();
        let room = window.begin_claim(last)?;
        // If it finds the end of what is due, it tells what is due next; if not, another one follows.
        ahead.forget();
        Some(room)
    }

    /// Ends a claim and answers the places of what it took.
    pub(crate) fn end_claim(self: &Arc<Self>, answer: &ClaimAnswer) -> Vec<Place> {
        let taken = answer.tasks.len();
        let last = answer.tasks.last();
        let last = last.map(|task| Rank::of(&task.record, self.config.ageing));
        let has_backlog = {
            let mut window = self.window();
            window.end_claim(taken, last, answer.exhausted);
            window.has_backlog()
        };
        if !has_backlog {
            // Every row that was stored has been taken by somebody.
            self.line.grant_all();
        }
        (0..taken).map(|_| Place(Arc::clone(self))).collect()
    }

    /// There was no claim, because nothing may be started.
    pub(crate) fn end_look(&self) {
        self.window().end_look();
    }

    /// What waits in the window is about to be given back to the storage.
    pub(crate) fn begin_return(self: &Arc<Self>) -> Return {
        self.account.lock().returning += 1;
        Return(Arc::clone(self))
    }

    /// Waits until what was in the window of the paused queue is stored again.
    pub(crate) async fn returned(&self) {
        self.until(|account| account.returning == 0).await;
    }

    /// That many deliveries are stored rows again; their places are given back one by one.
    pub(crate) fn give_back(&self, deliveries: usize) {
        self.window().give_back(deliveries);
    }

    /// Puts in force what was decided about the queue, and answers what is different now; a decision
    /// that is older than the one in force says nothing.
    pub(crate) fn apply(&self, settings: &QueueSettings) -> Vec<QueueEventKind> {
        let parallelism = self.config.parallelism_by(settings);
        let mut happened = Vec::new();
        {
            let mut account = self.account.lock();
            if settings.version <= account.version {
                return happened;
            }
            account.version = settings.version;
            let window = &mut account.window;
            if window.is_paused() != settings.is_paused {
                window.set_paused(settings.is_paused);
                happened.push(if settings.is_paused {
                    QueueEventKind::Paused
                } else {
                    QueueEventKind::Resumed
                });
            }
            if window.parallelism() != parallelism {
                window.set_parallelism(parallelism);
                happened.push(QueueEventKind::ParallelismChanged(parallelism));
            }
        }
        if settings.is_paused {
            // Nobody knows when it goes on: what is dispatched is stored, and its callers go on.
            self.line.grant_all();
        }
        self.changed.notify_waiters();
        tell(&self.pool, CheckWindow);
        happened
    }

    /// Waits until nothing of the paused queue runs; `false` if it goes on before.
    pub(crate) async fn drained(&self) -> bool {
        self.until(|Account { window, .. }| window.running() == 0 || !window.is_paused())
            .await;
        self.is_paused()
    }

    async fn until(&self, holds: impl Fn(&Account) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Whatever changes from here on is noticed.
            changed.as_mut().enable();
            if holds(&self.account.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// What it looks like in this process.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let Account { window, ahead, .. } = &*self.account.lock();
        Occupancy {
            is_paused: window.is_paused(),
            parallelism: window.parallelism(),
            running: window.running(),
            places: window.places_taken(),
            ahead: ahead.places_taken(),
            callers: self.line.len(),
        }
    }

    /// A claim of either kind failed, or nobody knows what it took: everything is looked for anew.
    pub(crate) fn fail_claim(&self) {
        let mut account = self.account.lock();
        account.ahead.end_claim(0, None, true);
        account.window.fail_claim();
    }
}

impl Slot {
    /// Gives it back; the pool need not be told, because it has been about to use it.
    pub(crate) fn return_unused(mut self) {
        self.is_unused = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.window().free_place();
        tell(&self.0.pool, CheckWindow);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate.window().free_slot();
        self.gate.changed.notify_waiters();
        if !self.is_unused {
            tell(&self.gate.pool, CheckWindow);
        }
    }
}

impl Drop for Return {
    fn drop(&mut self) {
        self.0.account.lock().returning -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        self.0.window().end_spill(self.1);
        tell(&self.0.pool, CheckWindow);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gate")
            .field("queue", &self.config.name)
            .field("window", &*self.window())
            .finish_non_exhaustive()
    }
}
