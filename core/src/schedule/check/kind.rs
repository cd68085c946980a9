use super::fields::{Checked, number, numbers, times, weekdays};
use super::months::{exist, month_days, months};
use crate::schedule::cron::Cron;
use crate::schedule::invalid::InvalidSchedule;
use crate::schedule::kind::{Kind, MinuteOfHour};
use crate::schedule::stored::{StoredSchedule, Unit};

/// Reads what repeats; every field has to have a meaning for it.
pub(super) fn kind(mut stored: StoredSchedule) -> Checked<Kind> {
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
