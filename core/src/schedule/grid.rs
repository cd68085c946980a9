//! Instants at the same distance from each other.

use super::zone::Zone;

/// The anchor and every multiple of a step after it, in elapsed time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) seconds: i64,
}

impl Steps {
    pub(super) fn first_from(self, anchor: i64, from: i64) -> i64 {
        let passed = from - anchor;
        let steps = passed.div_euclid(self.seconds) + i64::from(passed % self.seconds != 0);
        anchor + steps * self.seconds
    }
}

/// Every so many minutes or hours, counted in elapsed time from the one the anchor is in: the instant
/// in it at which the local clock shows a certain second of it.
///
/// Counting local hours instead would make a gap of three hours out of a two-hour step whenever the
/// clocks are set forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    /// A minute or an hour, in seconds.
    pub(super) length: i64,
    pub(super) every: i64,
    /// The second of the minute or hour.
    pub(super) at: i64,
}

impl Blocks {
    pub(super) fn first_from(self, zone: Zone, anchor: i64, from: i64) -> i64 {
        let local = anchor + zone.offset(anchor);
        let first = anchor - local.rem_euclid(self.length);
        let step = self.length * self.every;
        let mut block = first + (from - first).div_euclid(step) * step;
        loop {
            if let Some(found) = self.within(zone, block, from) {
                return found;
            }
            block += step;
        }
    }

    /// The first instant of one block at or after `from` that the local clock shows as wanted: none
    /// or two of them if the clocks change by a part of a block in it.
    fn within(self, zone: Zone, block: i64, from: i64) -> Option<i64> {
        let end = block + self.length;
        let candidate = |offset: i64| {
            let into = (self.at - block - offset).rem_euclid(self.length);
            Some(block + into).filter(|at| *at >= from && *at < end && zone.offset(*at) == offset)
        };
        let (early, late) = (zone.offset(block), zone.offset(end - 1));
        let found = candidate(early);
        if early == late {
            return found;
        }
        let other = candidate(late);
        found.into_iter().chain(other).min()
    }
}
