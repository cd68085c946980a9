use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

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

struct EarlyCancel {
    cancellation: Cancellation,
    /// Once the cancel is stored: the last claim that may have taken the row before.
    until: Option<u64>,
    /// Whether a delivery has learned of it.
    is_heard: bool,
    /// Fires when the mark is removed.
    forgotten: CancellationToken,
}

struct Entry {
    cancelled: CancellationToken,
    cancellation: Option<Cancellation>,
    /// Whether it has a slot.
    started: bool,
    /// Whether its handler was entered.
    running: bool,
    /// Fires when the entry is removed.
    ended: CancellationToken,
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

/// Keeps deliveries of an id from beginning until it is dropped.
#[must_use]
pub(crate) struct Bar {
    registry: Arc<Shared>,
    id: TaskId,
}

/// A cancel under way; dropped when it is stored.
#[must_use]
pub(crate) struct CancelUnderWay {
    registry: Arc<Shared>,
    id: TaskId,
    /// Whether the handler of the task runs.
    pub(crate) was_running: bool,
    /// Whether it is the first that reached the delivery.
    is_first: bool,
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

    /// Enters an id; `None` if a delivery of it is under way or may not begin now.
    pub(crate) fn register(&self, id: TaskId) -> Option<Registration> {
        let mut book = self.0.book.lock();
        if book.barred.contains(&id) {
            return None;
        }
        let Book {
            entries, cancelled, ..
        } = &mut *book;
        let MapEntry::Vacant(vacant) = entries.entry(id) else {
            return None;
        };
        let early = cancelled.get_mut(&id).map(|early| {
            early.is_heard = true;
            early.cancellation.clone()
        });
        let cancelled = CancellationToken::new();
        if early.is_some() {
            cancelled.cancel();
        }
        vacant.insert(Entry {
            cancelled: cancelled.clone(),
            cancellation: early,
            started: false,
            running: false,
            ended: CancellationToken::new(),
        });
        Some(Registration {
            registry: Arc::clone(&self.0),
            id,
            cancelled,
        })
    }

    /// Bars an id; `None` if a delivery of it is under way.
    pub(crate) fn bar(&self, id: TaskId) -> Option<Bar> {
        let mut book = self.0.book.lock();
        let is_free = !book.entries.contains_key(&id) && book.barred.insert(id);
        is_free.then(|| Bar {
            registry: Arc::clone(&self.0),
            id,
        })
    }

    pub(crate) fn contains(&self, id: TaskId) -> bool {
        let book = self.0.book.lock();
        book.entries.contains_key(&id) || book.barred.contains(&id)
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

    /// Marks a task as cancelled before that is stored, and fires the token of its delivery.
    ///
    /// If there is no delivery, a claim may be about to bring one: the mark is kept until no claim
    /// that was under way before the cancel was stored can do so any more.
    pub(crate) fn cancel(&self, id: TaskId, cancellation: Cancellation) -> CancelUnderWay {
        let mut book = self.0.book.lock();
        let (was_running, is_first) = if let Some(entry) = book.entries.get_mut(&id) {
            let is_first = entry.cancellation.is_none();
            entry.cancellation.get_or_insert(cancellation);
            entry.cancelled.cancel();
            (entry.running, is_first)
        } else {
            let early = book.cancelled.entry(id).or_insert(EarlyCancel {
                cancellation,
                until: None,
                is_heard: false,
                forgotten: CancellationToken::new(),
            });
            early.until = None;
            (false, false)
        };
        CancelUnderWay {
            registry: Arc::clone(&self.0),
            id,
            was_running,
            is_first,
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

impl CancelUnderWay {
    /// Whether a delivery has learned of this cancel and may have stored it by itself.
    pub(crate) fn is_heard(&self) -> bool {
        let book = self.registry.book.lock();
        let early = book.cancelled.get(&self.id);
        self.is_first || early.is_some_and(|early| early.is_heard)
    }
}

impl Book {
    /// Forgets early cancels that no claim can meet any more.
    fn forget_cancels(&mut self) {
        let oldest = self.claims.first().copied().unwrap_or(u64::MAX);
        let forgotten = self
            .cancelled
            .extract_if(|_, early| early.until.is_some_and(|until| until < oldest));
        forgotten.for_each(|(_, early)| early.forgotten.cancel());
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

    /// It was given a slot: from here on a shutdown waits for its end.
    pub(crate) fn start(&self) {
        let mut book = self.registry.book.lock();
        if let Some(entry) = book.entries.get_mut(&self.id)
            && !entry.started
        {
            entry.started = true;
            self.registry.started.send_modify(|started| *started += 1);
        }
    }

    /// The handler is about to be entered; `false` if it must not be, because somebody cancelled
    /// the task and is told that it never ran.
    pub(crate) fn begin(&self) -> bool {
        let mut book = self.registry.book.lock();
        let Some(entry) = book.entries.get_mut(&self.id) else {
            return false;
        };
        if entry.cancelled.is_cancelled() {
            return false;
        }
        entry.running = true;
        true
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(removed) = self.registry.book.lock().entries.remove(&self.id) else {
            return;
        };
        if removed.started {
            self.registry.started.send_modify(|started| *started -= 1);
        }
        removed.ended.cancel();
        self.registry.tails.end_if_over(self.id);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.registry.book.lock().barred.remove(&self.id);
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
    use futures::FutureExt;
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

    #[test]
    fn no_delivery_begins_of_an_id_that_is_barred() {
        let registry = DeliveryRegistry::new();
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(registry.bar(ID).is_none());
        drop(delivery);
        let bar = registry.bar(ID).expect("nothing is under way");
        assert!(registry.register(ID).is_none());
        assert!(registry.bar(ID).is_none());
        drop(bar);
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
        assert!(delivery.begin());
        let first = registry.cancel(ID, because("first"));
        assert!(first.was_running && first.is_heard());
        let second = registry.cancel(ID, because("second"));
        assert!(second.was_running && !second.is_heard());
        assert!(delivery.cancelled().is_cancelled());
        let kept = delivery
            .cancellation()
            .and_then(|cancellation| cancellation.reason);
        assert_eq!(kept.as_deref(), Some("first"));
    }

    #[test]
    fn a_task_that_is_cancelled_before_it_begins_does_not_begin() {
        let registry = DeliveryRegistry::new();
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(!registry.cancel(ID, because("in time")).was_running);
        assert!(!delivery.begin());
    }

    #[test]
    fn a_cancel_reaches_a_delivery_that_a_claim_is_about_to_bring() {
        let registry = DeliveryRegistry::new();
        let claim = registry.begin_claim();
        let cancel = registry.cancel(ID, because("early"));
        assert!(!cancel.is_heard());
        drop(cancel);
        let late = registry.cancel(ID, because("late"));
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(late.is_heard());
        drop(late);
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
    async fn the_end_of_a_delivery_is_told_to_who_waits_for_it() {
        let registry = DeliveryRegistry::new();
        registry.ended(ID).await;
        let delivery = registry.register(ID).expect("nothing is under way");
        let ended = registry.ended(ID);
        assert!(registry.ended(ID).now_or_never().is_none());
        drop(delivery);
        ended.await;
    }

    #[actix::test]
    async fn an_id_is_quiet_when_no_delivery_and_no_cancel_is_left_of_it() {
        let registry = DeliveryRegistry::new();
        assert!(registry.is_quiet(ID));
        registry.quiet(ID).await;
        let delivery = registry.register(ID).expect("nothing is under way");
        assert!(!registry.is_quiet(ID));
        let quiet = registry.quiet(ID);
        assert!(registry.quiet(ID).now_or_never().is_none());
        drop(delivery);
        quiet.await;
        let claim = registry.begin_claim();
        drop(registry.cancel(ID, because("early")));
        assert!(!registry.is_quiet(ID), "the claim may bring the task");
        let quiet = registry.quiet(ID);
        assert!(registry.quiet(ID).now_or_never().is_none());
        drop(claim);
        quiet.await;
        assert!(registry.is_quiet(ID));
    }

    #[actix::test]
    async fn nobody_has_a_slot_once_every_started_delivery_is_dropped() {
        let registry = DeliveryRegistry::new();
        registry.none_started().await;
        let delivery = registry.register(ID).expect("nothing is under way");
        delivery.start();
        assert!(delivery.begin());
        assert_eq!(registry.started(), 1);
        drop(delivery);
        registry.none_started().await;
    }
}
