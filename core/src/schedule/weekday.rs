use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidSchedule;

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Sunday.
    Sun,
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
}

impl Weekday {
    /// All seven, from Sunday.
    pub const ALL: [Self; 7] = [
        Self::Sun,
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
    ];

    /// The short name that the JSON form has.
    pub fn short(self) -> &'static str {
        match self {
            Self::Sun => "sun",
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
        }
    }

    /// The English name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sun => "Sunday",
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
        }
    }

    /// From 0 for Sunday.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Sun => 0,
            Self::Mon => 1,
            Self::Tue => 2,
            Self::Wed => 3,
            Self::Thu => 4,
            Self::Fri => 5,
            Self::Sat => 6,
        }
    }
}

impl fmt::Display for Weekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Weekday {
    type Err = InvalidSchedule;

    /// Reads `mon` and `monday`, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_named = |day: &Self| {
            text.eq_ignore_ascii_case(day.short()) || text.eq_ignore_ascii_case(day.name())
        };
        let found = Self::ALL.into_iter().find(is_named);
        found.ok_or_else(|| {
            InvalidSchedule::new("day of the week", text, "is not one of mon, tue, … sun")
        })
    }
}

/// Some days of the week.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Weekdays(u8);

impl Weekdays {
    pub(super) fn contains(self, day: Weekday) -> bool {
        self.has_number(day.number())
    }

    /// Whether the day of that number, from 0 for Sunday, is one of them.
    pub(super) fn has_number(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn is_full(self) -> bool {
        self.0 == 0b111_1111
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL
            .into_iter()
            .filter(move |day| self.contains(*day))
    }
}

impl FromIterator<Weekday> for Weekdays {
    fn from_iter<I: IntoIterator<Item = Weekday>>(days: I) -> Self {
        let add = |set, day: Weekday| set | 1 << day.number();
        Self(days.into_iter().fold(0, add))
    }
}

/// On which day a week begins, which tells the weeks of an every-second-week schedule apart.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum WeekStart {
    /// On Sunday, the default.
    #[default]
    #[serde(rename = "sun")]
    Sunday,
    /// On Monday, as in ISO 8601.
    #[serde(rename = "mon")]
    Monday,
}
