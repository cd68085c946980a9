use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::policy::{InvalidRateLimit, RateLimit};
use crate::time::{LATEST, Timestamp};

/// An instant or a span in parts of a nanosecond: as many to one as the [`Pace`] has intervals in its
/// period.
///
/// In this unit the interval between two starts is a whole number, the period in nanoseconds, so
/// nothing is ever rounded. No sum of what [`Pace`] makes comes near the ends of the type: instants
/// have at most 73 bits in nanoseconds, divisors and bursts 32, periods 59.
pub(super) type Ticks = i128;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MICRO: i128 = 1_000;

/// The figures of a valid limit: all that a bucket has to know of it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Pace {
    /// In nanoseconds.
    period: u64,
    /// Into how many intervals the period is cut.
    divisor: u32,
    burst: u32,
}

impl Pace {
    pub(super) fn of(limit: &RateLimit) -> Result<Self, InvalidRateLimit> {
        limit.validate()?;
        Ok(Self {
            // Neither happens to a valid limit.
            period: u64::try_from(limit.period().as_nanos()).unwrap_or(u64::MAX),
            divisor: limit.divisor().unwrap_or(1),
            burst: limit.burst_size(),
        })
    }

    /// Whether it can be worked with, wherever it came from.
    pub(super) fn is_valid(self) -> bool {
        self.period > 0 && self.divisor > 0 && self.burst > 0
    }

    pub(super) fn burst(self) -> u32 {
        self.burst
    }

    /// The time in which `cost` comes back.
    pub(super) fn refill(self, cost: u32) -> Ticks {
        Ticks::from(self.period) * Ticks::from(cost)
    }

    /// How far ahead of an even pace a bucket may be: the refill of all of a burst but one.
    pub(super) fn tolerance(self) -> Ticks {
        self.refill(self.burst) - self.refill(1)
    }

    /// For how long after its slot a reservation is kept for its owner.
    pub(super) fn grace(self) -> Ticks {
        self.ticks(i128::from(self.period) + 10 * NANOS_PER_SECOND)
    }

    /// What an instant that is told is rounded up by, at most.
    pub(super) fn rounding(self) -> Ticks {
        self.ticks(NANOS_PER_MICRO)
    }

    /// What is left of a budget that will be full at `full_at`.
    pub(super) fn available(self, full_at: Ticks, now: Ticks) -> u32 {
        let missing = (full_at - now).max(0);
        let room = (self.refill(self.burst) - missing).max(0);
        u32::try_from(room / Ticks::from(self.period)).unwrap_or(self.burst)
    }

    pub(super) fn at(self, instant: Timestamp) -> Ticks {
        let whole = i128::from(instant.timestamp()) * NANOS_PER_SECOND;
        self.ticks(whole + i128::from(instant.timestamp_subsec_nanos()))
    }

    pub(super) fn span(self, span: Duration) -> Ticks {
        let nanos = i128::try_from(span.as_nanos()).unwrap_or(i128::MAX);
        nanos.saturating_mul(Ticks::from(self.divisor))
    }

    /// The first whole microsecond that is not before `ticks`.
    pub(super) fn instant(self, ticks: Ticks) -> Timestamp {
        let micros = ceiling(ticks, Ticks::from(self.divisor) * NANOS_PER_MICRO);
        let after_epoch = i64::try_from(micros).ok().map(TimeDelta::microseconds);
        let instant = after_epoch.and_then(|after| Timestamp::UNIX_EPOCH.checked_add_signed(after));
        match instant {
            Some(instant) => instant.min(LATEST),
            None if ticks < 0 => Timestamp::MIN_UTC,
            None => LATEST,
        }
    }

    /// The same instant, or the next one there is, in the unit of another pace.
    pub(super) fn convert(self, instant: Ticks, to: Self) -> Ticks {
        let unit = Ticks::from(self.divisor);
        let part = instant.rem_euclid(unit) * Ticks::from(to.divisor);
        to.ticks(instant.div_euclid(unit)) + ceiling(part, unit)
    }

    /// What a debt of budget, given as the time in which it comes back, takes to come back at another
    /// pace; never more than a whole burst.
    pub(super) fn convert_debt(self, refill: Ticks, to: Self) -> Ticks {
        let (unit, refill) = (Ticks::from(self.period), refill.max(0));
        let cost = u32::try_from(refill / unit).unwrap_or(u32::MAX);
        if cost >= to.burst {
            return to.refill(to.burst);
        }
        to.refill(cost) + ceiling(refill % unit * Ticks::from(to.period), unit)
    }

    fn ticks(self, nanos: i128) -> Ticks {
        nanos * Ticks::from(self.divisor)
    }
}

fn ceiling(dividend: i128, divisor: i128) -> i128 {
    let floor = dividend.div_euclid(divisor);
    floor + i128::from(dividend.rem_euclid(divisor) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::MAX_LIMIT_SPAN;

    fn pace(limit: RateLimit) -> Pace {
        Pace::of(&limit).unwrap()
    }

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// Section 8.2: T = period/permits, tau = T*(burst-1).
    #[test]
    fn fifteen_a_minute_are_four_seconds_apart() {
        let pace = pace(RateLimit::per_minute(15));
        let start = pace.at(seconds(1_000));
        assert_eq!(pace.instant(start + pace.refill(1)), seconds(1_004));
        assert_eq!(pace.instant(start + pace.tolerance()), seconds(1_056));
    }

    #[test]
    fn seven_a_minute_do_not_drift_over_a_day() {
        let pace = pace(RateLimit::per_minute(7));
        let mut at = pace.at(seconds(0));
        for _ in 0..7 * 60 * 24 {
            at += pace.refill(1);
        }
        assert_eq!(pace.instant(at), seconds(86_400));
        let third = pace.instant(pace.refill(3));
        let expected = TimeDelta::nanoseconds(25_714_286_000);
        assert_eq!(third - seconds(0), expected, "rounded up, to a microsecond");
    }

    #[test]
    fn no_instant_and_no_limit_overflows() {
        let long = RateLimit::new(u32::MAX, MAX_LIMIT_SPAN).horizon(MAX_LIMIT_SPAN);
        let slow = RateLimit::new(1, MAX_LIMIT_SPAN).burst(u32::MAX);
        let fast = RateLimit::new(u32::MAX, Duration::from_nanos(1));
        let paces = [long, slow, fast, RateLimit::strict(1, MAX_LIMIT_SPAN)].map(pace);
        for from in paces {
            for instant in [Timestamp::MIN_UTC, seconds(0), LATEST, Timestamp::MAX_UTC] {
                let ticks = from.at(instant) + 4 * from.refill(u32::MAX) + from.grace();
                assert!(from.instant(ticks) >= instant.min(LATEST));
                assert!(from.span(MAX_LIMIT_SPAN) > 0);
                for to in paces {
                    let there = from.convert(from.at(instant), to);
                    assert_eq!(there, to.at(instant), "{from:?} {to:?}");
                    let debt = from.convert_debt(ticks - from.at(instant), to);
                    assert!((0..=to.refill(to.burst)).contains(&debt));
                }
            }
        }
        assert_eq!(paces[0].instant(i128::MIN), Timestamp::MIN_UTC);
        assert_eq!(paces[0].instant(i128::MAX), LATEST);
        assert!(paces[0].span(Duration::MAX) > 0);
    }

    #[test]
    fn what_is_converted_is_rounded_up() {
        let (seven, three) = (
            pace(RateLimit::per_minute(7)),
            pace(RateLimit::per_minute(3)),
        );
        assert_eq!(seven.convert(7, three), 3);
        assert_eq!(seven.convert(8, three), 4);
        assert_eq!(seven.convert(-8, three), -3);
        let half = seven.refill(1) / 2;
        assert_eq!(seven.convert_debt(half, three), three.refill(1) / 2);
        assert_eq!(seven.convert_debt(half + 1, three), three.refill(1) / 2 + 1);
        assert_eq!(seven.convert_debt(-5, three), 0);
    }

    #[test]
    fn what_is_left_is_counted_in_whole_starts() {
        let pace = pace(RateLimit::per_minute(15));
        let (now, step) = (pace.at(seconds(9)), pace.refill(1));
        let left = [
            (now - step, 15),
            (now, 15),
            (now + 1, 14),
            (now + step, 14),
            (now + 14 * step, 1),
            (now + 14 * step + 1, 0),
            (now + 99 * step, 0),
        ];
        for (full_at, expected) in left {
            assert_eq!(pace.available(full_at, now), expected);
        }
    }
}
