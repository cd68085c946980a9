use std::collections::HashMap;
use std::sync::Arc;

use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

/// Who is parked until its slot, and how many may be.
#[derive(Clone, Debug)]
pub(crate) struct ParkingLot {
    most: usize,
    slots: Arc<Mutex<HashMap<TaskId, Timestamp>>>,
}

/// The place of a parked task, given up when dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct LotPlace {
    lot: ParkingLot,
    id: TaskId,
}

impl ParkingLot {
    /// Creates a lot for at most so many tasks.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            slots: Arc::default(),
        }
    }

    /// Parks a task; `None` if the lot is full.
    pub(crate) fn park(&self, id: TaskId, slot: Timestamp) -> Option<LotPlace> {
        let mut slots = self.slots.lock();
        if slots.len() >= self.most && !slots.contains_key(&id) {
            return None;
        }
        slots.insert(id, slot);
        drop(slots);
        let lot = self.clone();
        Some(LotPlace { lot, id })
    }

    /// Until when a task waits for its slot, if it does.
    pub(crate) fn slot_of(&self, id: TaskId) -> Option<Timestamp> {
        self.slots.lock().get(&id).copied()
    }

    /// How many are parked, and how many may be.
    pub(crate) fn occupancy(&self) -> (usize, usize) {
        (self.slots.lock().len(), self.most)
    }
}

impl LotPlace {
    /// The slot is another one now.
    pub(crate) fn move_to(&self, slot: Timestamp) {
        if let Some(parked) = self.lot.slots.lock().get_mut(&self.id) {
            *parked = slot;
        }
    }
}

impl Drop for LotPlace {
    fn drop(&mut self) {
        self.lot.slots.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TaskId {
        TaskId(Uuid::from_u128(number))
    }

    /// Section 8.5: ids are counted once, and the count is never negative.
    #[test]
    fn a_lot_holds_as_many_tasks_as_it_has_places() {
        let lot = ParkingLot::new(2);
        let at = Timestamp::UNIX_EPOCH;
        let first = lot.park(id(1), at).expect("there is room");
        let _second = lot.park(id(2), at).expect("there is room");
        assert!(lot.park(id(3), at).is_none());
        first.move_to(Timestamp::MAX_UTC);
        assert_eq!(lot.slot_of(id(1)), Some(Timestamp::MAX_UTC));
        assert_eq!(lot.occupancy(), (2, 2));
        drop(first);
        assert_eq!(lot.slot_of(id(1)), None);
        assert!(lot.park(id(3), at).is_some());
    }
}
