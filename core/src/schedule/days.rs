//! Which days a schedule runs on.

use chrono::{Datelike, NaiveDate};

use super::calendar::{Calendar, OnHoliday};
use super::cron::CronDays;
use super::date::{Month, date_of, day_of, weekday_of};
use super::months::{MonthDays, MonthsOfYear};
use super::weekday::{WeekStart, Weekdays};

/// After as many months as the Gregorian calendar takes to repeat itself, nothing new comes.
const CYCLE: i64 = 400 * 12;

/// A set of days, in which a unit is one of it if it lies a multiple of so many from the anchor's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Days<'a> {
    Daily {
        every: i64,
    },
    Weekly {
        every: i64,
        on: Weekdays,
        start: WeekStart,
    },
    Monthly {
        every: i64,
        on: &'a MonthDays,
        months: MonthsOfYear,
    },
    Cron(&'a CronDays),
}

impl Days<'_> {
    /// The first day at or after `from`.
    pub(super) fn first_from(&self, anchor: i64, from: i64) -> Option<i64> {
        match *self {
            Self::Daily { every } => Some(from + (anchor - from).rem_euclid(every)),
            Self::Weekly { every, on, start } => Some(weekly(every, on, start, anchor, from)),
            Self::Monthly { every, on, months } => monthly(every, on, months, anchor, from),
            Self::Cron(days) => days.first_from(from),
        }
    }

    /// The same, where days on which the business is closed are treated as `on_holiday` says.
    ///
    /// A day that moves never overtakes another one, so the first that arrives is among the first
    /// that leave.
    pub(super) fn first_open(
        &self,
        calendar: Option<(&Calendar, OnHoliday)>,
        anchor: i64,
        from: i64,
    ) -> Option<i64> {
        let Some((calendar, on_holiday)) = calendar else {
            return self.first_from(anchor, from);
        };
        let closed = calendar.closed();
        match on_holiday {
            OnHoliday::Next => {
                let before = closed.last_outside(from - 1)?;
                closed.first_outside(self.first_from(anchor, before + 1)?)
            }
            OnHoliday::Previous => {
                let open = closed.first_outside(from)?;
                closed.last_outside(self.first_from(anchor, open)?)
            }
            // What is left out is left to the filter, which all kinds have.
            OnHoliday::Skip => self.first_from(anchor, from),
        }
    }
}

fn weekly(every: i64, on: Weekdays, start: WeekStart, anchor: i64, from: i64) -> i64 {
    // The first of January 1970 was a Thursday.
    let shift = match start {
        WeekStart::Sunday => 4,
        WeekStart::Monday => 3,
    };
    let week_of = |day: i64| (day + shift).div_euclid(7);
    let is_on = |day: i64| {
        let weekday = weekday_of(day);
        on.has_number(weekday) || (on.is_empty() && weekday == weekday_of(anchor))
    };
    let week = week_of(from) + (week_of(anchor) - week_of(from)).rem_euclid(every);
    let first = (week * 7 - shift).max(from);
    let this_week = (first..(week + 1) * 7 - shift).find(|day| is_on(*day));
    this_week.unwrap_or_else(|| {
        let next = (week + every) * 7 - shift;
        (next..next + 7).find(|day| is_on(*day)).unwrap_or(next)
    })
}

fn monthly(
    every: i64,
    on: &MonthDays,
    months: MonthsOfYear,
    anchor: i64,
    from: i64,
) -> Option<i64> {
    let (anchor, from) = (date_of(anchor)?, date_of(from)?);
    let of_anchor = Month::of(anchor);
    let first = Month::of(from).number;
    let first = first + (of_anchor.number - first).rem_euclid(every);
    let mut looked = 0;
    while looked < CYCLE {
        let month = Month {
            number: first + looked * every,
        };
        looked += 1;
        let day = day_in(month, from);
        if !months.admits(month.of_year()) {
            continue;
        }
        if let Some(day) = on.first_from(month, day, anchor) {
            return Some(month.first_day()? + day - 1);
        }
        // Beyond the last year there is.
        month.first_day()?;
    }
    None
}

/// The first day of a month that is not before a date.
fn day_in(month: Month, from: NaiveDate) -> i64 {
    if day_of(from) > month.first_day().unwrap_or(i64::MAX) {
        from.day().into()
    } else {
        1
    }
}
