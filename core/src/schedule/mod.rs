//! When a series runs.
//!
//! A schedule and its anchor define a set of instants; the next occurrence is the least of them
//! after a given time. Everything else (what was missed, what to do about it, when a series is over)
//! is asked of that set, so nothing drifts: an occurrence never depends on when the one before ran.

mod recurrence;

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::Timestamp;

pub use recurrence::{Occurrence, Recurrence};

/// The instants at which a series is due.
///
/// Stored as JSON; a schedule that is read back is valid.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "StoredSchedule")]
pub enum Schedule {
    /// The anchor and every multiple of a step after it.
    Every {
        /// The step in microseconds; at least one.
        step_us: i64,
    },
}

/// A schedule as it was stored, before it is checked.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum StoredSchedule {
    Every { step_us: i64 },
}

/// A schedule that makes no sense.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidSchedule {
    /// The step is shorter than a microsecond or longer than can be counted in them.
    #[error("a series can't run every {0}; the step must be from 1 µs to 292,000 years")]
    Step(String),
}

impl TryFrom<StoredSchedule> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(stored: StoredSchedule) -> Result<Self, Self::Error> {
        let StoredSchedule::Every { step_us } = stored;
        if step_us < 1 {
            return Err(InvalidSchedule::Step(format!("{step_us} µs")));
        }
        Ok(Self::Every { step_us })
    }
}

impl Schedule {
    /// The anchor and every multiple of `step` after it.
    ///
    /// # Errors
    ///
    /// Refuses a step shorter than a microsecond or longer than 292,000 years.
    pub fn every(step: Duration) -> Result<Self, InvalidSchedule> {
        match i64::try_from(step.as_micros()) {
            Ok(step_us) if step_us > 0 => Ok(Self::Every { step_us }),
            _ => Err(InvalidSchedule::Step(format!("{step:?}"))),
        }
    }

    /// The first instant after `after`, or `None` if there is none that can be written down.
    ///
    /// The anchor itself is the first of all. The cost does not depend on how long ago it was.
    pub fn next_after(&self, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        let Self::Every { step_us } = self;
        if after < anchor {
            return Some(anchor);
        }
        let passed = i128::from((after - anchor).num_seconds()) * 1_000_000
            + i128::from((after - anchor).subsec_nanos() / 1_000);
        let step = i128::from(*step_us);
        let until_next = (passed / step + 1) * step;
        let until_next = TimeDelta::microseconds(i64::try_from(until_next).ok()?);
        anchor.checked_add_signed(until_next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_timestamp_micros(micros).unwrap()
    }

    #[test]
    fn the_anchor_is_the_first_occurrence() {
        let schedule = Schedule::every(Duration::from_mins(1)).unwrap();
        assert_eq!(schedule.next_after(at(500), at(499)), Some(at(500)));
        assert_eq!(schedule.next_after(at(500), at(500)), Some(at(60_000_500)));
    }

    #[test]
    fn an_occurrence_never_depends_on_when_the_one_before_ran() {
        let schedule = Schedule::every(Duration::from_micros(7)).unwrap();
        let century = 100 * 366 * 86_400 * 1_000_000;
        for now in [0, 1, 6, 7, 8, 13, 14, century, century + 3] {
            let next = schedule.next_after(at(0), at(now)).unwrap();
            assert!(next > at(now) && next <= at(now + 7), "{now}");
            assert_eq!(next.timestamp_micros() % 7, 0);
        }
    }

    #[test]
    fn a_schedule_beyond_the_end_of_time_has_no_next_occurrence() {
        let schedule = Schedule::every(Duration::from_micros(u64::MAX >> 1)).unwrap();
        assert_eq!(schedule.next_after(at(0), at(0)), None);
    }

    #[test]
    fn a_step_that_makes_no_sense_is_refused() {
        assert!(Schedule::every(Duration::ZERO).is_err());
        assert!(Schedule::every(Duration::from_nanos(999)).is_err());
        assert!(Schedule::every(Duration::MAX).is_err());
    }

    /// Storage edge case 19: what was stored by somebody else is checked like what is built.
    #[test]
    fn a_stored_schedule_is_checked_when_it_is_read() {
        let schedule = Schedule::every(Duration::from_hours(1)).unwrap();
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(json, r#"{"kind":"every","step_us":3600000000}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        for bad in [
            r#"{"kind":"every","step_us":0}"#,
            r#"{"kind":"every","step_us":-5}"#,
            r#"{"kind":"every"}"#,
            r#"{"kind":"never"}"#,
            "null",
            "",
        ] {
            assert!(serde_json::from_str::<Schedule>(bad).is_err(), "{bad}");
        }
    }
}
