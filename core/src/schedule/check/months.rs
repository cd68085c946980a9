use super::fields::{Checked, number, numbers, weekday};
use crate::schedule::invalid::InvalidSchedule;
use crate::schedule::months::{MonthDays, MonthsOfYear};
use crate::schedule::stored::StoredSchedule;

pub(super) fn month_days(stored: &mut StoredSchedule) -> Checked<MonthDays> {
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
pub(super) fn exist(days: &MonthDays, months: MonthsOfYear) -> Checked<()> {
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

pub(super) fn months(listed: Option<Vec<i64>>) -> Checked<MonthsOfYear> {
    let months = listed.map(|months| numbers("in_months", months, 1, 12));
    Ok(months
        .transpose()?
        .unwrap_or_default()
        .into_iter()
        .collect())
}
