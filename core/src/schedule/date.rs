//! Days as numbers, from 0 for the first of January 1970.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use super::invalid::InvalidSchedule;

pub(super) const DAY: i64 = 86_400;

/// A date, or none beyond the years that can be written down.
pub(super) fn date_of(day: i64) -> Option<NaiveDate> {
    NaiveDate::from_epoch_days(i32::try_from(day).ok()?)
}

pub(super) fn day_of(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// The day of the week, from 0 for Sunday.
pub(super) fn weekday_of(day: i64) -> u8 {
    // The first of January 1970 was a Thursday.
    u8::try_from((day + 4).rem_euclid(7)).unwrap_or_default()
}

/// A month of some year.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Month {
    /// Counted from January of the year 0.
    pub(super) number: i64,
}

impl Month {
    pub(super) fn of(date: NaiveDate) -> Self {
        let number = i64::from(date.year()) * 12 + i64::from(date.month0());
        Self { number }
    }

    /// From 1 for January.
    pub(super) fn of_year(self) -> u8 {
        u8::try_from(self.number.rem_euclid(12) + 1).unwrap_or_default()
    }

    /// The number of its first day.
    pub(super) fn first_day(self) -> Option<i64> {
        let year = i32::try_from(self.number.div_euclid(12)).ok()?;
        NaiveDate::from_ymd_opt(year, self.of_year().into(), 1).map(day_of)
    }

    pub(super) fn length(self) -> Option<i64> {
        let next = Self {
            number: self.number + 1,
        };
        Some(next.first_day()? - self.first_day()?)
    }
}

/// A date as the JSON form has it, `2026-12-24`.
pub(super) fn parse_date(field: &str, text: &str) -> Result<NaiveDate, InvalidSchedule> {
    let is_shaped = text.len() == 10 && text.is_ascii();
    let date = is_shaped.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    date.flatten()
        .ok_or_else(|| InvalidSchedule::new(field, text, "is not a date such as 2026-12-24"))
}

/// A day that every year has, or at least every leap year.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct DayOfYear {
    pub(super) month: u8,
    pub(super) day: u8,
}

impl DayOfYear {
    pub(super) fn new(month: u8, day: u8) -> Option<Self> {
        let in_leap_year = NaiveDate::from_ymd_opt(2_000, month.into(), day.into());
        in_leap_year.map(|_| Self { month, day })
    }

    pub(super) fn is(self, date: NaiveDate) -> bool {
        date.month() == u32::from(self.month) && date.day() == u32::from(self.day)
    }
}

impl fmt::Display for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}
