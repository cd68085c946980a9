use chrono::{Datelike, NaiveDate};

use super::date::{Month, weekday_of};
use super::weekday::Weekday;

/// Months of the year.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct MonthsOfYear(u16);

impl MonthsOfYear {
    /// Whether the month, from 1 for January, is one of them; all are, if none is listed.
    pub(super) fn admits(self, month: u8) -> bool {
        self.0 == 0 || self.0 & (1 << month) != 0
    }

    /// Those that are listed, from 1 for January.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (1..=12).filter(move |month| self.0 & (1 << month) != 0)
    }
}

impl FromIterator<u8> for MonthsOfYear {
    /// The months are from 1 to 12.
    fn from_iter<I: IntoIterator<Item = u8>>(months: I) -> Self {
        Self(months.into_iter().fold(0, |set, month| set | 1 << month))
    }
}

/// Which days of a month.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum MonthDays {
    /// The one the anchor has, or the last if the month is shorter.
    OfAnchor,
    /// One from 1 to 31, or the last if the month is shorter.
    Day(u8),
    /// Several from 1 to 31, in order, where they exist.
    Days(Vec<u8>),
    /// The last.
    Last,
    /// The last of that weekday.
    LastWeekday(Weekday),
    /// The first to fifth of that weekday, where it exists.
    NthWeekday(u8, Weekday),
}

impl MonthDays {
    /// The first of them in a month, at or after its day `from`, counted from 1.
    pub(super) fn first_from(&self, month: Month, from: i64, anchor: NaiveDate) -> Option<i64> {
        let length = month.length()?;
        let clamped = |day: i64| Some(day.min(length));
        let found = match self {
            Self::OfAnchor => clamped(anchor.day().into()),
            Self::Day(day) => clamped(i64::from(*day)),
            Self::Last => Some(length),
            Self::Days(days) => {
                let mut days = days.iter().map(|day| i64::from(*day));
                days.find(|day| *day >= from && *day <= length)
            }
            Self::NthWeekday(nth, weekday) => {
                Some(first_weekday(month, *weekday)? + 7 * (i64::from(*nth) - 1))
            }
            Self::LastWeekday(weekday) => {
                let first = first_weekday(month, *weekday)?;
                Some(first + (length - first) / 7 * 7)
            }
        };
        found.filter(|day| *day >= from && *day <= length)
    }
}

fn first_weekday(month: Month, weekday: Weekday) -> Option<i64> {
    let of_first = i64::from(weekday_of(month.first_day()?));
    Some(1 + (i64::from(weekday.number()) - of_first).rem_euclid(7))
}
