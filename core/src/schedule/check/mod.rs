//! From what a schedule says to what it means.

mod fields;
mod kind;
mod months;

use self::fields::{Checked, number};
use self::kind::kind;
use super::calendar::{Calendar, OnHoliday};
use super::dates::{DateSet, Dates};
use super::filter::Between;
use super::invalid::InvalidSchedule;
use super::pattern::Pattern;
use super::stored::StoredSchedule;
use super::time_of_day::TimeOfDay;
use super::zone::Zone;
use super::{Rule, Schedule};
use crate::task::MAX_RUN_COUNT;

/// The most schedules in one.
const MOST_PARTS: usize = 32;

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
