use std::time::Duration;

use crate::time::{Timestamp, later};

/// How many rows a claim takes at most: what is due while it is made has to wait for it, if the storage is
/// in memory and works on the thread of the actors.
const AT_ONCE: usize = 100;

/// How much of what is not due yet a queue holds in memory, beside its window.
///
/// What is due within the *horizon* is claimed before it is due, many rows at a time, and handed over at
/// its very instant without a look at the storage. It is held in places of its own, as many as the
/// window has for what waits: when it is due it moves to the window, however full that is. So both
/// together are bounded, and what is held ahead keeps nobody from a place in the window.
///
/// Nothing looks for such rows by itself. Somebody tells when a stored row is due ([`owe`](Self::owe)),
/// and a claim that can't take all tells it again; [`look_by`](Self::look_by) is when the queue has to
/// look at the latest.
#[derive(Clone, Debug)]
pub struct Ahead {
    capacity: usize,
    horizon: Duration,
    held: usize,
    /// The places held for a claim.
    claim: Option<usize>,
    /// No stored row that is not claimed is due before, as far as is known.
    owed: Option<Timestamp>,
}

impl Ahead {
    /// Creates an account of that many places; with a horizon of zero, nothing is held ahead.
    pub fn new(capacity: usize, horizon: Duration) -> Self {
        Self {
            capacity: if horizon.is_zero() { 0 } else { capacity },
            horizon,
            held: 0,
            claim: None,
            owed: None,
        }
    }

    /// How long before it is due something is held at most.
    pub fn horizon(&self) -> Duration {
        self.horizon
    }

    /// How many places are taken; those held for a claim do not count.
    pub fn places_taken(&self) -> usize {
        self.held.saturating_sub(self.claim.unwrap_or(0))
    }

    /// Takes a place for a live dispatch that is due at `due`; `false` means that it has to be stored
    /// only.
    pub fn take_place(&mut self, due: Timestamp, now: Timestamp) -> bool {
        let is_near = due <= later(now, self.horizon);
        if !is_near || self.held >= self.capacity {
            return false;
        }
        self.held += 1;
        true
    }

    /// Gives a place back.
    pub fn free_place(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// A stored row is due at `at`.
    pub fn owe(&mut self, at: Timestamp) {
        self.owed = Some(self.owed.map_or(at, |owed| owed.min(at)));
    }

    /// When the queue has to look for stored rows that are due, if nothing is claimed before.
    pub fn look_by(&self) -> Option<Timestamp> {
        self.owed
    }

    /// The stored rows are looked at in another way, which tells what is due next.
    pub fn forget(&mut self) {
        self.owed = None;
    }

    /// Answers how many rows to claim ahead now, if that is called for, and holds their places.
    ///
    /// That is when a stored row is due within the horizon and at least half of the places are free, so
    /// that a claim brings many rows at a time; but not so many that what is due meanwhile is late for it.
    pub fn begin_claim(&mut self, now: Timestamp) -> Option<usize> {
        let is_near = self.owed? <= later(now, self.horizon);
        let room = self.capacity.saturating_sub(self.held);
        if !is_near || self.claim.is_some() || room == 0 || room < self.capacity.div_ceil(2) {
            return None;
        }
        let rows = room.min(AT_ONCE);
        self.owed = None;
        self.held += rows;
        self.claim = Some(rows);
        Some(rows)
    }

    /// A claim took `taken` rows, each with a place now; the last is due at `last`. Unless it is
    /// `exhausted`, rows are left that are due then or later; nobody knows when, if none was taken.
    pub fn end_claim(&mut self, taken: usize, last: Option<Timestamp>, exhausted: bool) {
        let room = self.claim.take().unwrap_or(0);
        self.held = self.held.saturating_sub(room.saturating_sub(taken));
        if !exhausted {
            self.owe(last.unwrap_or(Timestamp::UNIX_EPOCH));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const HORIZON: Duration = Duration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn only_what_is_due_within_the_horizon_gets_a_place() {
        let mut ahead = Ahead::new(2, HORIZON);
        assert!(!ahead.take_place(at(11), at(0)));
        assert!(ahead.take_place(at(10), at(0)));
        assert!(ahead.take_place(at(1), at(0)));
        assert!(!ahead.take_place(at(1), at(0)), "no place is left");
        ahead.free_place();
        assert!(ahead.take_place(at(1), at(0)));
    }

    #[test]
    fn nothing_is_held_without_a_horizon() {
        let mut ahead = Ahead::new(2, Duration::ZERO);
        assert!(!ahead.take_place(at(0), at(0)));
        ahead.owe(at(0));
        assert_eq!(ahead.begin_claim(at(0)), None);
    }

    #[test]
    fn a_claim_is_called_for_when_a_stored_row_comes_within_the_horizon() {
        let mut ahead = Ahead::new(4, HORIZON);
        assert_eq!(ahead.begin_claim(at(0)), None, "nothing is stored");
        ahead.owe(at(30));
        ahead.owe(at(20));
        assert_eq!(ahead.look_by(), Some(at(20)));
        assert_eq!(ahead.begin_claim(at(9)), None, "it is too far away");
        assert_eq!(ahead.begin_claim(at(10)), Some(4));
        assert_eq!(ahead.look_by(), None);
        assert_eq!(ahead.begin_claim(at(10)), None, "a claim is under way");
        ahead.end_claim(1, Some(at(20)), true);
        assert_eq!(ahead.places_taken(), 1);
    }

    #[test]
    fn what_a_claim_left_is_owed_until_half_of_the_places_are_free() {
        let mut ahead = Ahead::new(4, HORIZON);
        ahead.owe(at(1));
        assert_eq!(ahead.begin_claim(at(0)), Some(4));
        ahead.end_claim(4, Some(at(3)), false);
        assert_eq!(ahead.look_by(), Some(at(3)));
        ahead.free_place();
        assert_eq!(ahead.begin_claim(at(0)), None);
        ahead.free_place();
        assert_eq!(ahead.begin_claim(at(0)), Some(2));
    }

    #[test]
    fn what_is_told_during_a_claim_is_not_forgotten() {
        let mut ahead = Ahead::new(4, HORIZON);
        ahead.owe(at(1));
        ahead.begin_claim(at(0));
        ahead.owe(at(2));
        ahead.end_claim(0, None, true);
        assert_eq!(ahead.begin_claim(at(0)), Some(4));
    }

    /// All that it found may be rows that nobody can read, which are put aside.
    #[test]
    fn a_claim_that_took_nothing_and_left_something_is_followed_by_another() {
        let mut ahead = Ahead::new(4, HORIZON);
        ahead.owe(at(5));
        assert_eq!(ahead.begin_claim(at(0)), Some(4));
        ahead.end_claim(0, None, false);
        assert_eq!(ahead.begin_claim(at(0)), Some(4));
    }

    #[test]
    fn no_claim_takes_so_long_that_what_is_due_meanwhile_is_late() {
        let mut ahead = Ahead::new(10_000, HORIZON);
        ahead.owe(at(1));
        assert_eq!(ahead.begin_claim(at(0)), Some(AT_ONCE));
        ahead.end_claim(AT_ONCE, Some(at(2)), false);
        assert_eq!(
            ahead.begin_claim(at(0)),
            Some(AT_ONCE),
            "the next one follows"
        );
    }

    #[test]
    fn a_single_place_is_claimed_for_when_it_is_free() {
        let mut ahead = Ahead::new(1, HORIZON);
        ahead.owe(at(1));
        assert_eq!(ahead.begin_claim(at(0)), Some(1));
        ahead.end_claim(1, Some(at(1)), false);
        assert_eq!(ahead.begin_claim(at(0)), None);
        ahead.free_place();
        assert_eq!(ahead.begin_claim(at(0)), Some(1));
    }
}
