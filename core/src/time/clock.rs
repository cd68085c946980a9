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
