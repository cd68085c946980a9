//! What each unit may be told, and no other.

use super::{Draft, Every, EveryDays, EveryHours, EveryMinutes, EveryMonths, EveryWeeks, IntoTime};
use crate::schedule::stored::{StoredSchedule, Unit};
use crate::schedule::weekday::Weekday;

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

    pub(super) fn unit(self, unit: Unit) -> StoredSchedule {
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
