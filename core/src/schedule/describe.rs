//! A schedule in words.

use std::fmt::Display;

use super::Schedule;
use super::calendar::OnHoliday;
use super::kind::{Kind, MinuteOfHour};
use super::months::{MonthDays, MonthsOfYear};
use super::pattern::Pattern;
use super::time_of_day::TimeOfDay;
use super::weekday::{WeekStart, Weekdays};
use super::zone::Zone;
use crate::time::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Schedule {
    /// What it says in English, such as "every 2 weeks on Monday and Wednesday at 09:00, Europe/Rome
    /// time, up to 10 times".
    pub fn describe(&self) -> String {
        let parts: Vec<String> = self.patterns().iter().map(Pattern::describe).collect();
        let until = |until: Timestamp| format!("until {}", until.format("%Y-%m-%d %H:%M:%S UTC"));
        let runs = |runs| match runs {
            1 => "once".to_owned(),
            runs => format!("up to {runs} times"),
        };
        let ends = [self.run_until.map(until), self.max_runs.map(runs)];
        clauses([Some(parts.join("; and "))].into_iter().chain(ends))
    }
}

impl Pattern {
    fn describe(&self) -> String {
        let between = self.between;
        let except = (!self.except.is_empty()).then(|| list(self.except.iter()));
        clauses([
            Some(self.kind.describe()),
            between.map(|between| format!("between {} and {}", between.from, between.to)),
            self.calendar.as_ref().map(|(calendar, on_holiday)| {
                let how = match on_holiday {
                    OnHoliday::Skip => "on business days",
                    OnHoliday::Next => "moved to the next business day",
                    OnHoliday::Previous => "moved to the previous business day",
                };
                format!("{how} of {}", calendar.name())
            }),
            except.map(|except| format!("except {except}")),
            (self.zone != Zone::UTC).then(|| format!("{} time", self.zone)),
        ])
    }
}

fn clauses(clauses: impl IntoIterator<Item = Option<String>>) -> String {
    let said: Vec<String> = clauses.into_iter().flatten().collect();
    said.join(", ")
}

impl Kind {
    fn describe(&self) -> String {
        match self {
            Self::Seconds { every } => each(*every, "second"),
            Self::Minutes { every, at_second } => {
                let second = at_second.map(|second| format!(" at second {second}"));
                each(*every, "minute") + &second.unwrap_or_default()
            }
            Self::Hours { every, at } => {
                let minute = at.map(|at| format!(" at {}", at.describe()));
                each(*every, "hour") + &minute.unwrap_or_default()
            }
            Self::OnHours { hours, at } => {
                let times = hours.iter().map(|hour| {
                    let time = TimeOfDay::new(*hour, at.minute, at.second);
                    time.unwrap_or_default()
                });
                format!("every day at {}", list(times))
            }
            Self::Days { every, at } => each(*every, "day") + &at_times(at),
            Self::Weeks {
                every,
                on,
                start,
                at,
            } => {
                let start = match start {
                    WeekStart::Monday if *every > 1 => " (weeks from Monday)",
                    WeekStart::Monday | WeekStart::Sunday => "",
                };
                each(*every, "week") + &on_weekdays(*on) + &at_times(at) + start
            }
            Self::Months {
                every,
                on,
                months,
                at,
            } => each(*every, "month") + &on.describe() + &in_months(*months) + &at_times(at),
            Self::Cron(cron) => format!("on the cron expression {cron}"),
        }
    }
}

impl MinuteOfHour {
    fn describe(self) -> String {
        match self.second {
            0 => format!("minute {}", self.minute),
            second => format!("minute {} and second {second}", self.minute),
        }
    }
}

impl MonthDays {
    fn describe(&self) -> String {
        match self {
            Self::OfAnchor => String::new(),
            Self::Day(day) => format!(" on day {day}"),
            Self::Days(days) => format!(" on days {}", list(days)),
            Self::Last => " on the last day".to_owned(),
            Self::LastWeekday(day) => format!(" on the last {day}"),
            Self::NthWeekday(nth, day) => {
                let nth = match nth {
                    1 => "first",
                    2 => "second",
                    3 => "third",
                    4 => "fourth",
                    _ => "fifth",
                };
                format!(" on the {nth} {day}")
            }
        }
    }
}

fn each(every: u32, unit: &str) -> String {
    match every {
        1 => format!("every {unit}"),
        many => format!("every {many} {unit}s"),
    }
}

fn at_times(at: &[TimeOfDay]) -> String {
    match at {
        [] => " at 00:00".to_owned(),
        times => format!(" at {}", list(times)),
    }
}

fn on_weekdays(on: Weekdays) -> String {
    if on.is_empty() {
        return String::new();
    }
    format!(" on {}", list(on.iter()))
}

fn in_months(months: MonthsOfYear) -> String {
    let names = months
        .iter()
        .filter_map(|month| MONTHS.get(usize::from(month) - 1));
    let names: Vec<&str> = names.copied().collect();
    match names[..] {
        [] => String::new(),
        [..] => format!(" in {}", list(names)),
    }
}

/// Joins what is listed with commas and a last "and".
fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.pop() {
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
        None => String::new(),
    }
}
