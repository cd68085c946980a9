//! Schedules that read as English.
//!
//! ```
//! use evertask_core::schedule::{Refine, Schedule, Weekday, every, every_day};
//!
//! let stock = every(2).weeks().on_days([Weekday::Mon, Weekday::Wed]).at("09:00");
//! let stock: Schedule = stock.in_zone("Europe/Rome").max_runs(10).build()?;
//! assert_eq!(
//!     stock.describe(),
//!     "every 2 weeks on Monday and Wednesday at 09:00, Europe/Rome time, up to 10 times"
//! );
//! every_day().at_times(["09:00", "14:00"]).build()?;
//! assert!(every(0).minutes().build().is_err());
//! # Ok::<(), evertask_core::schedule::InvalidSchedule>(())
//! ```

mod refine;
mod time;
mod units;

use super::Schedule;
use super::stored::{StoredSchedule, Unit};
use super::weekday::Weekday;

pub use refine::Refine;
pub use time::IntoTime;

/// A schedule that is being described; see [`every`] and its siblings.
///
/// What it says is checked by [`build`](Refine::build), and by a dispatch that is given it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Draft(StoredSchedule);

/// A number that still needs its unit.
#[derive(Clone, Debug)]
#[must_use]
pub struct Every(i64);

/// Every so many minutes, or a minute of hours, that still may be told its second.
#[derive(Clone, Debug)]
#[must_use]
pub struct EveryMinutes(StoredSchedule);

/// Every so many hours, or some hours of each day.
#[derive(Clone, Debug)]
#[must_use]
pub struct EveryHours(StoredSchedule);

/// Days that still may be told their times; midnight, if they are not.
#[derive(Clone, Debug)]
#[must_use]
pub struct EveryDays(StoredSchedule);

/// Every so many weeks.
#[derive(Clone, Debug)]
#[must_use]
pub struct EveryWeeks(StoredSchedule);

/// Every so many months, or some months of each year.
#[derive(Clone, Debug)]
#[must_use]
pub struct EveryMonths(StoredSchedule);

/// Begins a schedule that repeats after so many of a unit; from 1 on.
pub fn every(number: u32) -> Every {
    Every(number.into())
}

/// Every second, counted from when the series is registered.
pub fn every_second() -> Draft {
    every(1).seconds()
}

/// Every minute.
pub fn every_minute() -> EveryMinutes {
    every(1).minutes()
}

/// Every hour.
pub fn every_hour() -> EveryHours {
    every(1).hours()
}

/// Every day.
pub fn every_day() -> EveryDays {
    every(1).days()
}

/// Every week.
pub fn every_week() -> EveryWeeks {
    every(1).weeks()
}

/// Every month.
pub fn every_month() -> EveryMonths {
    every(1).months()
}

/// Some hours of every day, from 0 to 23.
pub fn on_hours(hours: impl IntoIterator<Item = u8>) -> EveryHours {
    EveryHours(StoredSchedule {
        on_hours: Some(hours.into_iter().map(i64::from).collect()),
        ..every(1).unit(Unit::Hours)
    })
}

/// Some days of every week.
pub fn on_days(days: impl IntoIterator<Item = Weekday>) -> EveryDays {
    every_week().on_days(days)
}

/// Some months of every year, from 1 for January.
pub fn in_months(months: impl IntoIterator<Item = u8>) -> EveryMonths {
    EveryMonths(StoredSchedule {
        in_months: Some(months.into_iter().map(i64::from).collect()),
        ..every(1).unit(Unit::Months)
    })
}

/// A cron expression of five fields, or six with the second first, or a macro such as `@daily`.
///
/// The day of the month and the day of the week have to agree, `0 0 13 * 5` is Friday the 13th.
/// Beside numbers, lists, ranges (`22-1` too) and steps there are names, `L`, `L-3`, `15W`, `LW`,
/// `5L` and `5#3`. With an hour field that begins with `*` it follows elapsed time when clocks
/// change, and otherwise the clock on the wall.
pub fn cron(text: &str) -> Draft {
    Draft(StoredSchedule {
        cron: Some(text.to_owned()),
        ..StoredSchedule::default()
    })
}

/// Several schedules in one: it runs whenever any of them does. Their ends don't count.
pub fn any<D: Into<Draft>>(parts: impl IntoIterator<Item = D>) -> Draft {
    Draft(StoredSchedule {
        any: Some(parts.into_iter().map(|part| part.into().0).collect()),
        ..StoredSchedule::default()
    })
}

/// All that it can be told is told already.
impl From<Schedule> for Draft {
    fn from(schedule: Schedule) -> Self {
        Self(schedule.into())
    }
}

macro_rules! becomes_draft {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Draft {
            fn from(kind: $kind) -> Self {
                Self(kind.0)
            }
        }
    )*};
}

becomes_draft!(EveryMinutes, EveryHours, EveryDays, EveryWeeks, EveryMonths);
