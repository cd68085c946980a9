use super::cron::Cron;
use super::days::Days;
use super::grid::{Blocks, Steps};
use super::months::{MonthDays, MonthsOfYear};
use super::time_of_day::TimeOfDay;
use super::times::Times;
use super::weekday::{WeekStart, Weekdays};

/// What repeats, before anything is left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Seconds {
        every: u32,
    },
    Minutes {
        every: u32,
        at_second: Option<u8>,
    },
    Hours {
        every: u32,
        at: Option<MinuteOfHour>,
    },
    /// Some hours of every day.
    OnHours {
        hours: Vec<u8>,
        at: MinuteOfHour,
    },
    Days {
        every: u32,
        at: Vec<TimeOfDay>,
    },
    Weeks {
        every: u32,
        /// That of the anchor, if there are none.
        on: Weekdays,
        start: WeekStart,
        at: Vec<TimeOfDay>,
    },
    Months {
        every: u32,
        on: MonthDays,
        months: MonthsOfYear,
        at: Vec<TimeOfDay>,
    },
    Cron(Box<Cron>),
}

/// A minute of an hour, and a second of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct MinuteOfHour {
    pub(super) minute: u8,
    pub(super) second: u8,
}

impl MinuteOfHour {
    fn seconds(self) -> i64 {
        i64::from(self.minute) * 60 + i64::from(self.second)
    }
}

/// How the instants of a kind come about.
#[derive(Debug)]
pub(super) enum Pace<'a> {
    /// By the time that passes.
    Steps(Steps),
    /// By the time that passes, at a second of the local minute or hour.
    Blocks(Blocks),
    /// By the calendar and the clock on the wall.
    Wall(Days<'a>, Times),
    /// By the calendar and every time the clock on the wall shows it.
    EachPass(Days<'a>, Times),
}

impl Kind {
    /// Whether its instants are days with the same times of the clock on the wall.
    pub(super) fn is_by_day(&self) -> bool {
        matches!(self.pace(), Pace::Wall(..))
    }

    pub(super) fn pace(&self) -> Pace<'_> {
        let steps = |every: u32, seconds: i64| {
            Pace::Steps(Steps {
                seconds: i64::from(every) * seconds,
            })
        };
        let blocks = |every: u32, length: i64, at: i64| {
            Pace::Blocks(Blocks {
                length,
                every: every.into(),
                at,
            })
        };
        match self {
            Self::Seconds { every } => steps(*every, 1),
            Self::Minutes {
                every,
                at_second: None,
            } => steps(*every, 60),
            Self::Hours { every, at: None } => steps(*every, 3_600),
            Self::Minutes {
                every,
                at_second: Some(second),
            } => blocks(*every, 60, (*second).into()),
            Self::Hours {
                every,
                at: Some(at),
            } => blocks(*every, 3_600, at.seconds()),
            Self::OnHours { hours, at } => {
                let bit = |bits, hour: &u8| bits | 1 << hour;
                let times = Times::Product {
                    hours: hours.iter().fold(0, bit),
                    minutes: 1 << at.minute,
                    seconds: 1 << at.second,
                };
                Pace::Wall(Days::Daily { every: 1 }, times)
            }
            Self::Days { every, at } => {
                let every = (*every).into();
                Pace::Wall(Days::Daily { every }, Times::list(at))
            }
            Self::Weeks {
                every,
                on,
                start,
                at,
            } => {
                let days = Days::Weekly {
                    every: (*every).into(),
                    on: *on,
                    start: *start,
                };
                Pace::Wall(days, Times::list(at))
            }
            Self::Months {
                every,
                on,
                months,
                at,
            } => {
                let days = Days::Monthly {
                    every: (*every).into(),
                    on,
                    months: *months,
                };
                Pace::Wall(days, Times::list(at))
            }
            Self::Cron(cron) => {
                let (days, times) = (Days::Cron(&cron.days), cron.times.clone());
                if cron.is_interval() {
                    Pace::EachPass(days, times)
                } else {
                    Pace::Wall(days, times)
                }
            }
        }
    }
}
