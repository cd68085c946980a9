use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use actix::Addr;
use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::pool::{SweepOrphans, WorkerPool};
use crate::supervision::tell;

/// Every delivery of this process: what makes two deliveries of one id impossible.
///
/// An id is in it from before its row is inserted or claimed until the very last act of its
/// delivery. It lives outside the actors, so that no crash of theirs forgets a running handler.
#[derive(Clone)]
pub(crate) struct DeliveryRegistry(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    running: watch::Sender<usize>,
}

#[derive(Default)]
struct Book {
    entries: HashMap<TaskId, Entry>,
    /// Cancels of tasks without a delivery, kept for claims that may be bringing one.
    cancelled: HashMap<TaskId, EarlyCancel>,
    /// The claims whose rows are not all registered yet, by number.
    claims: BTreeSet<u64>,
    last_claim: u64,
}

struct EarlyCancel {
    cancellation: Cancellation,
    /// Once the cancel is stored: the last claim that may have taken the row before.
    until: Option<u64>,
}

struct Entry {
    cancelled: CancellationToken,
    cancellation: Option<Cancellation>,
    running: bool,
    /// The pool that has claimed the row again while this delivery was coming to its end.
    awaited_by: Option<Addr<WorkerPool>>,
}

/// Who cancelled a task, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation {
    pub(crate) actor: Option<String>,
    pub(crate) reason: Option<String>,
}

/// The entry of one delivery, removed when dropped.
#[must_use]
pub(crate) struct Registration {
    registry: Arc<Shared>,
    id: TaskId,
    cancelled: CancellationToken,
}

/// A claim under way; dropped when its rows are registered.
#[must_use]
pub(crate) struct ClaimUnderWay {
    registry: Arc<Shared>,
    number: u64,
}

/// A cancel under way; dropped when it is stored.
#[must_use]
pub(crate) struct CancelUnderWay {
    registry: Arc<Shared>,
    id: TaskId,
    /// Whether the handler of the task runs.
    pub(crate) was_running: bool,
}

impl DeliveryRegistry {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            book: Mutex::default(),
            running: watch::Sender::new(0),
        }))
    }

    /// Enters an id; `None` if a delivery of it is under way.
    pub(crate) fn register(&self, id: TaskId) -> Option<Registration> {
        let mut book = self.0.book.lock();
        let early = book
            .cancelled
            .get(&id)
            .map(|early| early.cancellation.clone());
        let MapEntry::Vacant(vacant) = book.entries.entry(id) else {
            return None;
        };
        let cancelled = CancellationToken::new();
        if early.is_some() {
            cancelled.cancel();
        }
        vacant.insert(Entry {
            cancelled: cancelled.clone(),
            cancellation: early,
            running: false,
            awaited_by: None,
        });
        Some(Registration {
            registry: Arc::clone(&self.0),
            id,
            cancelled,
        })
    }

    /// Tells `pool` to sweep once no delivery of the id is under way: the row it has claimed is not
    /// that delivery's any more.
    pub(crate) fn sweep_after(&self, id: TaskId, pool: &Addr<WorkerPool>) {
        if let Some(entry) = self.0.book.lock().entries.get_mut(&id) {
            entry.awaited_by = Some(pool.clone());
            return;
        }
        tell(pool, SweepOrphans);
    }

    pub(crate) fn contains(&self, id: TaskId) -> bool {
        self.0.book.lock().entries.contains_key(&id)
    }

    /// Marks a task as cancelled before that is stored, and fires the token of its delivery.
    ///
    /// If there is no delivery, a claim may be about to bring one: the mark is kept until no claim
    /// that was under way before the cancel was stored can do so any more.
    pub(crate) fn cancel(&self, id: TaskId, cancellation: Cancellation) -> CancelUnderWay {
        let mut book = self.0.book.lock();
        let was_running = if let Some(entry) = book.entries.get_mut(&id) {
            entry.cancellation.get_or_insert(cancellation);
            entry.cancelled.cancel();
            entry.running
        } else {
            let until = None;
            let early = EarlyCancel {
                cancellation,
                until,
            };
            book.cancelled.insert(id, early);
            false
        };
        CancelUnderWay {
            registry: Arc::clone(&self.0),
            id,
            was_running,
        }
    }

    /// A claim is about to be made.
    pub(crate) fn begin_claim(&self) -> ClaimUnderWay {
        let mut book = self.0.book.lock();
        book.last_claim += 1;
        let number = book.last_claim;
        book.claims.insert(number);
        ClaimUnderWay {
            registry: Arc::clone(&self.0),
            number,
        }
    }

    /// Waits until no handler runs.
    pub(crate) async fn none_running(&self) {
        let mut running = self.0.running.subscribe();
        // The sender is in `self`, so there is always an answer.
        running.wait_for(|running| *running == 0).await.ok();
    }

    /// How many handlers run.
    pub(crate) fn running(&self) -> usize {
        *self.0.running.borrow()
    }
}

impl Book {
    /// Forgets early cancels that no claim can meet any more.
    fn forget_cancels(&mut self) {
        let oldest = self.claims.first().copied().unwrap_or(u64::MAX);
        self.cancelled
            .retain(|_, early| early.until.is_none_or(|until| oldest <= until));
    }
}

impl Registration {
    /// Fires when the task is cancelled.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Who cancelled it, if somebody did.
    pub(crate) fn cancellation(&self) -> Option<Cancellation> {
        let book = self.registry.book.lock();
        book.entries.get(&self.id)?.cancellation.clone()
    }

    /// The handler is about to be entered.
    pub(crate) fn begin(&self) {
        let mut book = self.registry.book.lock();
        if let Some(entry) = book.entries.get_mut(&self.id)
            && !entry.running
        {
            entry.running = true;
            self.registry.running.send_modify(|running| *running += 1);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(entry) = self.registry.book.lock().entries.remove(&self.id) else {
            return;
        };
        if entry.running {
            self.registry.running.send_modify(|running| *running -= 1);
        }
        if let Some(pool) = entry.awaited_by {
            tell(&pool, SweepOrphans);
        }
    }
}

impl Drop for ClaimUnderWay {
    fn drop(&mut self) {
        let mut book = self.registry.book.lock();
        book.claims.remove(&self.number);
        book.forget_cancels();
    }
}

impl Drop for CancelUnderWay {
    fn drop(&mut self) {
        let mut book = self.registry.book.lock();
        let last_claim = book.last_claim;
        if let Some(early) = book.cancelled.get_mut(&self.id) {
            early.until = Some(last_claim);
        }
        book.forget_cancels();
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Registration")
            .field(&self.id)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ID: TaskId = TaskId(Uuid::nil());

    #[test]
    fn a_second_delivery_of_an_id_is_refused_until_the_first_is_over() {
        let registry = DeliveryRegistry::new();
        let first = registry.register(ID).expect("nothing is under way");
        assert!(registry.register(ID).is_none());
        drop(first);
        assert!(registry.register(ID).is_some());
    }

    fn because(text: &str) -> Cancellation {
        Cancellation {
            actor: None,
            reason: Some(text.to_owned()),
        }
    }

    #[test]
    fn a_cancel_reaches_the_delivery_and_keeps_the_first_reason() {
        let registry = DeliveryRegistry::new();
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(!registry.cancel(ID, because("first")).was_running);
        delivery.begin();
        assert!(registry.cancel(ID, because("second")).was_running);
        assert!(delivery.cancelled().is_cancelled());
        let kept = delivery
            .cancellation()
            .and_then(|cancellation| cancellation.reason);
        assert_eq!(kept.as_deref(), Some("first"));
    }

    #[test]
    fn a_cancel_reaches_a_delivery_that_a_claim_is_about_to_bring() {
        let registry = DeliveryRegistry::new();
        let claim = registry.begin_claim();
        let cancel = registry.cancel(ID, because("early"));
        drop(cancel);
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(delivery.cancelled().is_cancelled());
        drop((claim, delivery));
        let later = registry.register(ID).expect("nothing is under way");
        assert!(
            !later.cancelled().is_cancelled(),
            "the mark is forgotten after the claim"
        );
    }

    #[test]
    fn a_cancel_without_a_claim_leaves_no_mark() {
        let registry = DeliveryRegistry::new();
        drop(registry.cancel(ID, because("nobody there")));
        let later_claim = registry.begin_claim();
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(!delivery.cancelled().is_cancelled());
        drop(later_claim);
    }

    #[actix::test]
    async fn nobody_runs_once_every_running_delivery_is_dropped() {
        let registry = DeliveryRegistry::new();
        registry.none_running().await;
        let delivery = registry.register(ID).expect("nothing is under way");
        delivery.begin();
        assert_eq!(registry.running(), 1);
        drop(delivery);
        registry.none_running().await;
    }
}
