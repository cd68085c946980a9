//! Sets of dates: what a schedule leaves out, and the holidays of a calendar.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;

use super::date::{DayOfYear, date_of, day_of, parse_date, weekday_of};
use super::invalid::InvalidSchedule;
use super::weekday::{Weekday, Weekdays};

/// Some dates: a day of the week, a day of every year, one date, or all from one to another.
///
/// Written as `sat`, `12-25`, `2026-04-06` and `2026-08-01/2026-08-15`; the last day belongs to it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Dates(Shape);

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Shape {
    Weekday(Weekday),
    Yearly(DayOfYear),
    Range(NaiveDate, NaiveDate),
}

impl Dates {
    fn contains(self, day: i64, date: NaiveDate) -> bool {
        match self.0 {
            Shape::Weekday(weekday) => weekday_of(day) == weekday.number(),
            Shape::Yearly(yearly) => yearly.is(date),
            Shape::Range(first, last) => day_of(first) <= day && day <= day_of(last),
        }
    }
}

impl From<Weekday> for Dates {
    fn from(day: Weekday) -> Self {
        Self(Shape::Weekday(day))
    }
}

impl From<NaiveDate> for Dates {
    fn from(date: NaiveDate) -> Self {
        Self(Shape::Range(date, date))
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shape::Weekday(day) => f.write_str(day.short()),
            Shape::Yearly(day) => day.fmt(f),
            Shape::Range(first, last) if first == last => first.fmt(f),
            Shape::Range(first, last) => write!(f, "{first}/{last}"),
        }
    }
}

impl FromStr for Dates {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reason = "is none of `sat`, `12-25`, `2026-04-06` and `2026-08-01/2026-08-15`";
        let invalid = || InvalidSchedule::new("dates", text, reason);
        if let Some((first, last)) = text.split_once('/') {
            let (first, last) = (parse_date("dates", first)?, parse_date("dates", last)?);
            let is_ordered = first <= last;
            return is_ordered
                .then_some(Self(Shape::Range(first, last)))
                .ok_or_else(|| InvalidSchedule::new("dates", text, "ends before it begins"));
        }
        if text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            let day: Weekday = text.parse().map_err(|_| invalid())?;
            return Ok(day.into());
        }
        if text.len() == 5 {
            let (month, day) = text.split_once('-').ok_or_else(invalid)?;
            let number = |text: &str| text.parse().map_err(|_| invalid());
            let yearly = DayOfYear::new(number(month)?, number(day)?).ok_or_else(invalid)?;
            return Ok(Self(Shape::Yearly(yearly)));
        }
        Ok(parse_date("dates", text).map_err(|_| invalid())?.into())
    }
}

/// With the 29th of February.
const DAYS_OF_YEAR: usize = 366;

/// A set of [`Dates`] that leaves a day of the week and a day of the year open.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct DateSet(Vec<Dates>);

impl DateSet {
    /// The most that a set consists of.
    const MOST: usize = 4_000;

    /// In order and once.
    pub(super) fn new(
        field: &'static str,
        dates: impl IntoIterator<Item = Dates>,
    ) -> Result<Self, InvalidSchedule> {
        let mut dates: Vec<Dates> = dates.into_iter().collect();
        dates.sort_unstable();
        dates.dedup();
        if dates.len() > Self::MOST {
            let reason = format!("is more than {} dates", Self::MOST);
            return Err(InvalidSchedule::new(field, dates.len(), reason));
        }
        let set = Self(dates);
        if set.weekdays().is_full() {
            let value = "sun to sat";
            return Err(InvalidSchedule::new(
                field,
                value,
                "leaves no day of the week",
            ));
        }
        if set.leaves_no_day(&Self::default()) {
            let value = "01-01 to 12-31";
            return Err(InvalidSchedule::new(
                field,
                value,
                "leaves no day of the year",
            ));
        }
        Ok(set)
    }

    /// Whether every day is in one of the two sets, year after year.
    pub(super) fn leaves_no_day(&self, other: &Self) -> bool {
        let weekdays = self.weekdays().iter().chain(other.weekdays().iter());
        let yearly = self.iter().chain(other.iter());
        let yearly = yearly.filter(|dates| matches!(dates.0, Shape::Yearly(_)));
        let yearly: BTreeSet<Dates> = yearly.collect();
        weekdays.collect::<Weekdays>().is_full() || yearly.len() == DAYS_OF_YEAR
    }

    fn weekdays(&self) -> Weekdays {
        let weekday = |dates: &Dates| match dates.0 {
            Shape::Weekday(day) => Some(day),
            Shape::Yearly(_) | Shape::Range(..) => None,
        };
        self.0.iter().filter_map(weekday).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Dates> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn contains(&self, day: i64) -> bool {
        !self.0.is_empty()
            && date_of(day).is_some_and(|date| self.iter().any(|dates| dates.contains(day, date)))
    }

    /// The first day at or after `day` that is not in the set.
    pub(super) fn first_outside(&self, mut day: i64) -> Option<i64> {
        while let Some(date) = date_of(day) {
            let inside = self.iter().filter(|dates| dates.contains(day, date));
            let Some(end) = inside.map(|dates| dates.last_from(day)).max() else {
                return Some(day);
            };
            day = end + 1;
        }
        None
    }

    /// The last day at or before `day` that is not in the set.
    pub(super) fn last_outside(&self, mut day: i64) -> Option<i64> {
        while let Some(date) = date_of(day) {
            let inside = self.iter().filter(|dates| dates.contains(day, date));
            let Some(start) = inside.map(|dates| dates.first_until(day)).min() else {
                return Some(day);
            };
            day = start - 1;
        }
        None
    }
}

impl Dates {
    /// The last day in a row with `day`, which it contains.
    fn last_from(self, day: i64) -> i64 {
        match self.0 {
            Shape::Weekday(_) | Shape::Yearly(_) => day,
            Shape::Range(_, last) => day_of(last),
        }
    }

    /// The first day in a row with `day`, which it contains.
    fn first_until(self, day: i64) -> i64 {
        match self.0 {
            Shape::Weekday(_) | Shape::Yearly(_) => day,
            Shape::Range(first, _) => day_of(first),
        }
    }
}
