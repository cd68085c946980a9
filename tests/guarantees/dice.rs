//! Numbers that look random and are the same in every run.

/// `SplitMix64`: a few lines instead of a dependency.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Throws a number from 0 to `sides - 1`.
    pub(crate) fn throw(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        u32::try_from(mixed % u64::from(sides)).expect("it is less than a `u32`")
    }

    /// Brings values into another order.
    pub(crate) fn shuffle<V>(&mut self, mut values: Vec<V>) -> Vec<V> {
        let mut shuffled = Vec::new();
        while let Ok(sides @ 1..) = u32::try_from(values.len()) {
            shuffled.push(values.swap_remove(self.throw(sides) as usize));
        }
        shuffled
    }
}
