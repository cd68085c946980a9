use std::collections::{BTreeMap, HashMap};

use super::pace::Ticks;
use crate::task::TaskId;

/// The slots that are booked in one bucket, in the order of their owners.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    by_place: BTreeMap<Place, Reservation>,
    places: HashMap<TaskId, Place>,
    last_number: u64,
}

/// Where an owner stands among the others, whatever becomes of its slot.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Place {
    line: Line,
    number: u64,
}

/// In which line an owner stands; the first line goes first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Line {
    /// Of those who have waited their time in another bucket and are only short of this one.
    Moved,
    /// Of those who were booked here first.
    Booked,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reservation {
    pub(super) id: TaskId,
    pub(super) slot: Ticks,
    pub(super) cost: u32,
}

impl Reservations {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, id: TaskId) -> Option<&Reservation> {
        self.by_place.get(self.places.get(&id)?)
    }

    /// Whoever stands right before `id`.
    pub(super) fn before(&self, id: TaskId) -> Option<&Reservation> {
        let place = self.places.get(&id)?;
        let before = self.by_place.range(..place).next_back();
        before.map(|(_, reservation)| reservation)
    }

    /// The last one who came from another bucket.
    pub(super) fn last_moved(&self) -> Option<&Reservation> {
        let end = Place {
            line: Line::Booked,
            number: 0,
        };
        let before = self.by_place.range(..end).next_back();
        before.map(|(_, reservation)| reservation)
    }

    /// Adds one at the end of the line of those who are booked here first.
    pub(super) fn book(&mut self, reservation: Reservation) {
        self.add(Line::Booked, reservation);
    }

    /// Adds one at the end of the line of those who come from another bucket.
    pub(super) fn take_in(&mut self, reservation: Reservation) {
        self.add(Line::Moved, reservation);
    }

    fn add(&mut self, line: Line, reservation: Reservation) {
        self.remove(reservation.id);
        self.last_number += 1;
        let number = self.last_number;
        let place = Place { line, number };
        self.places.insert(reservation.id, place);
        self.by_place.insert(place, reservation);
    }

    /// Gives its owner another slot; its place stays.
    pub(super) fn move_slot(&mut self, id: TaskId, slot: Ticks, cost: u32) {
        let place = self.places.get(&id);
        if let Some(reservation) = place.and_then(|place| self.by_place.get_mut(place)) {
            reservation.slot = slot;
            reservation.cost = cost;
        }
    }

    /// Removes one; the answer says whether it stood last.
    pub(super) fn remove(&mut self, id: TaskId) -> Option<(Reservation, bool)> {
        let place = self.places.remove(&id)?;
        let reservation = self.by_place.remove(&place)?;
        let is_last = self.by_place.range(place..).next().is_none();
        Some((reservation, is_last))
    }

    /// Removes those in front whose owner has not come for longer than `grace` after its slot.
    ///
    /// One that stands behind somebody who may still come is removed later; nothing depends on it.
    pub(super) fn purge(&mut self, now: Ticks, grace: Ticks) {
        while let Some(first) = self.by_place.first_entry()
            && first.get().slot + grace < now
        {
            let reservation = first.remove();
            self.places.remove(&reservation.id);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.by_place.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Reservation> {
        self.by_place.values_mut()
    }

    /// The later slot of the first and the last place.
    pub(super) fn outer_slot(&self) -> Option<Ticks> {
        let first = self.by_place.first_key_value()?;
        let last = self.by_place.last_key_value()?;
        Some(first.1.slot.max(last.1.slot))
    }
}
