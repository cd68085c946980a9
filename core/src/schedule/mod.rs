//! When a series runs.
//!
//! A schedule and its anchor define a set of instants; the next occurrence is the least of them
//! after a given time. Everything else (what was missed, what to do about it, when a series is over)
//! is asked of that set, so nothing drifts: an occurrence never depends on when the one before ran.

mod builder;
mod calendar;
mod check;
mod count;
mod cron;
mod date;
mod dates;
mod days;
mod describe;
mod end;
mod filter;
mod grid;
mod invalid;
mod kind;
mod months;
mod pattern;
mod policy;
mod recurrence;
mod stored;
mod time_of_day;
mod times;
mod weekday;
mod zone;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::pattern::Pattern;
use self::stored::StoredSchedule;
use crate::time::{LATEST, Timestamp};

pub use builder::{
    Draft, Every, EveryDays, EveryHours, EveryMinutes, EveryMonths, EveryWeeks, IntoTime, Refine,
    any, cron, every, every_day, every_hour, every_minute, every_month, every_second, every_week,
    in_months, on_days, on_hours,
};
pub use calendar::{Calendar, OnHoliday};
pub use dates::Dates;
pub use end::{Next, SeriesEnd};
pub use invalid::InvalidSchedule;
pub use policy::{MOST_CAUGHT_UP, Misfire, Overlap, SeriesPolicy, occurrence_id};
pub use recurrence::{Occurrence, Recurrence, UnreadableSeries};
pub use time_of_day::TimeOfDay;
pub use weekday::{WeekStart, Weekday};
pub use zone::Zone;

/// The instants at which a series is due.
///
/// Together with an anchor, the instant the series was registered at, it is a set of whole seconds
/// after that. Written as JSON, in the form that [`Schedule::from_json`] documents; a schedule that was
/// read is valid.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "StoredSchedule", into = "StoredSchedule")]
pub struct Schedule {
    rule: Rule,
    run_until: Option<Timestamp>,
    max_runs: Option<u32>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Rule {
    One(Pattern),
    /// The instants of all of them.
    Any(Vec<Pattern>),
}

impl Schedule {
    /// Every so many whole seconds, counted from the anchor.
    ///
    /// # Errors
    ///
    /// Refuses a step that is not a whole number of seconds from 1 to 4,294,967,295.
    pub fn every(step: Duration) -> Result<Self, InvalidSchedule> {
        let seconds = u32::try_from(step.as_secs()).unwrap_or_default();
        if seconds == 0 || step.subsec_nanos() != 0 {
            let reason = "is not a whole number of seconds from 1 to 4,294,967,295";
            return Err(InvalidSchedule::new("step", format!("{step:?}"), reason));
        }
        every(seconds).seconds().build()
    }

    /// Reads the JSON form: one line per kind, and what may stand beside it.
    ///
    /// | kind | example | fields |
    /// |---|---|---|
    /// | seconds | `{"every":30,"unit":"seconds"}` | counted from the anchor |
    /// | minutes | `{"every":5,"unit":"minutes","at_second":30}` | without `at_second` counted from the anchor |
    /// | hours | `{"every":2,"unit":"hours","at_minute":45,"at_second":0}` | without `at_minute` counted from the anchor |
    /// | hours of the day | `{"on_hours":[9,12],"at_minute":30}` | |
    /// | days | `{"every":2,"unit":"days","at":["09:00","14:00:30"]}` | without `at` at midnight, here and below |
    /// | weeks | `{"every":2,"unit":"weeks","on":["mon","wed"],"at":["09:00"]}` | without `on` the anchor's weekday |
    /// | months | `{"every":1,"unit":"months","on_days":[31],"at":["09:00"]}` | without a day the anchor's; one day is cut to the length of the month, several are where they exist |
    /// | | `{"every":1,"unit":"months","on_first":"mon"}` | |
    /// | | `{"every":1,"unit":"months","on_nth":[3,"tue"]}` | 1 to 5; a month without a fifth has none |
    /// | | `{"every":1,"unit":"months","on_last":"fri"}` | `"day"` is the last day |
    /// | months of the year | `{"in_months":[1,4,7,10],"on_days":[1]}` | with any of the days above |
    /// | cron | `{"cron":"0 9 * * 1-5"}` | 5 fields, 6 with seconds first, or `@daily` and its like |
    /// | several | `{"any":[{"cron":"0 9 * * 1-5"},{"cron":"0 11 * * 6"}]}` | the instants of all of them |
    ///
    /// | beside any of them | example | default |
    /// |---|---|---|
    /// | the zone whose clocks count | `"zone":"Europe/Rome"` | UTC |
    /// | the first day of a week | `"week_start":"mon"` | `"sun"` |
    /// | the time of day | `"between":["22:00","06:00"]` | all day; both ends run |
    /// | dates left out | `"except":["sun","12-25","2026-04-06","2026-08-01/2026-08-15"]` | none |
    /// | a business calendar | `"calendar":{"name":"italy","closed":["sat","sun","12-25"]}` | none |
    /// | what a closed day means | `"on_holiday":"next"`, `"previous"` | `"skip"` |
    /// | its end | `"run_until":"2027-01-01T00:00:00Z"`, `"max_runs":10` | none |
    ///
    /// # Errors
    ///
    /// Answers what is wrong with which field.
    pub fn from_json(json: &str) -> Result<Self, InvalidSchedule> {
        if !json.trim_start().starts_with('{') {
            return Err(InvalidSchedule::new("JSON", json, "is not an object"));
        }
        let stored: StoredSchedule = serde_json::from_str(json).map_err(|error| {
            InvalidSchedule::new("JSON", json, format!("can't be read: {error}"))
        })?;
        stored.try_into()
    }

    /// The instant at and after which nothing runs, if it has one.
    pub fn until(&self) -> Option<Timestamp> {
        self.run_until
    }

    /// How many runs there are at most, if they are limited.
    pub fn most_runs(&self) -> Option<u32> {
        self.max_runs
    }

    /// The same set of instants without an end.
    #[must_use]
    pub fn without_bounds(self) -> Self {
        Self {
            run_until: None,
            max_runs: None,
            ..self
        }
    }

    /// The zone in which it is meant: the first one, if it is several schedules in one.
    pub fn zone(&self) -> Zone {
        let first = self.patterns().first();
        first.map_or(Zone::UTC, |pattern| pattern.zone)
    }

    /// The first instant after both the anchor and `after`; `None` if there is none before
    /// [its end](Self::until) or [`LATEST`].
    ///
    /// The cost depends neither on how long ago the anchor was nor on how far away the next instant
    /// is, except for what is [left out](Self::from_json): that is passed over window by window.
    pub fn next_after(&self, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        self.next_ever(anchor, after.max(anchor))
    }

    /// The same without regard to where the anchor lies: the instants before it are those that would
    /// lead to the ones after it.
    pub fn next_ever(&self, anchor: Timestamp, after: Timestamp) -> Option<Timestamp> {
        // An instant is a whole second; what comes after a part of one begins with the next.
        let from = after.timestamp().checked_add(1)?;
        let anchor = anchor.timestamp();
        let until = self.run_until.map_or(LATEST, |until| until.min(LATEST));
        if from > until.timestamp() {
            return None;
        }
        let of_pattern = |pattern: &Pattern| pattern.first_from(anchor, from);
        let next = self.patterns().iter().filter_map(of_pattern).min()?;
        let next = Timestamp::from_timestamp(next, 0)?;
        let is_over = self.run_until.is_some_and(|until| next >= until);
        (!is_over && next <= LATEST).then_some(next)
    }

    /// The instants after `after`, one after the other, at most as many as there are
    /// [runs](Self::most_runs).
    pub fn preview(
        &self,
        anchor: Timestamp,
        after: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + '_ {
        let most = self.max_runs.map_or(usize::MAX, |runs| {
            usize::try_from(runs).unwrap_or(usize::MAX)
        });
        let next = move |last: &Timestamp| self.next_after(anchor, *last);
        std::iter::successors(self.next_after(anchor, after), next).take(most)
    }

    fn patterns(&self) -> &[Pattern] {
        match &self.rule {
            Rule::One(pattern) => std::slice::from_ref(pattern),
            Rule::Any(patterns) => patterns,
        }
    }
}

#[cfg(test)]
mod tests;
