//! The places of what is held in memory until it is due.

use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::ClaimAnswer;
use evertask_core::time::Timestamp;

use super::{Account, Gate, Place};
use crate::pool::{CheckWindow, LookAhead};
use crate::supervision::tell;

/// A place for a delivery that is not due yet, given back when dropped.
#[must_use]
pub(crate) struct AheadPlace(Arc<Gate>);

impl Gate {
    /// How long before they are due its tasks are held in memory.
    pub(crate) fn horizon(&self) -> Duration {
        self.config.horizon
    }

    /// Takes a place for a live dispatch that is due soon, if there is one.
    pub(crate) fn take_place_ahead(
        self: &Arc<Self>,
        due: Timestamp,
        now: Timestamp,
    ) -> Option<AheadPlace> {
        let mut account = self.account.lock();
        let is_taken = !account.window.is_paused() && account.ahead.take_place(due, now);
        is_taken.then(|| AheadPlace(Arc::clone(self)))
    }

    /// Takes a place for a delivery that waited in memory and goes on, however full the window is.
    pub(crate) fn take_place_of_due(self: &Arc<Self>) -> Place {
        self.window().take_place_of_due();
        Place(Arc::clone(self))
    }

    /// Something that was passed over may run now: the pool looks.
    ///
    /// It looks ahead if it can: such a claim holds no places of the window, so that what is dispatched
    /// meanwhile need not be stored behind it.
    pub(crate) fn look_again(&self, now: Timestamp) {
        if self.config.horizon.is_zero() || self.window().has_backlog() {
            self.recheck();
        } else {
            tell(&self.pool, LookAhead { due: now });
        }
    }

    /// A stored row is due at `at`.
    pub(crate) fn owe(&self, at: Timestamp) {
        self.account.lock().ahead.owe(at);
    }

    /// Answers how many rows to claim ahead now, if any.
    pub(crate) fn begin_claim_ahead(&self, now: Timestamp) -> Option<usize> {
        let Account { window, ahead, .. } = &mut *self.account.lock();
        if window.has_backlog() {
            // What is due comes first; the claim that takes the last of it tells what is due next.
            ahead.forget();
            return None;
        }
        ahead.begin_claim(now)
    }

    /// Ends a claim ahead and answers the places of what it took.
    pub(crate) fn end_claim_ahead(self: &Arc<Self>, answer: &ClaimAnswer) -> Vec<AheadPlace> {
        let taken = answer.tasks.len();
        // They come in the order in which they are due, and what is left comes after.
        let last = answer.tasks.last();
        let last = last.and_then(|last| last.record.state.available_at);
        let mut account = self.account.lock();
        account.ahead.end_claim(taken, last, answer.exhausted);
        drop(account);
        (0..taken).map(|_| AheadPlace(Arc::clone(self))).collect()
    }

    /// There was no claim ahead, because nothing may be started.
    pub(crate) fn end_look_ahead(&self) {
        self.account.lock().ahead.end_claim(0, None, true);
    }

    /// When the pool has to look for stored rows that are due, if it claims none before.
    pub(crate) fn look_by(&self) -> Option<Timestamp> {
        self.account.lock().ahead.look_by()
    }
}

impl AheadPlace {
    /// The queue.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0
    }

    /// Exchanges it for a place in the window, because the delivery is due.
    pub(crate) fn into_window(self) -> Place {
        self.0.take_place_of_due()
    }
}

impl Drop for AheadPlace {
    fn drop(&mut self) {
        let has_more = {
            let ahead = &mut self.0.account.lock().ahead;
            ahead.free_place();
            ahead.look_by().is_some()
        };
        if has_more {
            tell(&self.0.pool, CheckWindow);
        }
    }
}
