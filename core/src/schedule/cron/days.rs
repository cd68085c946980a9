use chrono::{Datelike, TimeZone, Utc};
use croner::Cron as Croner;
use croner::parser::{CronParser, Seconds};

use super::super::date::{Month, date_of, day_of};
use super::super::invalid::InvalidSchedule;
use super::field::Field;
use super::{DAY_OF_MONTH, DAY_OF_WEEK, list};

/// After that many days the Gregorian calendar repeats itself, with its days of the week.
const CYCLE: i64 = 146_097;

/// The days of a cron expression: those that its day of month, its month and its day of week agree on.
#[derive(Clone, Debug)]
pub(in super::super) struct CronDays {
    /// The days of any of them.
    croners: Vec<Croner>,
    /// For `L-3`, which croner does not know: how many days before the last of the month.
    before_last: Option<u8>,
}

impl CronDays {
    pub(super) fn parse(
        day: &str,
        months: u64,
        month: &str,
        weekday: &str,
    ) -> Result<Self, InvalidSchedule> {
        let before_last = before_last(day)?;
        let days = match before_last {
            Some(_) => vec!["*".to_owned()],
            None => apart(&days_of_month(day)?),
        };
        let (months, weekdays) = (list(months), days_of_week(weekday)?);
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .dom_and_dow(true)
            .build();
        let text = format!("{day} {month} {weekday}");
        let croner = |days: &String| {
            let croner = parser.parse(&format!("0 0 0 {days} {months} {weekdays}"));
            croner.map_err(|error| {
                InvalidSchedule::new("cron", &text, format!("has days that {error}"))
            })
        };
        let days = Self {
            croners: days.iter().map(croner).collect::<Result<_, _>>()?,
            before_last,
        };
        if days.first_from(0).is_none() {
            let reason = "has no day: no such day of month, month and day of week ever meet";
            let fields = "cron fields \"day of month\", \"month\", \"day of week\"";
            return Err(InvalidSchedule::new(fields, text, reason));
        }
        Ok(days)
    }

    /// The first day at or after `from`.
    pub(in super::super) fn first_from(&self, from: i64) -> Option<i64> {
        // croner gives up in the year 5000, and the calendar repeats itself long before that.
        let cycles = from.div_euclid(CYCLE) * CYCLE;
        let found = self.first_in_cycle(from - cycles)?;
        Some(found + cycles)
    }

    fn first_in_cycle(&self, mut from: i64) -> Option<i64> {
        loop {
            let start = Utc.from_utc_datetime(&date_of(from)?.and_hms_opt(0, 0, 0)?);
            let next = |croner: &Croner| croner.find_next_occurrence(&start, true).ok();
            let date = self.croners.iter().filter_map(next).min()?.date_naive();
            let Some(before_last) = self.before_last else {
                return Some(day_of(date));
            };
            let wanted = Month::of(date).length()? - i64::from(before_last);
            let day = i64::from(date.day());
            if day == wanted {
                return Some(day_of(date));
            }
            let to_wanted = if day < wanted { wanted - day } else { 1 };
            from = day_of(date) + to_wanted;
        }
    }
}

/// Takes `LW` out of a list with `L`, of which croner would leave only `LW`.
fn apart(days: &str) -> Vec<String> {
    let items: Vec<&str> = days.split(',').collect();
    if !items.contains(&"L") || !items.contains(&"LW") {
        return vec![days.to_owned()];
    }
    let others = items.into_iter().filter(|item| *item != "LW");
    vec![others.collect::<Vec<_>>().join(","), "LW".to_owned()]
}

/// Reads `L-3`.
fn before_last(text: &str) -> Result<Option<u8>, InvalidSchedule> {
    let Some(days) = text
        .strip_prefix(['L', 'l'])
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        return Ok(None);
    };
    let invalid = || DAY_OF_MONTH.invalid(text, "is not L-1 to L-30");
    let number = days.parse().map_err(|_| invalid())?;
    if (1..=30).contains(&number) && days.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(Some(number))
    } else {
        Err(invalid())
    }
}

/// Writes the days of a month as croner reads them: numbers, `L`, `LW` and `15W`.
fn days_of_month(text: &str) -> Result<String, InvalidSchedule> {
    items(&DAY_OF_MONTH, text, |item| {
        let upper = item.to_ascii_uppercase();
        if upper == "L" || upper == "LW" {
            return Ok(Some(upper));
        }
        let Some(near) = upper.strip_suffix('W') else {
            return Ok(None);
        };
        let day = DAY_OF_MONTH.number(near);
        let day = day.map_err(|_| DAY_OF_MONTH.invalid(item, "is not 1W to 31W"))?;
        Ok(Some(format!("{day}W")))
    })
}

/// Writes the days of the week as croner reads them: numbers, `5L` and `5#3`.
fn days_of_week(text: &str) -> Result<String, InvalidSchedule> {
    items(&DAY_OF_WEEK, text, |item| {
        if let Some((day, nth)) = item.split_once('#') {
            let day = DAY_OF_WEEK.number(day)? % 7;
            let nth = nth.parse::<u8>().ok().filter(|nth| (1..=5).contains(nth));
            let nth = nth.ok_or_else(|| DAY_OF_WEEK.invalid(item, "is not #1 to #5"))?;
            return Ok(Some(format!("{day}#{nth}")));
        }
        // A name may end in an L itself; no English day does.
        let Some(day) = item.strip_suffix(['L', 'l']) else {
            return Ok(None);
        };
        let day = DAY_OF_WEEK.number(day);
        let day = day.map_err(|_| DAY_OF_WEEK.invalid(item, "is not 0L to 7L"))?;
        Ok(Some(format!("{}L", day % 7)))
    })
}

/// Writes a list, of which `special` translates what is more than numbers and ranges.
fn items(
    field: &Field,
    text: &str,
    special: impl Fn(&str) -> Result<Option<String>, InvalidSchedule>,
) -> Result<String, InvalidSchedule> {
    let mut translated = Vec::new();
    let mut bits = 0;
    for item in field.entries(text)? {
        match special(item)? {
            Some(item) => translated.push(item),
            None => bits |= field.range(item)?,
        }
    }
    let all = field.range("*")?;
    if bits == all {
        return Ok("*".to_owned());
    }
    if bits != 0 {
        translated.push(list(bits));
    }
    Ok(translated.join(","))
}
