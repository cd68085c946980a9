use std::collections::hash_map::Entry as MapEntry;
use std::fmt;
use std::sync::Arc;

use evertask_core::task::TaskId;
use tokio_util::sync::CancellationToken;

use super::cancel::Cancellation;
use super::{Book, DeliveryRegistry, Shared};

pub(super) struct Entry {
    pub(super) cancelled: CancellationToken,
    pub(super) cancellation: Option<Cancellation>,
    /// Whether it waits in memory for its instant.
    pub(super) parked: Option<Parked>,
    /// Whether it has a slot.
    started: bool,
    /// Whether its handler was entered.
    pub(super) running: bool,
    /// Fires when the entry is removed.
    pub(super) ended: CancellationToken,
}

/// A delivery that waits in memory for its instant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parked {
    /// Until then.
    Undisturbed,
    /// Until it is given back, which somebody has asked for.
    Recalled,
}

/// The entry of one delivery, removed when dropped.
#[must_use]
pub(crate) struct Registration {
    registry: Arc<Shared>,
    id: TaskId,
    cancelled: CancellationToken,
}

impl DeliveryRegistry {
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
            parked: None,
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

    /// It waits in memory for its instant, or is about to; who wants its row has it given back.
    ///
    /// It may have had a slot before: what waits for its budget before a retry has left it.
    pub(crate) fn park(&self) {
        let mut book = self.registry.book.lock();
        let Some(entry) = book.entries.get_mut(&self.id) else {
            return;
        };
        entry.parked = Some(Parked::Undisturbed);
        entry.running = false;
        if std::mem::take(&mut entry.started) {
            self.registry.started.send_modify(|started| *started -= 1);
        }
    }

    /// Whether somebody wants its row.
    pub(crate) fn is_recalled(&self) -> bool {
        let book = self.registry.book.lock();
        let entry = book.entries.get(&self.id);
        entry.is_some_and(|entry| entry.parked == Some(Parked::Recalled))
    }

    /// Its instant has come; `false` if somebody wants its row, so that it must not run.
    pub(crate) fn unpark(&self) -> bool {
        let mut book = self.registry.book.lock();
        let Some(entry) = book.entries.get_mut(&self.id) else {
            return false;
        };
        let is_undisturbed = entry.parked != Some(Parked::Recalled);
        if is_undisturbed {
            entry.parked = None;
        }
        is_undisturbed
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

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Registration")
            .field(&self.id)
            .finish()
    }
}
