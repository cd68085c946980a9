use super::decision::MovedSlot;
use super::meter::Meter;
use super::pace::{Pace, Ticks};
use super::reservations::{Reservation, Reservations};
use crate::task::TaskId;
use crate::time::Timestamp;

/// The budget of one scope.
///
/// What was *granted* is kept apart from what is *planned*, which adds the bookings. A newcomer goes by
/// the plan, so that it takes nothing that is booked. An owner goes by what was granted: it may come
/// late, when the plan is history, and still no more starts than the allowance. The plan is never
/// behind what was granted.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pace: Pace,
    granted: Meter,
    planned: Meter,
    /// Absent while nothing is booked, which is most of the time for most keys.
    reservations: Option<Box<Reservations>>,
}

impl Bucket {
    pub(super) fn new(pace: Pace, start_empty: bool, now: Timestamp) -> Self {
        let mut granted = Meter(pace.at(now));
        if start_empty {
            granted.hold_until(pace, pace.at(now));
        }
        Self::with(pace, granted)
    }

    pub(super) fn with(pace: Pace, granted: Meter) -> Self {
        Self {
            pace,
            granted,
            planned: granted,
            reservations: None,
        }
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    pub(super) fn granted(&self) -> Meter {
        self.granted
    }

    /// The slot of an owner.
    pub(super) fn slot_of(&self, id: TaskId) -> Option<Ticks> {
        let reservations = self.reservations.as_deref()?;
        reservations.get(id).map(|reservation| reservation.slot)
    }

    pub(super) fn parked(&self) -> usize {
        self.reservations.as_deref().map_or(0, Reservations::len)
    }

    /// When that cost conforms for a newcomer.
    pub(super) fn earliest_new(&self, cost: u32) -> Ticks {
        self.planned.earliest(self.pace, cost)
    }

    /// When that cost conforms for an owner, after whoever stands before it.
    pub(super) fn earliest_held(&self, id: TaskId, cost: u32, now: Ticks) -> Ticks {
        let before = self.reservations.as_deref();
        self.earliest_after(before.and_then(|before| before.before(id)), cost, now)
    }

    /// When that cost conforms for somebody who has waited its time in another bucket: it goes after
    /// others like it, and before those who are booked here first.
    pub(super) fn earliest_moved(&self, cost: u32, now: Ticks) -> Ticks {
        let before = self.reservations.as_deref();
        self.earliest_after(before.and_then(Reservations::last_moved), cost, now)
    }

    fn earliest_after(&self, before: Option<&Reservation>, cost: u32, now: Ticks) -> Ticks {
        let conforming = self.granted.earliest(self.pace, cost);
        let Some(before) = before else {
            return conforming;
        };
        let mut next = before.slot + self.pace.refill(cost);
        if before.slot <= now {
            // It may come at any moment, or never. Leave it what it needs, and no more than that.
            let mut granted = self.granted;
            granted.spend(self.pace, before.slot, before.cost);
            next = next.min(granted.earliest(self.pace, cost));
        }
        next.max(conforming)
    }

    /// Spends that cost at an instant at which it conforms; a reservation is consumed.
    pub(super) fn grant(&mut self, id: TaskId, cost: u32, now: Ticks) {
        let reservation = self.remove(id);
        let slot = reservation.map(|(reservation, _)| reservation.slot);
        let conforming = self.granted.earliest(self.pace, cost);
        let exact = slot.map_or(conforming, |slot| slot.max(conforming));
        // A slot is told rounded up. Were the rounding spent, each would be told another slot.
        let is_on_time = now - exact < self.pace.rounding();
        let at = if is_on_time { exact } else { now };
        self.granted.spend(self.pace, at, cost);
        if slot.is_none() {
            self.planned.spend(self.pace, at, cost);
        }
        // A late owner has spent more than was planned for that time.
        self.planned = self.planned.max(self.granted);
    }

    /// Books the first slot that is free for a newcomer.
    pub(super) fn book(&mut self, id: TaskId, cost: u32) {
        let slot = self.earliest_new(cost);
        self.planned = Meter::after(self.pace, slot);
        self.reservations().book(Reservation { id, slot, cost });
    }

    /// Gives an owner a later slot at its place.
    pub(super) fn postpone(&mut self, id: TaskId, cost: u32, slot: Ticks) {
        self.reservations().move_slot(id, slot, cost);
        self.planned = self.planned.max(Meter::after(self.pace, slot));
    }

    /// Books a slot for somebody who has waited its time in another bucket.
    pub(super) fn take_in(&mut self, id: TaskId, cost: u32, slot: Ticks) {
        self.reservations().take_in(Reservation { id, slot, cost });
        self.planned = self.planned.max(Meter::after(self.pace, slot));
    }

    /// Gives a reservation up. Only that of the newest booking can be planned anew; another one leaves
    /// its interval unused, because those behind it have been told their slots.
    pub(super) fn release(&mut self, id: TaskId) -> bool {
        let Some((reservation, is_last)) = self.remove(id) else {
            return false;
        };
        if is_last && self.planned == Meter::after(self.pace, reservation.slot) {
            let before = self.planned.0 - self.pace.refill(reservation.cost);
            self.planned = Meter(before).max(self.granted);
        }
        true
    }

    /// Forgets reservations whose owners did not come.
    pub(super) fn purge(&mut self, now: Ticks) {
        if let Some(reservations) = self.reservations.as_deref_mut() {
            reservations.purge(now, self.pace.grace());
            self.drop_if_empty();
        }
    }

    /// Counts what was spent elsewhere.
    pub(super) fn raise(&mut self, granted: Meter) {
        self.granted = self.granted.max(granted);
        self.planned = self.planned.max(self.granted);
    }

    /// When all of the burst is back.
    pub(super) fn full_at(&self) -> Ticks {
        self.planned.0
    }

    /// Lets nothing start before `until`, and then steadily, without a burst.
    pub(super) fn pause(&mut self, until: Ticks) {
        self.granted.hold_until(self.pace, until);
        self.planned = self.planned.max(self.granted);
    }

    /// Fills the bucket; what is booked moves up.
    pub(super) fn reset(&mut self, now: Timestamp) {
        let now = self.pace.at(now);
        self.granted = Meter(now);
        self.replan(now);
    }

    /// Goes on at another pace. What is spent stays spent, what is booked is booked anew in its order,
    /// and a pause goes on.
    pub(super) fn adopt(&mut self, pace: Pace, now: Timestamp) {
        let old = std::mem::replace(&mut self.pace, pace);
        if old == pace {
            return;
        }
        let (old_now, now) = (old.at(now), pace.at(now));
        let debt = old.convert_debt(self.granted.0 - old_now, pace);
        let next = self.granted.earliest(old, 1);
        self.granted = Meter(now + debt);
        if next > old_now + old.refill(1) {
            // Starts alone never lead that far: it is a pause.
            self.granted.hold_until(pace, old.convert(next, pace));
        }
        if let Some(reservations) = self.reservations.as_deref_mut() {
            for reservation in reservations.iter_mut() {
                reservation.slot = old.convert(reservation.slot, pace);
                reservation.cost = reservation.cost.min(pace.burst());
            }
        }
        self.replan(now);
    }

    /// Gives every owner that is not due the first slot that its place allows.
    fn replan(&mut self, now: Ticks) {
        let (pace, mut planned) = (self.pace, self.granted);
        if let Some(reservations) = self.reservations.as_deref_mut() {
            // Those who are due will be judged by what was granted when they come.
            let waiting = reservations.iter_mut().filter(|each| each.slot > now);
            for reservation in waiting {
                reservation.slot = planned.earliest(pace, reservation.cost).max(now);
                planned.spend(pace, reservation.slot, reservation.cost);
            }
        }
        self.planned = planned;
    }

    /// Whether nothing would be lost if it were forgotten.
    pub(super) fn is_idle(&self, now: Ticks) -> bool {
        self.reservations.is_none() && self.planned.0 < now
    }

    /// Not before this will it be idle, if nobody releases anything.
    pub(super) fn idle_from(&self) -> Ticks {
        let booked = self.reservations.as_deref();
        let booked = booked.and_then(Reservations::outer_slot);
        let expiry = booked.map(|slot| slot + self.pace.grace());
        expiry.map_or(self.planned.0, |expiry| expiry.max(self.planned.0)) + 1
    }

    /// What is left beside what is booked.
    pub(super) fn available(&self, now: Ticks) -> u32 {
        self.pace.available(self.planned.0, now)
    }

    /// Who has which slot, in their order.
    pub(super) fn slots(&self) -> impl Iterator<Item = MovedSlot> {
        let reservations = self.reservations.iter().flat_map(|each| each.iter());
        reservations.map(|reservation| MovedSlot {
            id: reservation.id,
            slot: self.pace.instant(reservation.slot),
        })
    }

    fn reservations(&mut self) -> &mut Reservations {
        self.reservations.get_or_insert_default()
    }

    fn remove(&mut self, id: TaskId) -> Option<(Reservation, bool)> {
        let removed = self.reservations.as_deref_mut()?.remove(id);
        self.drop_if_empty();
        removed
    }

    fn drop_if_empty(&mut self) {
        if self
            .reservations
            .as_deref()
            .is_some_and(Reservations::is_empty)
        {
            self.reservations = None;
        }
    }
}
