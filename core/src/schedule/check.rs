//! From what a schedule says to what it means.

use super::Rule;
use super::Schedule;
use super::calendar::{Calendar, OnHoliday};
use super::cron::Cron;
use super::dates::{DateSet, Dates};
use super::filter::Between;
use super::invalid::InvalidSchedule;
use super::kind::{Kind, MinuteOfHour};
use super::months::{MonthDays, MonthsOfYear};
use super::pattern::Pattern;
use super::stored::{StoredSchedule, Unit};
use super::time_of_day::TimeOfDay;
use super::weekday::Weekday;
use super::zone::Zone;
use crate::task::MAX_RUN_COUNT;

/// The most schedules in one, and the most entries of a list.
const MOST_PARTS: usize = 32;
const MOST_ENTRIES: usize = 1_000;

type Checked<T> = Result<T, InvalidSchedule>;

impl TryFrom<StoredSchedule> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(mut stored: StoredSchedule) -> Checked<Self> {
        let run_until = stored.run_until.take();
        let most = i64::from(MAX_RUN_COUNT);
        let max_runs = stored.max_runs.take();
        let max_runs = max_runs
            .map(|runs| number("max_runs", runs, 1, most))
            .transpose()?;
        let rule = match stored.any.take() {
            None => Rule::One(pattern(stored)?),
            Some(parts) => Rule::Any(any(parts, &stored)?),
        };
        Ok(Self {
            rule,
            run_until,
            max_runs,
        })
    }
}

/// Reads several schedules in one, of which the zone may be said once for all.
fn any(parts: Vec<StoredSchedule>, outer: &StoredSchedule) -> Checked<Vec<Pattern>> {
    if parts.is_empty() || parts.len() > MOST_PARTS {
        let reason = format!("parts; there must be 1 to {MOST_PARTS}");
        return Err(InvalidSchedule::new("any", parts.len(), reason));
    }
    let beside = StoredSchedule {
        zone: None,
        week_start: None,
        ..outer.clone()
    };
    if let Some((field, value)) = beside.said().into_iter().next() {
        let reason = "belongs into the parts of `any`";
        return Err(InvalidSchedule::new(field, value, reason));
    }
    let part = |mut part: StoredSchedule| {
        let bounds = ["any", "run_until", "max_runs"];
        let mut said = part.said().into_iter();
        if let Some((field, value)) = said.find(|(field, _)| bounds.contains(&field.as_str())) {
            let reason = "can't be said in a part of `any`";
            return Err(InvalidSchedule::new(field, value, reason));
        }
        part.zone = part.zone.or_else(|| outer.zone.clone());
        part.week_start = part.week_start.or(outer.week_start);
        pattern(part)
    };
    parts.into_iter().map(part).collect()
}

fn pattern(mut stored: StoredSchedule) -> Checked<Pattern> {
    let zone = match stored.zone.take() {
        Some(zone) => zone.parse()?,
        None => Zone::UTC,
    };
    let between = stored.between.take().map(between).transpose()?;
    let except = stored.except.take().unwrap_or_default();
    let except: Checked<Vec<Dates>> = except.iter().map(|dates| dates.parse()).collect();
    let except = DateSet::new("except", except?)?;
    let on_holiday = stored.on_holiday.take();
    let calendar = stored.calendar.take();
    if let (None, Some(on_holiday)) = (&calendar, on_holiday) {
        let reason = "says what to do on holidays, but there is no calendar";
        let value = format!("{on_holiday:?}").to_lowercase();
        return Err(InvalidSchedule::new("on_holiday", value, reason));
    }
    let closed = calendar.as_ref().map(Calendar::closed);
    if closed.is_some_and(|closed| except.leaves_no_day(closed)) {
        let dates: Vec<String> = except.iter().map(|dates| dates.to_string()).collect();
        let reason = "leaves no day on which the business is open";
        return Err(InvalidSchedule::new("except", dates.join(", "), reason));
    }
    let kind = kind(stored)?;
    let calendar = calendar.map(|calendar| (calendar, on_holiday.unwrap_or_default()));
    let moves = calendar
        .as_ref()
        .filter(|(_, then)| *then != OnHoliday::Skip);
    if let (Some((_, then)), false) = (moves, kind.is_by_day()) {
        let reason = "moves to another day, which only days, weeks, months and a cron with fixed \
                      hours can; use skip";
        let value = format!("{then:?}").to_lowercase();
        return Err(InvalidSchedule::new("on_holiday", value, reason));
    }
    let pattern = Pattern {
        kind,
        zone,
        between,
        except,
        calendar,
    };
    pattern.check_window()?;
    Ok(pattern)
}

fn between((from, to): (String, String)) -> Checked<Between> {
    let time = |text: String| {
        let time = text.parse::<TimeOfDay>();
        time.map_err(|error| InvalidSchedule::new("between", text, error.reason))
    };
    Ok(Between {
        from: time(from)?,
        to: time(to)?,
    })
}

fn kind(mut stored: StoredSchedule) -> Checked<Kind> {
    let unit = stored.take_unit()?;
    let every = stored.every.take();
    let every = number("every", every.unwrap_or(1), 1, u32::MAX.into())?;
    let week_start = stored.week_start.take().unwrap_or_default();
    let at = stored.at.take();
    let times = |at: Option<Vec<String>>| times(at.unwrap_or_default());
    let kind = match unit {
        None => {
            let text = stored.cron.take().unwrap_or_default();
            stored.at = at;
            Kind::Cron(Box::new(Cron::parse(&text)?))
        }
        Some(Unit::Seconds) => {
            stored.at = at;
            Kind::Seconds { every }
        }
        Some(Unit::Minutes) => {
            stored.at = at;
            let at_second = stored.at_second.take();
            let at_second = at_second
                .map(|at| number("at_second", at, 0, 59))
                .transpose()?;
            Kind::Minutes { every, at_second }
        }
        Some(Unit::Hours) => {
            stored.at = at;
            hours(every, &mut stored)?
        }
        Some(Unit::Days) if stored.on_hours.is_some() => {
            stored.at = at;
            hours(every, &mut stored)?
        }
        Some(Unit::Days) if stored.on.is_some() => {
            only_each(every, "on")?;
            Kind::Weeks {
                every,
                on: weekdays(stored.on.take())?,
                start: week_start,
                at: times(at)?,
            }
        }
        Some(Unit::Days) => Kind::Days {
            every,
            at: times(at)?,
        },
        Some(Unit::Weeks) => Kind::Weeks {
            every,
            on: weekdays(stored.on.take())?,
            start: week_start,
            at: times(at)?,
        },
        Some(Unit::Months) => {
            let on = month_days(&mut stored)?;
            let months = months(stored.in_months.take())?;
            exist(&on, months)?;
            Kind::Months {
                every,
                on,
                months,
                at: times(at)?,
            }
        }
    };
    if let Some((field, value)) = stored.said().into_iter().next() {
        let reason = match unit {
            Some(unit) => format!("does not go with {}", unit.name()),
            None => "does not go with cron".to_owned(),
        };
        return Err(InvalidSchedule::new(field, value, reason));
    }
    Ok(kind)
}

impl StoredSchedule {
    /// The unit it says, or that its other fields can only mean; `None` for cron.
    fn take_unit(&mut self) -> Checked<Option<Unit>> {
        if let Some(cron) = &self.cron {
            if self.unit.is_some() || self.every.is_some() {
                let reason = "says when by itself; `every` and `unit` don't go with it";
                return Err(InvalidSchedule::new("cron", cron, reason));
            }
            return Ok(None);
        }
        let by_month = self.on_days.is_some()
            || self.on_first.is_some()
            || self.on_nth.is_some()
            || self.on_last.is_some()
            || self.in_months.is_some();
        let meant = if by_month {
            Some(Unit::Months)
        } else if self.on.is_some() {
            Some(Unit::Weeks)
        } else if self.on_hours.is_some() {
            Some(Unit::Hours)
        } else if self.at.is_some() {
            Some(Unit::Days)
        } else {
            None
        };
        let unit = self.unit.take().or(meant);
        unit.map(Some).ok_or_else(|| {
            let reason = "is missing; it is seconds, minutes, hours, days, weeks or months, unless \
                          there is a cron";
            InvalidSchedule::new("unit", "", reason)
        })
    }

    /// The fields that say something, as they would be written.
    fn said(&self) -> Vec<(String, String)> {
        let json = serde_json::to_value(self).unwrap_or_default();
        let fields = json.as_object().cloned().unwrap_or_default();
        let text =
            |value: serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
        fields
            .into_iter()
            .map(|(field, value)| (field, text(value)))
            .collect()
    }
}

fn hours(every: u32, stored: &mut StoredSchedule) -> Checked<Kind> {
    let minute = stored.at_minute.take();
    let minute = minute
        .map(|at| number("at_minute", at, 0, 59))
        .transpose()?;
    let second = stored.at_second.take();
    let second = second
        .map(|at| number("at_second", at, 0, 59))
        .transpose()?;
    if let Some(on_hours) = stored.on_hours.take() {
        only_each(every, "on_hours")?;
        return Ok(Kind::OnHours {
            hours: numbers("on_hours", on_hours, 0, 23)?,
            at: MinuteOfHour {
                minute: minute.unwrap_or_default(),
                second: second.unwrap_or_default(),
            },
        });
    }
    let at = minute.map(|minute| MinuteOfHour {
        minute,
        second: second.unwrap_or_default(),
    });
    if let (None, Some(second)) = (at, second) {
        let reason = "needs an `at_minute` beside it";
        return Err(InvalidSchedule::new("at_second", second, reason));
    }
    Ok(Kind::Hours { every, at })
}

fn only_each(every: u32, field: &str) -> Checked<()> {
    if every == 1 {
        return Ok(());
    }
    let reason = format!("does not go with `{field}`, which means every day");
    Err(InvalidSchedule::new("every", every, reason))
}

fn month_days(stored: &mut StoredSchedule) -> Checked<MonthDays> {
    let mut said = Vec::new();
    if let Some(days) = stored.on_days.take() {
        let days = numbers("on_days", days, 1, 31)?;
        said.push(match days[..] {
            [day] => MonthDays::Day(day),
            _ => MonthDays::Days(days),
        });
    }
    if let Some(first) = stored.on_first.take() {
        said.push(MonthDays::NthWeekday(1, weekday("on_first", &first)?));
    }
    if let Some((nth, day)) = stored.on_nth.take() {
        let nth = number("on_nth", nth, 1, 5)?;
        said.push(MonthDays::NthWeekday(nth, weekday("on_nth", &day)?));
    }
    if let Some(last) = stored.on_last.take() {
        said.push(match last.as_str() {
            "day" => MonthDays::Last,
            last => MonthDays::LastWeekday(weekday("on_last", last)?),
        });
    }
    if said.len() > 1 {
        let reason = "can't be said together; use `any` for several schedules in one";
        let fields = "on_days, on_first, on_nth, on_last";
        return Err(InvalidSchedule::new("days of the month", fields, reason));
    }
    Ok(said.pop().unwrap_or(MonthDays::OfAnchor))
}

/// Refuses days that none of the months has.
fn exist(days: &MonthDays, months: MonthsOfYear) -> Checked<()> {
    let MonthDays::Days(days) = days else {
        return Ok(());
    };
    let longest = (1..=12).filter(|month| months.admits(*month));
    let longest = longest.map(|month| match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    });
    if days.iter().min() <= longest.max().as_ref() {
        return Ok(());
    }
    let days: Vec<String> = days.iter().map(u8::to_string).collect();
    let reason = "are days that none of the months has";
    Err(InvalidSchedule::new("on_days", days.join(", "), reason))
}

fn months(listed: Option<Vec<i64>>) -> Checked<MonthsOfYear> {
    let months = listed.map(|months| numbers("in_months", months, 1, 12));
    Ok(months
        .transpose()?
        .unwrap_or_default()
        .into_iter()
        .collect())
}

fn weekdays(listed: Option<Vec<String>>) -> Checked<super::weekday::Weekdays> {
    let listed = listed.map(|days| at_least_one("on", days)).transpose()?;
    let days = listed.unwrap_or_default();
    days.iter().map(|day| weekday("on", day)).collect()
}

fn weekday(field: &str, text: &str) -> Checked<Weekday> {
    text.parse()
        .map_err(|error: InvalidSchedule| InvalidSchedule::new(field, text, error.reason))
}

/// Reads times of the day, in order and once.
fn times(listed: Vec<String>) -> Checked<Vec<TimeOfDay>> {
    if listed.len() > MOST_ENTRIES {
        return Err(too_many("at", listed.len()));
    }
    let time = |text: String| {
        let time = text.parse::<TimeOfDay>();
        time.map_err(|error| InvalidSchedule::new("at", text, error.reason))
    };
    let mut times: Vec<TimeOfDay> = listed.into_iter().map(time).collect::<Checked<_>>()?;
    times.sort_unstable();
    times.dedup();
    Ok(times)
}

/// Reads numbers, in order and once; at least one.
fn numbers(field: &str, listed: Vec<i64>, first: i64, last: i64) -> Checked<Vec<u8>> {
    let listed = at_least_one(field, listed)?;
    let read = |value| number(field, value, first, last);
    let mut numbers: Vec<u8> = listed.into_iter().map(read).collect::<Checked<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn at_least_one<T>(field: &str, listed: Vec<T>) -> Checked<Vec<T>> {
    match listed.len() {
        0 => Err(InvalidSchedule::new(field, "[]", "is empty")),
        1..=MOST_ENTRIES => Ok(listed),
        many => Err(too_many(field, many)),
    }
}

fn too_many(field: &str, many: usize) -> InvalidSchedule {
    let reason = format!("is more entries than {MOST_ENTRIES}");
    InvalidSchedule::new(field, many, reason)
}

fn number<T: TryFrom<i64>>(field: &str, value: i64, first: i64, last: i64) -> Checked<T> {
    let is_inside = (first..=last).contains(&value);
    let number = T::try_from(value).ok().filter(|_| is_inside);
    number
        .ok_or_else(|| InvalidSchedule::new(field, value, format!("is not from {first} to {last}")))
}
