mod bar;
mod cancel;
mod registration;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::cancel::EarlyCancel;
pub(crate) use self::cancel::{CancelUnderWay, Cancellation, ClaimUnderWay};
pub(crate) use self::registration::Registration;
use self::registration::{Entry, Parked};
use crate::log::LogTails;

/// Every delivery of this process: what makes two deliveries of one id impossible.
///
/// An id is in it from before its row is inserted or claimed until the very last act of its
/// delivery. It lives outside the actors, so that no crash of theirs forgets a running handler.
#[derive(Clone)]
pub(crate) struct DeliveryRegistry(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    /// How many deliveries have a slot.
    started: watch::Sender<usize>,
    /// Those who follow a task until its last delivery has ended.
    tails: LogTails,
}

#[derive(Default)]
struct Book {
    entries: HashMap<TaskId, Entry>,
    /// Cancels of tasks without a delivery, kept for claims that may be bringing one.
    cancelled: HashMap<TaskId, EarlyCancel>,
    /// The claims whose rows are not all registered yet, by number.
    claims: BTreeSet<u64>,
    last_claim: u64,
    /// Ids of which nobody may begin a delivery, because their rows are being let go of.
    barred: HashSet<TaskId>,
}

impl DeliveryRegistry {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            book: Mutex::default(),
            started: watch::Sender::new(0),
            tails: LogTails::default(),
        }))
    }

    /// Those who follow the log of a task.
    pub(crate) fn tails(&self) -> &LogTails {
        &self.0.tails
    }

    /// A task is over: those who follow it have heard everything once its delivery has ended, too.
    pub(crate) fn task_over(&self, id: TaskId) {
        // Marked first: a delivery that ends between the two finds the mark.
        self.0.tails.mark_over(id);
        if !self.contains(id) {
            self.0.tails.end_if_over(id);
        }
    }

    pub(crate) fn contains(&self, id: TaskId) -> bool {
        let book = self.0.book.lock();
        book.entries.contains_key(&id) || book.barred.contains(&id)
    }

    /// Asks for the row of a delivery that waits in memory for its instant; `false` if none does.
    ///
    /// From here on it does not run. Whoever holds it has to be told to give it back.
    pub(crate) fn recall(&self, id: TaskId) -> bool {
        let mut book = self.0.book.lock();
        let entry = book.entries.get_mut(&id);
        let Some(entry) = entry.filter(|entry| entry.parked.is_some()) else {
            return false;
        };
        entry.parked = Some(Parked::Recalled);
        true
    }

    /// Waits for the end of the delivery of the id that is under way now, if one is.
    pub(crate) fn ended(&self, id: TaskId) -> impl Future<Output = ()> + use<> {
        let book = self.0.book.lock();
        let ended = book.entries.get(&id).map(|entry| entry.ended.clone());
        async move {
            if let Some(ended) = ended {
                ended.cancelled().await;
            }
        }
    }

    /// Whether no delivery of the id is under way, and none that is to come would be cancelled.
    pub(crate) fn is_quiet(&self, id: TaskId) -> bool {
        !self.contains(id) && !self.0.book.lock().cancelled.contains_key(&id)
    }

    /// Waits until the delivery of the id that is under way now has ended and a cancel that was kept
    /// for one is forgotten.
    pub(crate) fn quiet(&self, id: TaskId) -> impl Future<Output = ()> + use<> {
        let ended = self.ended(id);
        let book = self.0.book.lock();
        let early = book.cancelled.get(&id);
        let forgotten = early.map(|early| early.forgotten.clone());
        async move {
            ended.await;
            if let Some(forgotten) = forgotten {
                forgotten.cancelled().await;
            }
        }
    }

    /// Waits until no delivery has a slot.
    pub(crate) async fn none_started(&self) {
        let mut started = self.0.started.subscribe();
        // The sender is in `self`, so there is always an answer.
        started.wait_for(|started| *started == 0).await.ok();
    }

    /// Counts what is registered.
    #[cfg(feature = "testing")]
    pub(crate) fn count(&self, counted: &mut crate::runtime::InMemory) {
        let book = self.0.book.lock();
        counted.deliveries = book.entries.len();
        counted.claims = book.claims.len();
        counted.cancels = book.cancelled.len();
        counted.barred = book.barred.len();
        counted.followed = self.0.tails.followed();
    }

    /// How many deliveries have a slot: their handlers run, or are about to.
    pub(crate) fn started(&self) -> usize {
        *self.0.started.borrow()
    }
}

#[cfg(test)]
mod tests;
