//! Cancels on their way to a delivery, and the claims that may be bringing one.

use std::sync::Arc;

use evertask_core::task::TaskId;
use tokio_util::sync::CancellationToken;

use super::{Book, DeliveryRegistry, Shared};

/// Who cancelled a task, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation {
    pub(crate) actor: Option<String>,
    pub(crate) reason: Option<String>,
}

pub(super) struct EarlyCancel {
    pub(super) cancellation: Cancellation,
    /// How many cancels are not stored yet.
    under_way: u32,
    /// Whether one of them may have ended the task, so that a delivery to come must not begin.
    is_meant: bool,
    /// Once they are stored: the last claim that may have taken the row before.
    until: Option<u64>,
    /// Whether a delivery has learned of it.
    pub(super) is_heard: bool,
    /// Fires when the mark is removed.
    pub(super) forgotten: CancellationToken,
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
    reached: Reached,
    /// Whether there was nothing to cancel.
    found_nothing: bool,
}

/// Whom a cancel has reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reached {
    /// A delivery, before any other cancel.
    First,
    /// A delivery that another cancel had reached.
    Later,
    /// Nobody: it left a mark for a delivery to come.
    Nobody,
}

impl DeliveryRegistry {
    /// Marks a task as cancelled before that is stored, and fires the token of its delivery.
    ///
    /// If there is no delivery, a claim may be about to bring one: the mark is kept until no claim
    /// that was under way before the cancel was stored can do so any more.
    pub(crate) fn cancel(&self, id: TaskId, cancellation: Cancellation) -> CancelUnderWay {
        let mut book = self.0.book.lock();
        let (was_running, reached) = if let Some(entry) = book.entries.get_mut(&id) {
            let reached = match entry.cancellation {
                None => Reached::First,
                Some(_) => Reached::Later,
            };
            entry.cancellation.get_or_insert(cancellation);
            entry.cancelled.cancel();
            (entry.running, reached)
        } else {
            let early = book.cancelled.entry(id).or_insert(EarlyCancel {
                cancellation,
                under_way: 0,
                is_meant: false,
                until: None,
                is_heard: false,
                forgotten: CancellationToken::new(),
            });
            early.under_way += 1;
            early.until = None;
            (false, Reached::Nobody)
        };
        CancelUnderWay {
            registry: Arc::clone(&self.0),
            id,
            was_running,
            reached,
            found_nothing: false,
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
}

impl CancelUnderWay {
    /// It is stored, and there was nothing to cancel: what is brought to life from here on is not meant.
    pub(crate) fn found_nothing(&mut self) {
        self.found_nothing = true;
    }

    /// Whether a delivery has learned of this cancel and may have stored it by itself.
    pub(crate) fn is_heard(&self) -> bool {
        let book = self.registry.book.lock();
        let early = book.cancelled.get(&self.id);
        self.reached == Reached::First || early.is_some_and(|early| early.is_heard)
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
        let early = book.cancelled.get_mut(&self.id);
        if let Some(early) = early.filter(|_| self.reached == Reached::Nobody) {
            early.under_way -= 1;
            early.is_meant |= !self.found_nothing;
            if early.under_way == 0 {
                early.until = Some(if early.is_meant { last_claim } else { 0 });
            }
        }
        book.forget_cancels();
    }
}
