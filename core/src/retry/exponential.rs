use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::{InvalidRetryPolicy, MAX_DELAY, check_delay};

/// Delays that grow from one retry to the next, up to a longest one.
///
/// The delay before retry `n` is `first` times the factor to the power of `n - 1`, and never more than
/// `max`; what jitter does to it comes after that.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Exponential {
    retries: u32,
    first: Duration,
    factor_percent: u32,
    max: Duration,
    jitter: Jitter,
}

/// The retry before which every delay that grows at all has reached the longest one: the slowest climb,
/// at 101 percent from 100 nanoseconds to [`MAX_DELAY`], takes 3,875 steps. What stands still by then
/// does so for ever.
const LONGEST_CLIMB: u32 = 4_000;

/// What chance does to a delay, so that tasks that failed together don't come back together.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Nothing.
    None,
    /// It is somewhere in its second half.
    Equal,
    /// It is anywhere between nothing and the whole of it, but never nothing.
    Full,
}

impl Exponential {
    /// That many retries, the first after `first`, each delay twice the one before, at most an hour,
    /// without jitter.
    pub fn new(retries: u32, first: Duration) -> Self {
        Self {
            retries,
            first,
            factor_percent: 200,
            max: Duration::from_hours(1).max(first),
            jitter: Jitter::None,
        }
    }

    /// How many times longer each delay is than the one before.
    #[must_use]
    pub fn factor(self, times: u32) -> Self {
        self.factor_percent(times.saturating_mul(100))
    }

    /// The same in percent: 150 makes each delay half as long again.
    #[must_use]
    pub fn factor_percent(mut self, percent: u32) -> Self {
        self.factor_percent = percent;
        self
    }

    /// The longest delay.
    #[must_use]
    pub fn max(mut self, delay: Duration) -> Self {
        self.max = delay;
        self
    }

    /// What chance does to each delay.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    pub(super) fn validate(&self) -> Result<(), InvalidRetryPolicy> {
        if self.retries == 0 {
            return Err(InvalidRetryPolicy::NoRetries);
        }
        check_delay(self.first)?;
        check_delay(self.max)?;
        if self.factor_percent < 100 {
            let percent = self.factor_percent;
            return Err(InvalidRetryPolicy::Shrinking { percent });
        }
        if self.max < self.first {
            let (first, max) = (self.first, self.max);
            return Err(InvalidRetryPolicy::MaxBelowFirst { first, max });
        }
        Ok(())
    }

    pub(super) fn delay_before(&self, retry: u32, draw: impl FnOnce() -> u64) -> Option<Duration> {
        (retry <= self.retries).then(|| self.jitter.apply(self.grown(retry), draw))
    }

    /// The delay without jitter.
    fn grown(&self, retry: u32) -> Duration {
        let max = self.max.min(MAX_DELAY).as_nanos();
        let mut nanos = self.first.as_nanos().min(max);
        for _ in 1..retry.min(LONGEST_CLIMB) {
            nanos = (nanos * u128::from(self.factor_percent) / 100).min(max);
        }
        from_nanos(nanos)
    }
}

impl Jitter {
    /// A delay is at most [`MAX_DELAY`] here, so that its product with a draw fits.
    fn apply(self, delay: Duration, draw: impl FnOnce() -> u64) -> Duration {
        let nanos = delay.as_nanos();
        let play = match self {
            Self::None => return delay,
            Self::Equal => nanos / 2,
            Self::Full => nanos,
        };
        from_nanos(nanos - ((play * u128::from(draw())) >> u64::BITS))
    }
}

fn from_nanos(nanos: u128) -> Duration {
    u64::try_from(nanos).map_or(MAX_DELAY, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(exponential: &Exponential, retries: u32) -> Vec<u64> {
        let delay = |retry| exponential.delay_before(retry, || 0).unwrap().as_secs();
        (1..=retries).map(delay).collect()
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let doubling = Exponential::new(6, SECOND).max(SECOND * 10);
        assert_eq!(seconds(&doubling, 6), [1, 2, 4, 8, 10, 10]);
        assert_eq!(doubling.delay_before(7, || 0), None);
        let hourly = Exponential::new(20, SECOND);
        assert_eq!(seconds(&hourly, 13).last(), Some(&3_600));
    }

    #[test]
    fn a_factor_is_given_in_whole_or_in_percent() {
        let tripling = Exponential::new(4, SECOND).factor(3);
        assert_eq!(seconds(&tripling, 4), [1, 3, 9, 27]);
        let by_half = Exponential::new(4, SECOND * 4).factor_percent(150);
        assert_eq!(seconds(&by_half, 4), [4, 6, 9, 13]);
        let steady = Exponential::new(3, SECOND).factor(1);
        assert_eq!(seconds(&steady, 3), [1, 1, 1]);
    }

    #[test]
    fn the_last_of_four_thousand_million_retries_is_answered_at_once() {
        for percent in [100, 101, 200, u32::MAX] {
            let long = Exponential::new(u32::MAX, Duration::from_nanos(1))
                .factor_percent(percent)
                .max(MAX_DELAY);
            let last = long.delay_before(u32::MAX, || 0).unwrap();
            assert!(last <= MAX_DELAY, "{percent}");
        }
    }

    #[test]
    fn the_slowest_growth_reaches_the_longest_delay() {
        let slow = Exponential::new(u32::MAX, Duration::from_nanos(100))
            .factor_percent(101)
            .max(MAX_DELAY);
        let before = |retry| slow.delay_before(retry, || 0).unwrap();
        assert!(before(3_875) < MAX_DELAY);
        assert_eq!(before(3_876), MAX_DELAY);
        assert_eq!(before(u32::MAX), MAX_DELAY);
    }

    #[test]
    fn jitter_takes_the_drawn_share_of_its_play() {
        let delay = Duration::from_secs(8);
        let middle = 1 << 63;
        let jittered = |jitter: Jitter, draw| jitter.apply(delay, || draw);
        assert_eq!(jittered(Jitter::None, u64::MAX), delay);
        assert_eq!(jittered(Jitter::Equal, 0), delay);
        assert_eq!(jittered(Jitter::Equal, middle), SECOND * 6);
        assert_eq!(jittered(Jitter::Full, 0), delay);
        assert_eq!(jittered(Jitter::Full, middle), SECOND * 4);
        let least = Duration::from_nanos(1);
        assert_eq!(jittered(Jitter::Full, u64::MAX), least);
        assert_eq!(jittered(Jitter::Equal, u64::MAX), SECOND * 4 + least);
    }

    #[test]
    fn growth_that_makes_no_sense_is_refused() {
        use InvalidRetryPolicy::{MaxBelowFirst, NoDelay, NoRetries, Shrinking, TooLong};
        let valid = Exponential::new(1, SECOND);
        let too_long = MAX_DELAY + SECOND;
        let below = MaxBelowFirst {
            first: SECOND,
            max: SECOND / 2,
        };
        let policies = [
            (valid.clone(), Ok(())),
            (Exponential::new(1, MAX_DELAY), Ok(())),
            (Exponential::new(0, SECOND), Err(NoRetries)),
            (Exponential::new(1, Duration::ZERO), Err(NoDelay)),
            (valid.clone().max(Duration::ZERO), Err(NoDelay)),
            (
                valid.clone().max(too_long),
                Err(TooLong { delay: too_long }),
            ),
            (valid.clone().max(SECOND), Ok(())),
            (valid.clone().max(SECOND / 2), Err(below)),
            (valid.clone().factor_percent(100), Ok(())),
            (valid.factor_percent(99), Err(Shrinking { percent: 99 })),
        ];
        for (policy, expected) in policies {
            assert_eq!(policy.validate(), expected, "{policy:?}");
        }
    }
}
