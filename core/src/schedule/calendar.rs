use serde::{Deserialize, Serialize};

use super::dates::{DateSet, Dates};
use super::invalid::InvalidSchedule;
use super::weekday::Weekday;

/// The days on which a business works: a name, the days of the week it is closed, and its holidays.
///
/// A schedule carries the whole calendar, so what is stored says by itself when it runs. A calendar
/// that changes takes effect when its series are registered again, at the next start.
///
/// ```
/// use evertask_core::schedule::{Calendar, Weekday};
///
/// let italy = Calendar::new("italy", [Weekday::Sat, Weekday::Sun], ["12-25", "2026-04-06"])?;
/// # Ok::<(), evertask_core::schedule::InvalidSchedule>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "StoredCalendar", into = "StoredCalendar")]
pub struct Calendar {
    name: String,
    closed: DateSet,
}

/// What becomes of an occurrence on a day on which the business is closed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnHoliday {
    /// It is left out, the default.
    #[default]
    Skip,
    /// It moves to the next business day, at the same time.
    Next,
    /// It moves to the business day before, at the same time.
    Previous,
}

/// A calendar as it is written down.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StoredCalendar {
    name: String,
    /// Days of the week first.
    closed: Vec<String>,
}

impl Calendar {
    /// A calendar of that name, closed on some days of the week and on the holidays, which are
    /// written as [`Dates`] are.
    ///
    /// # Errors
    ///
    /// Refuses a blank name or one of more than 100 characters, a holiday that can't be read, and a
    /// business that is always closed.
    pub fn new<'a>(
        name: &str,
        weekend: impl IntoIterator<Item = Weekday>,
        holidays: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidSchedule> {
        if name.trim().is_empty() || name.chars().count() > 100 {
            let reason = "is not a name of 1 to 100 characters";
            return Err(InvalidSchedule::new("calendar's name", name, reason));
        }
        let holidays: Result<Vec<Dates>, _> = holidays.into_iter().map(str::parse).collect();
        let weekend = weekend.into_iter().map(Dates::from);
        Ok(Self {
            name: name.to_owned(),
            closed: DateSet::new("calendar", weekend.chain(holidays?))?,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn closed(&self) -> &DateSet {
        &self.closed
    }
}

impl TryFrom<StoredCalendar> for Calendar {
    type Error = InvalidSchedule;

    fn try_from(stored: StoredCalendar) -> Result<Self, Self::Error> {
        Self::new(&stored.name, [], stored.closed.iter().map(String::as_str))
    }
}

impl From<Calendar> for StoredCalendar {
    fn from(calendar: Calendar) -> Self {
        Self {
            name: calendar.name,
            closed: calendar
                .closed
                .iter()
                .map(|dates| dates.to_string())
                .collect(),
        }
    }
}
