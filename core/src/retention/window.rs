use std::time::Duration;

use chrono::TimeDelta;

use crate::time::{Timestamp, to_micros};

/// How long something is kept.
///
/// It has a sign, because it may come from outside, where a missing variable reads as 0: what is
/// not positive keeps everything and is warned about in each cycle.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Window(TimeDelta);

impl Window {
    /// A window of whole days.
    pub fn days(days: i64) -> Self {
        let limit = if days < 0 {
            TimeDelta::MIN
        } else {
            TimeDelta::MAX
        };
        Self(TimeDelta::try_days(days).unwrap_or(limit))
    }

    /// Whether the window lets anything go.
    pub fn is_active(self) -> bool {
        self.0 > TimeDelta::zero()
    }

    /// The instant before which what the window is about is let go of.
    ///
    /// It is never before 1970: no row is older, and not every database knows earlier instants.
    pub(super) fn cutoff(self, now: Timestamp) -> Timestamp {
        let cutoff = now.checked_sub_signed(self.0).map(to_micros);
        cutoff
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .max(Timestamp::UNIX_EPOCH)
    }
}

impl From<Duration> for Window {
    fn from(span: Duration) -> Self {
        Self(TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_not_positive_is_off() {
        for off in [Window::days(0), Window::days(-1), Window::days(i64::MIN)] {
            assert!(!off.is_active(), "{off:?}");
        }
        assert!(!Window::from(Duration::ZERO).is_active());
        assert!(Window::from(Duration::from_micros(1)).is_active());
    }

    #[test]
    fn a_window_beyond_all_time_lets_nothing_go() {
        let now = Timestamp::from_timestamp(1_700_000_000, 0).unwrap_or_default();
        for endless in [Window::days(i64::MAX), Window::from(Duration::MAX)] {
            assert!(endless.is_active());
            assert_eq!(endless.cutoff(now), Timestamp::UNIX_EPOCH);
        }
        let cutoff = Window::from(Duration::from_secs(1_700_000_000)).cutoff(now);
        assert_eq!(cutoff, Timestamp::UNIX_EPOCH);
    }
}
