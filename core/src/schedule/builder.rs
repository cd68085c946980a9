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

use super::Schedule;
use super::calendar::{Calendar, OnHoliday};
use super::dates::Dates;
use super::invalid::InvalidSchedule;
use super::stored::{StoredSchedule, Unit};
use super::time_of_day::TimeOfDay;
use super::weekday::{WeekStart, Weekday};
use crate::time::Timestamp;

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

/// Every so many minutes.
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

impl Every {
    /// That many seconds, counted from when the series is registered.
    pub fn seconds(self) -> Draft {
        Draft(self.unit(Unit::Seconds))
    }

    /// That many minutes, counted from when the series is registered.
    pub fn minutes(self) -> EveryMinutes {
        EveryMinutes(self.unit(Unit::Minutes))
    }

    /// That many hours, counted from when the series is registered.
    pub fn hours(self) -> EveryHours {
        EveryHours(self.unit(Unit::Hours))
    }

    /// That many days.
    pub fn days(self) -> EveryDays {
        EveryDays(self.unit(Unit::Days))
    }

    /// That many weeks; on the weekday of the registration, if no other is said.
    pub fn weeks(self) -> EveryWeeks {
        EveryWeeks(self.unit(Unit::Weeks))
    }

    /// That many months; on the day of the registration, if no other is said.
    pub fn months(self) -> EveryMonths {
        EveryMonths(self.unit(Unit::Months))
    }

    fn unit(self, unit: Unit) -> StoredSchedule {
        StoredSchedule {
            every: Some(self.0),
            unit: Some(unit),
            ..StoredSchedule::default()
        }
    }
}

impl EveryMinutes {
    /// At a second of the minute, from 0 to 59.
    pub fn at_second(mut self, second: u8) -> Draft {
        self.0.at_second = Some(second.into());
        Draft(self.0)
    }
}

impl EveryHours {
    /// At a minute of the hour, from 0 to 59.
    pub fn at_minute(mut self, minute: u8) -> EveryMinutes {
        self.0.at_minute = Some(minute.into());
        EveryMinutes(self.0)
    }
}

impl EveryDays {
    /// At one time of day, such as `"09:00"`, `"09:00:30"` or `(9, 0)`.
    pub fn at(self, time: impl IntoTime) -> Draft {
        self.at_times([time])
    }

    /// At several times of day.
    pub fn at_times<T: IntoTime>(mut self, times: impl IntoIterator<Item = T>) -> Draft {
        self.0.at = Some(times.into_iter().map(IntoTime::into_time).collect());
        Draft(self.0)
    }
}

impl EveryWeeks {
    /// On one day of the week.
    pub fn on(self, day: Weekday) -> EveryDays {
        self.on_days([day])
    }

    /// On several days of the week.
    pub fn on_days(mut self, days: impl IntoIterator<Item = Weekday>) -> EveryDays {
        let days = days.into_iter().map(|day| day.short().to_owned());
        self.0.on = Some(days.collect());
        EveryDays(self.0)
    }

    /// At one time of day, on the weekday of the registration.
    pub fn at(self, time: impl IntoTime) -> Draft {
        EveryDays(self.0).at(time)
    }

    /// At several times of day, on the weekday of the registration.
    pub fn at_times<T: IntoTime>(self, times: impl IntoIterator<Item = T>) -> Draft {
        EveryDays(self.0).at_times(times)
    }
}

impl EveryMonths {
    /// On a day from 1 to 31, or on the last if the month is shorter.
    pub fn on_day(self, day: u8) -> EveryDays {
        self.on_days([day])
    }

    /// On several days from 1 to 31, in the months that have them. A single one is cut to the length
    /// of the month, as with [`on_day`](Self::on_day).
    pub fn on_days(mut self, days: impl IntoIterator<Item = u8>) -> EveryDays {
        self.0.on_days = Some(days.into_iter().map(i64::from).collect());
        EveryDays(self.0)
    }

    /// On the last day.
    pub fn on_last_day(mut self) -> EveryDays {
        self.0.on_last = Some("day".to_owned());
        EveryDays(self.0)
    }

    /// On the first of a weekday.
    pub fn on_first(mut self, day: Weekday) -> EveryDays {
        self.0.on_first = Some(day.short().to_owned());
        EveryDays(self.0)
    }

    /// On the first to fifth of a weekday; a month without a fifth is passed over.
    pub fn on_nth(mut self, nth: u8, day: Weekday) -> EveryDays {
        self.0.on_nth = Some((nth.into(), day.short().to_owned()));
        EveryDays(self.0)
    }

    /// On the last of a weekday.
    pub fn on_last(mut self, day: Weekday) -> EveryDays {
        self.0.on_last = Some(day.short().to_owned());
        EveryDays(self.0)
    }

    /// At one time of day, on the day of the registration.
    pub fn at(self, time: impl IntoTime) -> Draft {
        EveryDays(self.0).at(time)
    }

    /// At several times of day, on the day of the registration.
    pub fn at_times<T: IntoTime>(self, times: impl IntoIterator<Item = T>) -> Draft {
        EveryDays(self.0).at_times(times)
    }
}

/// What every schedule may be told, in any order and at last.
pub trait Refine: Into<Draft> {
    /// The zone whose clocks count, by its IANA name; UTC by default.
    ///
    /// A time of day that the clocks skip in spring is moved to the first instant after it, and one
    /// that they show twice in autumn is meant the first time. Seconds, minutes, hours and a cron for
    /// every hour go on with elapsed time.
    fn in_zone(self, zone: &str) -> Draft {
        refined(self, |stored| stored.zone = Some(zone.to_owned()))
    }

    /// The part of the day in which it runs; both ends belong to it, and it may go over midnight.
    fn between(self, from: impl IntoTime, to: impl IntoTime) -> Draft {
        refined(self, |stored| {
            stored.between = Some((from.into_time(), to.into_time()));
        })
    }

    /// Leaves out dates, written as [`Dates`] are.
    fn except<'a>(self, dates: impl IntoIterator<Item = &'a str>) -> Draft {
        let dates = dates.into_iter().map(str::to_owned);
        refined(self, |stored| {
            stored.except.get_or_insert_default().extend(dates);
        })
    }

    /// Leaves out one kind of dates.
    fn except_on(self, dates: impl Into<Dates>) -> Draft {
        let dates = dates.into().to_string();
        refined(self, |stored| {
            stored.except.get_or_insert_default().push(dates);
        })
    }

    /// Runs on business days, and what falls on others as `on_holiday` says.
    fn on_business_days(self, calendar: &Calendar, on_holiday: OnHoliday) -> Draft {
        refined(self, |stored| {
            stored.calendar = Some(calendar.clone());
            stored.on_holiday = Some(on_holiday);
        })
    }

    /// The day on which a week begins, which decides which weeks every second one are; Sunday by
    /// default.
    fn week_starts_on(self, start: WeekStart) -> Draft {
        refined(self, |stored| stored.week_start = Some(start))
    }

    /// The instant at and after which nothing runs.
    fn run_until(self, instant: Timestamp) -> Draft {
        refined(self, |stored| stored.run_until = Some(instant))
    }

    /// How many runs there are at most; failed ones count, skipped and interrupted ones don't.
    fn max_runs(self, runs: u32) -> Draft {
        refined(self, |stored| stored.max_runs = Some(runs.into()))
    }

    /// Checks it.
    ///
    /// # Errors
    ///
    /// Answers what is wrong with which field.
    fn build(self) -> Result<Schedule, InvalidSchedule> {
        self.into().0.try_into()
    }
}

impl<D: Into<Draft>> Refine for D {}

fn refined(draft: impl Into<Draft>, refine: impl FnOnce(&mut StoredSchedule)) -> Draft {
    let mut draft = draft.into();
    refine(&mut draft.0);
    draft
}

/// What can be said for a time of day.
pub trait IntoTime {
    /// As it is written down.
    fn into_time(self) -> String;
}

impl IntoTime for &str {
    fn into_time(self) -> String {
        self.to_owned()
    }
}

/// An hour and a minute.
impl IntoTime for (u8, u8) {
    fn into_time(self) -> String {
        format!("{:02}:{:02}", self.0, self.1)
    }
}

impl IntoTime for TimeOfDay {
    fn into_time(self) -> String {
        self.to_string()
    }
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
