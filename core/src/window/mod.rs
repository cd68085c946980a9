//! The bounded window of a worker queue, as arithmetic.
//!
//! A queue holds at most `capacity + parallelism` deliveries in memory; everything beyond that
//! stays stored. A *place* in the window is taken before a row is inserted or claimed and kept until
//! its delivery ends. While the *backlog flag* is set, stored rows may be waiting: no dispatch gets
//! a place, so that nothing overtakes them, and the pool claims until a claim comes back short.
//!
//! A *paused* window hands out neither places nor slots. Its flag stays set, so that what is dispatched
//! meanwhile is stored and waits for its turn behind what was stored before.
//!
//! The flag clears only on a short claim that was issued after the last spilled insert was reported
//! and while none is under way: any other short claim may have missed one.
//!
//! What waits in the window is started by [`Rank`], and claims come by rank, too. A claim normally
//! waits until half of the window is free, which is long for a task that ranks before what is in there.
//! So a spill that does is claimed at once, and finds as many places on top as handlers run at once:
//! however full the window is of what comes after it, such a task waits for a claim and a slot.

mod ahead;

use crate::rank::Rank;

pub use ahead::Ahead;

/// The places of one queue and what is known about its stored rows.
#[derive(Clone, Debug)]
pub struct Window {
    capacity: usize,
    parallelism: usize,
    places: usize,
    running: usize,
    paused: bool,
    backlog: bool,
    /// Stored rows may be waiting of which no live dispatch is taken, so they keep nobody else from
    /// a place.
    recheck: bool,
    spilling: usize,
    /// Inserts without a place that were made and may not have been claimed yet.
    spilled: usize,
    spills: u64,
    /// No stored row that was not claimed ranks before this one, as far as is known.
    best_stored: Option<Rank>,
    claim: Option<Claim>,
    exhausted_at: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    room: usize,
    spills: u64,
    best_stored: Option<Rank>,
}

impl Window {
    /// Creates an empty window with the flag set: nobody has looked at the stored rows yet.
    pub fn new(capacity: usize, parallelism: usize) -> Self {
        Self {
            capacity,
            parallelism,
            places: 0,
            running: 0,
            paused: false,
            backlog: true,
            recheck: false,
            spilling: 0,
            spilled: 0,
            spills: 0,
            best_stored: None,
            claim: None,
            exhausted_at: None,
        }
    }

    /// Whether stored rows may be waiting.
    pub fn has_backlog(&self) -> bool {
        self.backlog
    }

    /// How many deliveries hold a place, the running ones included.
    pub fn places(&self) -> usize {
        self.places
    }

    /// How many deliveries hold a place; what is held for a claim does not count.
    pub fn places_taken(&self) -> usize {
        let held = self.claim.map_or(0, |claim| claim.room);
        self.places.saturating_sub(held)
    }

    /// How many handlers run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// How many handlers may run.
    pub fn parallelism(&self) -> usize {
        self.parallelism
    }

    /// Changes how many handlers may run; those that run go on, even if they are too many now.
    pub fn set_parallelism(&mut self, parallelism: usize) {
        self.parallelism = parallelism;
    }

    /// Whether nothing may start.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Hands out nothing any more, or begins again to do so. Either way the stored rows have to be
    /// looked at before the next place is taken.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        self.set_backlog();
    }

    /// Takes a place for a live dispatch; `false` means that it has to be stored only.
    pub fn take_place(&mut self) -> bool {
        if self.paused || self.backlog || self.room() == 0 {
            return false;
        }
        self.places += 1;
        true
    }

    /// Whether nothing more fits beside what has a place and what has just been stored for one.
    ///
    /// A window from which no place can be taken, because stored rows have to be looked at first,
    /// need not be full: the room held for a claim does not count.
    pub fn is_full(&self) -> bool {
        let taken = self.places_taken() + self.spilling + self.spilled;
        taken >= self.capacity + self.parallelism
    }

    /// Takes a place for what was claimed [ahead](Ahead) and is due now, however full the window is: it
    /// has waited long enough, and there is a limit to how much was claimed ahead.
    pub fn take_place_of_due(&mut self) {
        self.places += 1;
    }

    /// Gives a place back.
    pub fn free_place(&mut self) {
        self.places = self.places.saturating_sub(1);
    }

    /// Takes a slot to run a handler in; `false` means that all are busy.
    pub fn take_slot(&mut self) -> bool {
        if self.paused || self.running >= self.parallelism {
            return false;
        }
        self.running += 1;
        true
    }

    /// Gives a slot back.
    pub fn free_slot(&mut self) {
        self.running = self.running.saturating_sub(1);
    }

    /// An insert without a place is about to be made.
    pub fn begin_spill(&mut self) {
        self.spilling += 1;
        self.backlog = true;
    }

    /// An insert without a place has been made, or has failed.
    pub fn end_spill(&mut self, rank: Rank) {
        self.best_stored = earlier(self.best_stored, Some(rank));
        self.spilling = self.spilling.saturating_sub(1);
        self.spilled += 1;
        self.spills += 1;
        self.backlog = true;
    }

    /// That many deliveries were given back to the storage; their places are freed one by one.
    pub fn give_back(&mut self, deliveries: usize) {
        self.spilled += deliveries;
        self.set_backlog();
    }

    /// Stored rows may be waiting, for another reason than a spill.
    pub fn set_backlog(&mut self) {
        self.spills += 1;
        self.backlog = true;
    }

    /// Rows that found no turn may have one now. They have waited longer than what is in the window.
    pub fn set_recheck(&mut self) {
        self.spills += 1;
        self.recheck = true;
        self.best_stored = Some(Rank::FIRST);
    }

    /// Answers how many rows to claim now, if a claim is called for, and holds their places.
    ///
    /// A claim is called for when it could find something the last short one did not, and when at
    /// most half of the capacity is waiting, so that a claim brings many rows at a time. The latter
    /// makes no difference if what is stored may rank before `last`, the last one that waits in the
    /// window.
    pub fn begin_claim(&mut self, last: Option<Rank>) -> Option<usize> {
        let waiting = self.places.saturating_sub(self.running);
        let in_vain = self.exhausted_at == Some(self.spills);
        let overtakes = self
            .best_stored
            .zip(last)
            .is_some_and(|(stored, last)| stored < last);
        let is_busy = waiting > self.capacity / 2 && !overtakes;
        let is_wanted = self.backlog || self.recheck;
        if !is_wanted || self.claim.is_some() || in_vain || is_busy {
            return None;
        }
        let on_top = if overtakes { self.parallelism } else { 0 };
        let room = (self.capacity + self.parallelism + on_top).saturating_sub(self.places);
        if room == 0 {
            return None;
        }
        self.places += room;
        self.recheck = false;
        self.claim = Some(Claim {
            room,
            spills: self.spills,
            best_stored: self.best_stored.take(),
        });
        Some(room)
    }

    /// A claim took `taken` rows, each with a place now; the other places held for it are free. The
    /// last one it took ranks at `last`.
    pub fn end_claim(&mut self, taken: usize, last: Option<Rank>, exhausted: bool) {
        let Some(claim) = self.claim.take() else {
            return;
        };
        self.places = self.places.saturating_sub(claim.room.saturating_sub(taken));
        self.spilled = self.spilled.saturating_sub(taken);
        if !exhausted {
            self.backlog = true;
            // What it left comes after what it took.
            self.best_stored = earlier(self.best_stored, last);
            return;
        }
        self.exhausted_at = Some(claim.spills);
        if claim.spills == self.spills && self.spilling == 0 {
            self.backlog = false;
            self.spilled = 0;
        }
    }

    /// Instead of a claim there was only a look, which found that nothing may be claimed: there is no
    /// reason for the next one before something else is stored.
    pub fn end_look(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.places = self.places.saturating_sub(claim.room);
            self.best_stored = earlier(self.best_stored, claim.best_stored);
            self.exhausted_at = Some(claim.spills);
        }
    }

    /// A claim failed, or nobody knows what it took: its places are free and the flag stays set.
    pub fn fail_claim(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.places = self.places.saturating_sub(claim.room);
            self.best_stored = earlier(self.best_stored, claim.best_stored);
        }
        self.set_backlog();
    }

    fn room(&self) -> usize {
        (self.capacity + self.parallelism).saturating_sub(self.places)
    }
}

/// The earlier of two ranks, of which either may be unknown.
fn earlier(one: Option<Rank>, other: Option<Rank>) -> Option<Rank> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod order;
#[cfg(test)]
mod tests;
