use std::time::Duration;

use super::call::{Call, Method};
use super::plan::{Fault, FaultPlan};
use crate::storage::StorageErrorKind;

/// How often calls go wrong, each as a share of a thousand calls.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultRates {
    /// Calls that fail as [`StorageErrorKind::Transient`].
    pub failing: u16,
    /// Groups that fail as [`StorageErrorKind::Rejected`].
    pub rejecting: u16,
    /// Calls that take their time.
    pub late: u16,
    /// Calls whose reply is lost.
    pub losing: u16,
    /// How long a late call waits at most.
    pub longest_delay: Duration,
}

impl FaultRates {
    /// A bad day: about one call in six goes wrong, none is rejected.
    pub const BAD_DAY: Self = Self {
        failing: 60,
        rejecting: 0,
        late: 50,
        losing: 60,
        longest_delay: Duration::from_secs(2),
    };
}

/// Faults that follow from a number.
///
/// What goes wrong with a call depends on the seed, its method and its number among the calls of
/// that method, so reads on another thread don't change what happens to the writes.
#[derive(Clone, Copy, Debug)]
pub struct SeededFaults {
    seed: u64,
    rates: FaultRates,
}

impl SeededFaults {
    /// Faults of that seed, as frequent as said.
    pub fn new(seed: u64, rates: FaultRates) -> Self {
        Self { seed, rates }
    }
}

impl FaultPlan for SeededFaults {
    fn fault(&self, call: &Call<'_>) -> Option<Fault> {
        let method = 1 + call.method as u64;
        let mut draw = Draw(scatter(
            self.seed ^ scatter(method) ^ scatter(call.number << 8),
        ));
        let rates = &self.rates;
        let mut chance = draw.below(1_000);
        let mut hits = |rate: u16| {
            let hit = chance < u64::from(rate);
            chance = chance.wrapping_sub(u64::from(rate));
            hit
        };
        if hits(rates.failing) {
            return Some(Fault::Fail(StorageErrorKind::Transient));
        }
        if hits(rates.losing) {
            return Some(Fault::LoseReply {
                committed: draw.below(4) > 0,
                gone_for: u32::try_from(draw.below(3)).unwrap_or_default(),
            });
        }
        if hits(rates.late) {
            return Some(if draw.below(2) == 0 {
                Fault::Yield(u32::try_from(draw.below(64)).unwrap_or_default())
            } else {
                let longest = u64::try_from(rates.longest_delay.as_micros()).unwrap_or(u64::MAX);
                Fault::Delay(Duration::from_micros(draw.below(longest.max(1))))
            });
        }
        let is_rejected = hits(rates.rejecting) && call.method == Method::Apply;
        is_rejected.then_some(Fault::Fail(StorageErrorKind::Rejected))
    }
}

/// Numbers that follow from the first one.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = scatter(self.0);
        self.0 % end
    }
}

/// Maps neighbouring numbers far apart, one to one.
fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seed: u64, rates: FaultRates) -> Vec<Option<Fault>> {
        let plan = SeededFaults::new(seed, rates);
        let calls = (1..=10_000).map(|number| Call {
            method: Method::Apply,
            number,
            group: None,
        });
        calls.map(|call| plan.fault(&call)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_faults() {
        let rates = FaultRates::BAD_DAY;
        assert_eq!(faults(7, rates), faults(7, rates));
        assert_ne!(faults(7, rates), faults(8, rates));
    }

    #[test]
    fn faults_are_about_as_frequent_as_asked_for() {
        let rates = FaultRates {
            rejecting: 30,
            ..FaultRates::BAD_DAY
        };
        let faults = faults(1, rates);
        let share = |wanted: fn(&Fault) -> bool| {
            faults
                .iter()
                .flatten()
                .filter(|fault| wanted(fault))
                .count()
                / 10
        };
        let failing = share(|fault| *fault == Fault::Fail(StorageErrorKind::Transient));
        assert!((50..70).contains(&failing), "{failing}");
        let rejecting = share(|fault| *fault == Fault::Fail(StorageErrorKind::Rejected));
        assert!((20..40).contains(&rejecting), "{rejecting}");
        let losing = share(|fault| matches!(fault, Fault::LoseReply { .. }));
        assert!((50..70).contains(&losing), "{losing}");
        let late = share(|fault| matches!(fault, Fault::Delay(_) | Fault::Yield(_)));
        assert!((40..60).contains(&late), "{late}");
    }
}
