use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use futures::future::BoxFuture;

/// An instant in UTC, cut to whole microseconds wherever it is stored or compared.
///
/// Microseconds are what every supported database keeps; see [`to_micros`].
pub type Timestamp = DateTime<Utc>;

/// A pending wait on a [`Clock`]; dropping it cancels the wait.
pub type Sleep = BoxFuture<'static, ()>;

/// Tells the time and waits for it.
///
/// Every component that needs the time is given one, so that a test can run a year in a second
/// and repeat it.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Answers the present instant, cut to whole microseconds.
    fn now(&self) -> Timestamp;

    /// Answers the time since an arbitrary fixed point; it never runs backwards, unlike
    /// [`now`](Self::now), and is what durations are measured with.
    fn elapsed(&self) -> Duration;

    /// Waits for a span of monotonic time, whatever happens to the wall clock.
    fn sleep(&self, span: Duration) -> Sleep;

    /// Waits until the wall clock shows `instant` or later; returns at once if it already does.
    ///
    /// A wall clock that is set forward while waiting is noticed within a minute.
    fn sleep_until(&self, instant: Timestamp) -> Sleep;
}

/// Cuts an instant to whole microseconds, the precision that every storage keeps.
///
/// Without the cut, an instant that has been stored would differ from the one in memory.
pub fn to_micros(instant: Timestamp) -> Timestamp {
    instant
        .duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(instant)
}

/// The latest instant every database can store: the last second of the year 9999.
pub const LATEST: Timestamp = match Timestamp::from_timestamp(253_402_300_799, 0) {
    Some(instant) => instant,
    None => Timestamp::UNIX_EPOCH,
};

/// The instant `span` after another one, as it can be stored: cut to microseconds, and to the
/// [`LATEST`] there is.
pub fn later(from: Timestamp, span: Duration) -> Timestamp {
    let span = TimeDelta::from_std(span).ok();
    let instant = span.and_then(|span| from.checked_add_signed(span));
    to_micros(instant.unwrap_or(LATEST).min(LATEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_leads_beyond_what_can_be_stored() {
        let start = Timestamp::UNIX_EPOCH;
        assert_eq!(
            later(start, Duration::from_nanos(1_999)),
            start + Duration::from_micros(1)
        );
        let years = |years: u64| Duration::from_hours(24 * 366 * years);
        assert_eq!(later(start, years(8_030)), LATEST);
        assert!(later(start, years(8_000)) < LATEST);
        assert_eq!(later(start, Duration::MAX), LATEST);
        assert_eq!(later(Timestamp::MAX_UTC, Duration::ZERO), LATEST);
    }
}
