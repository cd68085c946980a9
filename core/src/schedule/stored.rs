//! The JSON form of a schedule, and the check of what it says.

use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, OnHoliday};
use super::kind::{Kind, MinuteOfHour};
use super::months::MonthDays;
use super::pattern::Pattern;
use super::time_of_day::TimeOfDay;
use super::weekday::{WeekStart, Weekday};
use super::zone::Zone;
use super::{Rule, Schedule};
use crate::time::Timestamp;

/// All that a schedule may say, before it is checked. Every field is left out that says nothing.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StoredSchedule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) any: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_second: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_minute: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_hours: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_days: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_nth: Option<(i64, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_months: Option<Vec<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) between: Option<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) except: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) calendar: Option<Calendar>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_holiday: Option<OnHoliday>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) week_start: Option<WeekStart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_runs: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
        }
    }
}

impl From<Schedule> for StoredSchedule {
    fn from(schedule: Schedule) -> Self {
        let mut stored = match schedule.rule {
            Rule::One(pattern) => Self::from(pattern),
            Rule::Any(patterns) => Self {
                any: Some(patterns.into_iter().map(Self::from).collect()),
                ..Self::default()
            },
        };
        stored.run_until = schedule.run_until;
        stored.max_runs = schedule.max_runs.map(i64::from);
        stored
    }
}

impl From<Pattern> for StoredSchedule {
    fn from(pattern: Pattern) -> Self {
        let except: Vec<String> = pattern
            .except
            .iter()
            .map(|dates| dates.to_string())
            .collect();
        let between = pattern.between;
        let (calendar, on_holiday) = pattern.calendar.unzip();
        Self {
            between: between.map(|between| (between.from.into(), between.to.into())),
            except: Some(except).filter(|except| !except.is_empty()),
            calendar,
            on_holiday: on_holiday.filter(|then| *then != OnHoliday::Skip),
            zone: (pattern.zone != Zone::UTC).then(|| pattern.zone.name().to_owned()),
            ..Self::from(pattern.kind)
        }
    }
}

impl From<Kind> for StoredSchedule {
    fn from(kind: Kind) -> Self {
        let each = |every: u32, unit| Self {
            every: Some(every.into()),
            unit: Some(unit),
            ..Self::default()
        };
        match kind {
            Kind::Seconds { every } => each(every, Unit::Seconds),
            Kind::Minutes { every, at_second } => Self {
                at_second: at_second.map(i64::from),
                ..each(every, Unit::Minutes)
            },
            Kind::Hours { every, at } => each(every, Unit::Hours).at_minute(at),
            Kind::OnHours { hours, at } => Self {
                on_hours: Some(hours.into_iter().map(i64::from).collect()),
                ..each(1, Unit::Hours).at_minute(Some(at))
            },
            Kind::Days { every, at } => each(every, Unit::Days).at(&at),
            Kind::Weeks {
                every,
                on,
                start,
                at,
            } => {
                let days: Vec<String> = on.iter().map(|day| day.short().to_owned()).collect();
                Self {
                    on: Some(days).filter(|days| !days.is_empty()),
                    week_start: Some(start).filter(|start| *start != WeekStart::default()),
                    ..each(every, Unit::Weeks).at(&at)
                }
            }
            Kind::Months {
                every,
                on,
                months,
                at,
            } => {
                let months: Vec<i64> = months.iter().map(i64::from).collect();
                Self {
                    in_months: Some(months).filter(|months| !months.is_empty()),
                    ..each(every, Unit::Months).at(&at).on(on)
                }
            }
            Kind::Cron(cron) => Self {
                cron: Some(cron.to_string()),
                ..Self::default()
            },
        }
    }
}

impl StoredSchedule {
    /// The fields that say something, as they would be written.
    pub(super) fn said(&self) -> Vec<(String, String)> {
        let json = serde_json::to_value(self).unwrap_or_default();
        let fields = json.as_object().cloned().unwrap_or_default();
        let text =
            |value: serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
        fields
            .into_iter()
            .map(|(field, value)| (field, text(value)))
            .collect()
    }

    fn at(self, at: &[TimeOfDay]) -> Self {
        let at: Vec<String> = at.iter().map(TimeOfDay::to_string).collect();
        Self {
            at: Some(at).filter(|at| !at.is_empty()),
            ..self
        }
    }

    fn at_minute(self, at: Option<MinuteOfHour>) -> Self {
        let second = at.map(|at| i64::from(at.second));
        Self {
            at_minute: at.map(|at| at.minute.into()),
            at_second: second.filter(|second| *second != 0),
            ..self
        }
    }

    fn on(mut self, days: MonthDays) -> Self {
        let day = |day: Weekday| Some(day.short().to_owned());
        match days {
            MonthDays::OfAnchor => {}
            MonthDays::Day(day) => self.on_days = Some(vec![day.into()]),
            MonthDays::Days(days) => {
                self.on_days = Some(days.into_iter().map(i64::from).collect());
            }
            MonthDays::Last => self.on_last = Some("day".to_owned()),
            MonthDays::LastWeekday(weekday) => self.on_last = day(weekday),
            MonthDays::NthWeekday(1, weekday) => self.on_first = day(weekday),
            MonthDays::NthWeekday(nth, weekday) => {
                self.on_nth = day(weekday).map(|day| (nth.into(), day));
            }
        }
        self
    }
}
