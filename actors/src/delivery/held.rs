use std::sync::Arc;

use evertask_core::lease::RowLease;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;

use super::arrival::Arrival;
use super::registry::Registration;
use super::trip::Delivery;
use crate::queue::{Concerned, Gate};
use crate::throttle::LotPlace;

/// A task that this process owns and that waits in memory for its instant.
pub(crate) enum Held {
    /// It is due soon, and has been claimed or dispatched a moment before.
    Arrival(Box<Arrival>),
    /// It is due and waits for its slot.
    Throttled(Box<Throttled>),
}

/// A delivery that waits for its slot: without a place in the window and without a turn.
pub(crate) struct Throttled {
    pub(crate) delivery: Delivery,
    /// What it takes a turn by when it goes on, if it needs one.
    pub(crate) concerned: Option<Concerned>,
    pub(crate) slot: Timestamp,
    pub(crate) place: LotPlace,
}

impl Held {
    pub(crate) fn id(&self) -> TaskId {
        match self {
            Self::Arrival(arrival) => arrival.id(),
            Self::Throttled(throttled) => throttled.delivery.lease.id(),
        }
    }

    /// The end of its wait.
    pub(crate) fn due(&self) -> Timestamp {
        match self {
            Self::Arrival(arrival) => arrival.due(),
            Self::Throttled(throttled) => throttled.slot,
        }
    }

    pub(crate) fn registration(&self) -> &Registration {
        match self {
            Self::Arrival(arrival) => &arrival.registration,
            Self::Throttled(throttled) => &throttled.delivery.registration,
        }
    }

    /// Its queue.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        match self {
            Self::Arrival(arrival) => arrival.place.gate(),
            Self::Throttled(throttled) => &throttled.delivery.gate,
        }
    }

    /// Its row.
    pub(crate) fn lease(&self) -> RowLease {
        match self {
            Self::Arrival(arrival) => RowLease::new(&arrival.claimed.record),
            Self::Throttled(throttled) => throttled.delivery.lease.clone(),
        }
    }

    /// The same with another slot, if it waits for one.
    pub(crate) fn moved_to(mut self, slot: Timestamp) -> Self {
        if let Self::Throttled(throttled) = &mut self {
            throttled.slot = slot;
            throttled.place.move_to(slot);
        }
        self
    }
}
