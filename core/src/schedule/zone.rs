//! Local time: from an instant to the clock on the wall and back.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::invalid::InvalidSchedule;
use crate::time::Timestamp;

const HOUR: i64 = 3_600;
/// Clocks are changed less often than that.
const LOOK: i64 = 6 * 24 * HOUR;

/// No rule of a clock is known from 2100 on.
const END_OF_RULES: i64 = 4_102_444_800;

/// The zone in whose local time a schedule is meant: UTC, or any zone of the IANA database.
///
/// The rules are those of the database this was built with. They are known until 2099; later, every
/// zone keeps the offset it has at the end of 2099.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time, the default.
    pub const UTC: Self = Self(Tz::UTC);

    /// The name in the IANA database, such as `Europe/Rome`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clocks of the zone show at an instant, with their distance from UTC.
    pub fn local(self, instant: Timestamp) -> DateTime<chrono::FixedOffset> {
        let zoned = instant.with_timezone(&self.0);
        instant.with_timezone(&zoned.offset().fix())
    }

    /// How far the clocks are ahead of UTC at an instant, in seconds.
    pub(super) fn offset(self, at: i64) -> i64 {
        if self.0 == Tz::UTC {
            return 0;
        }
        let utc = naive(at.min(END_OF_RULES));
        i64::from(
            self.0
                .offset_from_utc_datetime(&utc)
                .fix()
                .local_minus_utc(),
        )
    }

    /// The first change of the clocks in `(after, until]`.
    ///
    /// No zone changed its clocks twice within six days since 1970 (a test goes through all of them),
    /// so a look every six days finds every change. A week is too long: Gaza will change them back
    /// after six days and 23 hours in 2040.
    pub(super) fn change_in(self, after: i64, until: i64) -> Option<i64> {
        let until = until.min(END_OF_RULES);
        if self.0 == Tz::UTC {
            return None;
        }
        let offset = self.offset(after);
        let mut before = after;
        while before < until {
            let look = before.saturating_add(LOOK).min(until);
            if self.offset(look) != offset {
                return Some(self.change_between(before, look));
            }
            before = look;
        }
        None
    }

    /// The one change between two instants with different offsets.
    fn change_between(self, mut before: i64, mut after: i64) -> i64 {
        let offset = self.offset(before);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.offset(middle) == offset {
                before = middle;
            } else {
                after = middle;
            }
        }
        after
    }

    /// The instant of a local time: the first one, if the clocks show it twice, and the first after
    /// the gap, if they never do.
    pub(super) fn instant(self, local: i64) -> i64 {
        // The clocks are never further from UTC than that, and change once between the two.
        let (early, late) = (local - 26 * HOUR, local + 26 * HOUR);
        let (before, after) = (self.offset(early), self.offset(late));
        if before == after {
            return local - before;
        }
        let change = self.change_between(early, late);
        if local - before < change {
            local - before
        } else {
            (local - after).max(change)
        }
    }

    /// The least local time whose [`instant`](Self::instant) is at or after `at`.
    pub(super) fn first_local(self, at: i64) -> i64 {
        let offset = self.offset(at);
        let earlier = self.offset(at - 26 * HOUR);
        if earlier == offset {
            return at + offset;
        }
        let change = self.change_between(at - 26 * HOUR, at);
        if at == change {
            // What fell into a gap is due now, and what is shown twice was due before.
            return change + earlier;
        }
        (at + offset).max(change + earlier)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = InvalidSchedule;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        name.parse()
            .map(Self)
            .map_err(|_| InvalidSchedule::new("zone", name, "is not a zone of the IANA database"))
    }
}

fn naive(at: i64) -> NaiveDateTime {
    DateTime::from_timestamp(at, 0)
        .unwrap_or_default()
        .naive_utc()
}
