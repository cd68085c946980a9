use super::pace::{Pace, Ticks};

/// The theoretical arrival time of a bucket: when it will be full again, if nothing else is taken.
///
/// Each start moves it by the refill of its cost; a start conforms if that leaves it within a burst
/// of the present. A bucket has two: what was granted, and what was granted or booked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Meter(pub(super) Ticks);

impl Meter {
    /// The first instant at which that cost conforms.
    pub(super) fn earliest(self, pace: Pace, cost: u32) -> Ticks {
        self.0 - pace.tolerance() + pace.refill(cost) - pace.refill(1)
    }

    /// Takes that cost at `at`, which conforms.
    pub(super) fn spend(&mut self, pace: Pace, at: Ticks, cost: u32) {
        self.0 = self.0.max(at) + pace.refill(cost);
    }

    /// Where it is after something was started at the first instant at which it conforms.
    pub(super) fn after(pace: Pace, slot: Ticks) -> Self {
        Self(slot + pace.tolerance() + pace.refill(1))
    }

    /// Makes `from` the first instant at which the least cost conforms, if it is earlier.
    pub(super) fn hold_until(&mut self, pace: Pace, from: Ticks) {
        self.0 = self.0.max(from + pace.tolerance());
    }
}
