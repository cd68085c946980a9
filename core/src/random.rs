//! Chance, injected like the clock, so that a test run can be repeated.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where what is left to chance comes from: the jitter of retries.
pub trait Randomness: fmt::Debug + Send + Sync + 'static {
    /// Draws a number, all of them equally likely.
    fn draw(&self) -> u64;
}

/// Numbers that differ in every process.
///
/// They spread retries; they are no secret and must not become one.
#[derive(Default)]
pub struct SystemRandomness {
    /// Its keys come from the operating system.
    keys: RandomState,
    count: AtomicU64,
}

impl SystemRandomness {
    /// Creates the source.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for SystemRandomness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SystemRandomness")
    }
}

impl Randomness for SystemRandomness {
    fn draw(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.keys.hash_one(count)
    }
}

/// Numbers that depend on the seed and a count only.
#[derive(Debug)]
pub struct SeededRandomness(AtomicU64);

impl SeededRandomness {
    /// Creates a source; sources with the same seed draw the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Randomness for SeededRandomness {
    /// `SplitMix64`, which is a step and a mix of its bits, so threads need no lock.
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed);
        let mut mixed = state.wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the published generator for the seed 0.
    #[test]
    fn a_seed_draws_the_same_numbers_on_every_machine() {
        let source = SeededRandomness::new(0);
        let drawn = [source.draw(), source.draw(), source.draw()];
        assert_eq!(
            drawn,
            [
                0xe220_a839_7b1d_cdaf,
                0x6e78_9e6a_a1b9_65f4,
                0x06c4_5d18_8009_454f
            ]
        );
    }

    #[test]
    fn the_system_draws_other_numbers_each_time_and_for_each_source() {
        let (one, other) = (SystemRandomness::new(), SystemRandomness::new());
        let drawn = [one.draw(), one.draw(), other.draw(), other.draw()];
        let different: std::collections::HashSet<_> = drawn.into_iter().collect();
        assert_eq!(different.len(), 4);
        assert_eq!(format!("{one:?}"), "SystemRandomness");
    }
}
