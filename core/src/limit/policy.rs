use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest period and the farthest horizon of a limit: ten years.
pub const MAX_LIMIT_SPAN: Duration = Duration::from_hours(24 * 3_650);

/// How often tasks may start; of which tasks, a [`Scope`](super::Scope) says.
///
/// There are two kinds, and they differ in what a burst costs:
///
/// | | [`per_minute(15)`](Self::per_minute) | [`strict(15, minute)`](Self::strict) |
/// |---|---|---|
/// | at once, after a rest | 15 | 1, unless a [`burst`](Self::burst) is asked for |
/// | then | one every 4 s | one every 4 s |
/// | in the first minute | up to 29 | at most 15 |
/// | in any span of time `w`, both ends included | at most burst + ⌊w / 4 s⌋ | the same |
/// | in any minute, one of its ends left out | up to 29 | at most 15 |
///
/// The plain kind says how fast budget comes back, with a burst on top: what a service that counts
/// in a leaky or token bucket grants. Use the strict kind if somebody else counts to fifteen a
/// minute. It pays for a burst with its rate: `strict(15, minute).burst(8)` starts eight at once and
/// then one every 7.5 s, so that it is fifteen in the worst minute.
///
/// One task every four seconds is exact, and so is every other rate: seven a minute leave one every
/// 60/7 s, not a rounded number of microseconds. Only an instant that is told to somebody is rounded,
/// up to the next microsecond, and the error doesn't add up.
///
/// A limit is made without a check and [validated](Self::validate) when it is put to use.
///
/// ```
/// use std::time::Duration;
/// use evertask_core::limit::{Overflow, RateLimit};
///
/// let polite = RateLimit::per_minute(15).burst(5).start_empty(true);
/// let strict = RateLimit::strict(100, Duration::from_hours(1)).overflow(Overflow::Discard);
/// assert!(polite.validate().is_ok() && strict.validate().is_ok());
///
/// let error = RateLimit::per_second(0).validate().unwrap_err();
/// assert_eq!(error.field, "permits");
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RateLimit {
    permits: u32,
    period: Duration,
    burst: u32,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    start_empty: bool,
    #[serde(default = "default_horizon")]
    horizon: Duration,
    #[serde(default)]
    overflow: Overflow,
    #[serde(default = "default_throttle_retries")]
    throttle_retries: bool,
}

/// What becomes of a task that finds no budget.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// It waits for its slot, if that is not beyond the horizon.
    #[default]
    Wait,
    /// It is refused; nothing is booked.
    Discard,
}

/// A limit that makes no sense: which field of it, what that says, and what to do.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the rate limit's {field} `{value}` {reason}")]
pub struct InvalidRateLimit {
    /// The field, called as the method or parameter that sets it.
    pub field: &'static str,
    /// What it says.
    pub value: String,
    /// Why it can't, and what it may be.
    pub reason: &'static str,
}

impl InvalidRateLimit {
    fn new(field: &'static str, value: impl Display, reason: &'static str) -> Self {
        Self {
            field,
            value: value.to_string(),
            reason,
        }
    }
}

fn default_horizon() -> Duration {
    RateLimit::DEFAULT_HORIZON
}

fn default_throttle_retries() -> bool {
    true
}

impl RateLimit {
    /// How far ahead a slot is booked unless a limit says otherwise.
    pub const DEFAULT_HORIZON: Duration = Duration::from_hours(1);

    /// `permits` starts for every `period`, spread evenly, with as many at once after a rest.
    ///
    /// In any span of time `w`, both ends included, there are at most burst + ⌊w / T⌋ starts, where
    /// T is `period / permits`. In the first period that can be nearly twice the permits; see
    /// [`strict`](Self::strict).
    pub const fn new(permits: u32, period: Duration) -> Self {
        Self {
            permits,
            period,
            burst: permits,
            strict: false,
            start_empty: false,
            horizon: Self::DEFAULT_HORIZON,
            overflow: Overflow::Wait,
            throttle_retries: true,
        }
    }

    /// At most `permits` starts in any period, wherever it begins; one start exactly a period after
    /// another belongs to the next one.
    ///
    /// It starts them one by one, `period / permits` apart, unless a [`burst`](Self::burst) is asked
    /// for, which slows the rest down: after `b` at once it is one every `period / (permits - b + 1)`.
    pub const fn strict(permits: u32, period: Duration) -> Self {
        let mut limit = Self::new(permits, period);
        limit.burst = 1;
        limit.strict = true;
        limit
    }

    /// [`new`](Self::new) with a period of a second.
    pub const fn per_second(permits: u32) -> Self {
        Self::new(permits, Duration::from_secs(1))
    }

    /// [`new`](Self::new) with a period of a minute.
    pub const fn per_minute(permits: u32) -> Self {
        Self::new(permits, Duration::from_mins(1))
    }

    /// [`new`](Self::new) with a period of an hour.
    pub const fn per_hour(permits: u32) -> Self {
        Self::new(permits, Duration::from_hours(1))
    }

    /// How many may start at once after a rest; by default as many as there are permits, of the
    /// strict kind one.
    #[must_use]
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = burst;
        self
    }

    /// Whether a key that is new begins without its burst: one start now, then steadily.
    ///
    /// After a restart budgets are full, so around one a key may get its burst twice. This avoids
    /// it, at the price of the burst of every key that is new or was forgotten after a rest. By
    /// default `false`.
    #[must_use]
    pub const fn start_empty(mut self, start_empty: bool) -> Self {
        self.start_empty = start_empty;
        self
    }

    /// How far ahead a slot may be for a task to wait for it; one that would have to wait longer is
    /// refused. By default [`DEFAULT_HORIZON`](Self::DEFAULT_HORIZON).
    #[must_use]
    pub const fn horizon(mut self, horizon: Duration) -> Self {
        self.horizon = horizon;
        self
    }

    /// What becomes of a task that finds no budget; by default it waits.
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Whether each retry needs budget, too; by default `true`.
    #[must_use]
    pub const fn throttle_retries(mut self, throttle_retries: bool) -> Self {
        self.throttle_retries = throttle_retries;
        self
    }

    /// How many may start at once after a rest; also the most that one task may cost.
    pub const fn burst_size(&self) -> u32 {
        self.burst
    }

    /// How many starts a period allows.
    pub const fn permits(&self) -> u32 {
        self.permits
    }

    /// The period.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// Whether no period has more starts than permits.
    pub const fn is_strict(&self) -> bool {
        self.strict
    }

    /// Whether a key that is new begins without its burst.
    pub const fn starts_empty(&self) -> bool {
        self.start_empty
    }

    /// Whether a retry needs budget.
    pub const fn throttles_retries(&self) -> bool {
        self.throttle_retries
    }

    /// How far ahead a slot is booked.
    pub const fn reservation_horizon(&self) -> Duration {
        self.horizon
    }

    /// Whether a task without budget is refused rather than booked.
    pub const fn discards(&self) -> bool {
        matches!(self.overflow, Overflow::Discard)
    }

    /// Whether something that recurs this often asks for more than the limit gives in the long run,
    /// which deserves a warning: some of its occurrences will be skipped or late.
    ///
    /// An invalid limit is exceeded by nothing.
    pub fn is_exceeded_by(&self, every: Duration) -> bool {
        let Some(parts) = self.divisor() else {
            return false;
        };
        every.as_nanos().saturating_mul(u128::from(parts)) < self.period.as_nanos()
    }

    /// Into how many equal intervals the period is cut; `None` if the limit is invalid.
    pub(super) const fn divisor(&self) -> Option<u32> {
        if self.burst == 0 || self.permits == 0 {
            return None;
        }
        if !self.strict {
            return Some(self.permits);
        }
        // A half-open period sees the burst and one start per whole interval that fits into less
        // than it, so the burst has to leave room for the others.
        match self.permits.checked_sub(self.burst - 1) {
            None | Some(0) => None,
            some @ Some(_) => some,
        }
    }

    /// Answers whether the limit makes sense.
    ///
    /// # Errors
    ///
    /// Names the first field that does not, its value and what to do.
    pub fn validate(&self) -> Result<(), InvalidRateLimit> {
        let refuse =
            |field, value: &dyn Display, reason| Err(InvalidRateLimit::new(field, value, reason));
        let spans = [("period", self.period), ("horizon", self.horizon)];
        if self.permits == 0 {
            return refuse("permits", &0, "lets nothing start; use at least 1");
        }
        if self.burst == 0 {
            return refuse("burst", &0, "lets nothing start; use at least 1");
        }
        for (field, span) in spans {
            let value = format!("{span:?}");
            if span.is_zero() {
                let reason = match field {
                    "period" => "limits nothing; use more than zero, or leave the limit out",
                    _ => "books nothing; use more than zero, or Overflow::Discard",
                };
                return refuse(field, &value, reason);
            }
            if span > MAX_LIMIT_SPAN {
                return refuse(field, &value, "is too long; use at most ten years");
            }
        }
        if self.strict && self.burst > self.permits {
            let reason = "is more than the permits of a strict limit; use at most as many";
            return refuse("burst", &self.burst, reason);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Section 8.1: invalid values are construction errors.
    #[test]
    fn a_limit_that_makes_no_sense_is_refused_by_field_and_value() {
        let valid = RateLimit::per_minute(15);
        let longer = MAX_LIMIT_SPAN + Duration::from_nanos(1);
        let limits = [
            (valid, None),
            (valid.burst(u32::MAX), None),
            (RateLimit::new(u32::MAX, MAX_LIMIT_SPAN), None),
            (RateLimit::new(1, Duration::from_nanos(1)), None),
            (RateLimit::strict(15, MINUTE).burst(15), None),
            (valid.horizon(MAX_LIMIT_SPAN), None),
            (RateLimit::per_minute(0), Some(("permits", "0"))),
            (valid.burst(0), Some(("burst", "0"))),
            (RateLimit::new(1, Duration::ZERO), Some(("period", "0ns"))),
            (
                RateLimit::new(1, longer),
                Some(("period", "315360000.000000001s")),
            ),
            (valid.horizon(Duration::ZERO), Some(("horizon", "0ns"))),
            (
                valid.horizon(longer),
                Some(("horizon", "315360000.000000001s")),
            ),
            (
                RateLimit::strict(15, MINUTE).burst(16),
                Some(("burst", "16")),
            ),
        ];
        for (limit, expected) in limits {
            let error = limit.validate().err();
            let found = error
                .as_ref()
                .map(|error| (error.field, error.value.as_str()));
            assert_eq!(found, expected, "{limit:?}");
            assert_eq!(
                limit.divisor().is_none(),
                matches!(found, Some(("permits" | "burst", _)))
            );
        }
        let text = RateLimit::per_minute(0).validate().unwrap_err().to_string();
        let expected = "the rate limit's permits `0` lets nothing start; use at least 1";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_burst_is_the_permits_unless_said_otherwise_and_one_if_strict() {
        assert_eq!(RateLimit::per_minute(15).burst_size(), 15);
        assert_eq!(RateLimit::per_minute(15).burst(3).burst_size(), 3);
        assert_eq!(RateLimit::strict(15, MINUTE).burst_size(), 1);
        assert_eq!(RateLimit::strict(15, MINUTE).burst(8).divisor(), Some(8));
    }

    /// Section 8.1: a recurrence faster than period/permits deserves a warning.
    #[test]
    fn a_recurrence_faster_than_the_refill_exceeds_a_limit() {
        let limit = RateLimit::per_minute(7);
        assert!(limit.is_exceeded_by(Duration::from_nanos(8_571_428_571)));
        assert!(!limit.is_exceeded_by(Duration::from_nanos(8_571_428_572)));
        assert!(!limit.is_exceeded_by(Duration::MAX));
        assert!(!RateLimit::per_minute(0).is_exceeded_by(Duration::ZERO));
    }

    #[test]
    fn a_limit_is_read_back_and_has_defaults_where_nothing_is_said() {
        let limit = RateLimit::strict(3, MINUTE)
            .burst(2)
            .start_empty(true)
            .overflow(Overflow::Discard)
            .throttle_retries(false);
        let text = serde_json::to_string(&limit).unwrap();
        assert_eq!(serde_json::from_str::<RateLimit>(&text).unwrap(), limit);
        let least = r#"{"permits":15,"period":{"secs":60,"nanos":0},"burst":15}"#;
        let read: RateLimit = serde_json::from_str(least).unwrap();
        assert_eq!(read, RateLimit::per_minute(15));
    }
}
