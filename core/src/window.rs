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

/// The places of one queue and what is known about its stored rows.
#[derive(Clone, Debug)]
pub struct Window {
    capacity: usize,
    parallelism: usize,
    places: usize,
    running: usize,
    paused: bool,
    backlog: bool,
    spilling: usize,
    /// Inserts without a place that were made and may not have been claimed yet.
    spilled: usize,
    spills: u64,
    claim: Option<Claim>,
    exhausted_at: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    room: usize,
    spills: u64,
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
            spilling: 0,
            spilled: 0,
            spills: 0,
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
    pub fn end_spill(&mut self) {
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

    /// Answers how many rows to claim now, if a claim is called for, and holds their places.
    ///
    /// A claim is called for when at most half of the capacity is waiting, so that a claim brings
    /// many rows at a time, and when it could find something the last short one did not.
    pub fn begin_claim(&mut self) -> Option<usize> {
        let waiting = self.places.saturating_sub(self.running);
        let in_vain = self.exhausted_at == Some(self.spills);
        if !self.backlog || self.claim.is_some() || in_vain || waiting > self.capacity / 2 {
            return None;
        }
        let room = self.room();
        if room == 0 {
            return None;
        }
        self.places += room;
        self.claim = Some(Claim {
            room,
            spills: self.spills,
        });
        Some(room)
    }

    /// A claim took `taken` rows, each with a place now; the other places held for it are free.
    pub fn end_claim(&mut self, taken: usize, exhausted: bool) {
        let Some(claim) = self.claim.take() else {
            return;
        };
        self.places = self.places.saturating_sub(claim.room.saturating_sub(taken));
        self.spilled = self.spilled.saturating_sub(taken);
        if !exhausted {
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
            self.exhausted_at = Some(claim.spills);
        }
    }

    /// A claim failed, or nobody knows what it took: its places are free and the flag stays set.
    pub fn fail_claim(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.places = self.places.saturating_sub(claim.room);
        }
        self.set_backlog();
    }

    fn room(&self) -> usize {
        (self.capacity + self.parallelism).saturating_sub(self.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_window(capacity: usize, parallelism: usize) -> Window {
        let mut window = Window::new(capacity, parallelism);
        assert_eq!(window.begin_claim(), Some(capacity + parallelism));
        window.end_claim(0, true);
        window
    }

    #[test]
    fn no_live_dispatch_gets_a_place_before_the_stored_rows_were_looked_at() {
        let mut window = Window::new(4, 2);
        assert!(!window.take_place());
    }

    #[test]
    fn a_short_claim_opens_the_window() {
        let mut window = open_window(1, 2);
        assert!(!window.has_backlog());
        assert!((0..3).all(|_| window.take_place()));
        assert!(!window.take_place());
    }

    #[test]
    fn a_spill_that_is_under_way_keeps_the_flag_set() {
        let mut window = open_window(1, 1);
        window.begin_spill();
        assert_eq!(
            window.begin_claim(),
            None,
            "the last short claim is as good as a new one"
        );
        window.end_spill();
        assert_eq!(window.begin_claim(), Some(2));
        window.begin_spill();
        window.end_claim(1, true);
        assert!(window.take_slot());
        assert!(window.has_backlog());
        assert_eq!(
            window.begin_claim(),
            None,
            "the spill has not been reported yet"
        );
        window.end_spill();
        assert_eq!(window.begin_claim(), Some(1));
        window.end_claim(0, true);
        assert!(!window.has_backlog());
    }

    #[test]
    fn a_window_whose_room_is_held_for_a_claim_is_not_full() {
        let mut window = Window::new(1, 1);
        assert_eq!(window.begin_claim(), Some(2));
        assert!(!window.is_full());
        window.begin_spill();
        assert!(!window.is_full());
        window.begin_spill();
        assert!(window.is_full());
        window.end_claim(0, true);
        window.end_spill();
        window.end_spill();
        assert!(window.is_full(), "what was stored waits to be claimed");
        assert_eq!(window.begin_claim(), Some(2));
        window.end_claim(2, true);
        window.free_place();
        assert!(!window.is_full());
    }

    #[test]
    fn a_failed_claim_gives_its_places_back_and_can_be_repeated() {
        let mut window = Window::new(3, 1);
        assert_eq!(window.begin_claim(), Some(4));
        assert_eq!(window.begin_claim(), None);
        window.fail_claim();
        assert_eq!(window.places(), 0);
        assert_eq!(window.begin_claim(), Some(4));
    }

    #[test]
    fn a_paused_window_hands_out_neither_places_nor_slots() {
        let mut window = open_window(1, 1);
        assert!(window.take_place());
        window.set_paused(true);
        assert!(!window.take_place());
        assert!(!window.take_slot());
        window.set_paused(false);
        assert!(window.take_slot());
        assert!(!window.take_place(), "the stored rows come first");
        assert_eq!(window.begin_claim(), Some(1));
        window.end_claim(0, true);
        assert!(window.take_place());
    }

    #[test]
    fn a_look_in_vain_is_not_repeated_before_something_is_stored() {
        let mut window = Window::new(1, 1);
        window.set_paused(true);
        assert_eq!(window.begin_claim(), Some(2));
        window.end_look();
        assert_eq!(window.begin_claim(), None);
        assert_eq!(window.places(), 0);
        window.begin_spill();
        window.end_spill();
        assert_eq!(window.begin_claim(), Some(2));
        window.end_look();
        window.set_paused(false);
        assert_eq!(window.begin_claim(), Some(2));
    }

    #[test]
    fn what_was_given_back_still_counts_towards_a_full_window() {
        let mut window = open_window(1, 1);
        assert!(window.take_place() && window.take_place());
        window.set_paused(true);
        window.give_back(2);
        window.free_place();
        window.free_place();
        assert!(window.is_full());
    }

    #[test]
    fn a_smaller_parallelism_stops_nobody_and_lets_fewer_begin() {
        let mut window = open_window(4, 3);
        assert!((0..4).all(|_| window.take_place()));
        assert!((0..3).all(|_| window.take_slot()));
        window.set_parallelism(1);
        for _ in 0..2 {
            window.free_slot();
            window.free_place();
            assert!(!window.take_slot(), "{} run", window.running());
        }
        window.free_slot();
        assert!(window.take_slot());
        window.set_parallelism(2);
        assert!(window.take_slot());
    }

    #[test]
    fn claims_wait_until_half_of_the_capacity_is_free() {
        let mut window = Window::new(4, 1);
        assert_eq!(window.begin_claim(), Some(5));
        window.end_claim(5, false);
        assert!(window.take_slot());
        assert_eq!(window.begin_claim(), None);
        window.free_place();
        window.free_slot();
        assert!(window.take_slot());
        window.free_place();
        window.free_slot();
        assert!(window.take_slot());
        assert_eq!(window.begin_claim(), Some(2));
    }
}
