use super::{Draft, IntoTime};
use crate::schedule::Schedule;
use crate::schedule::calendar::{Calendar, OnHoliday};
use crate::schedule::dates::Dates;
use crate::schedule::invalid::InvalidSchedule;
use crate::schedule::stored::StoredSchedule;
use crate::schedule::weekday::WeekStart;
use crate::time::Timestamp;

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
