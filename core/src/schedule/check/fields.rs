//! Single fields: numbers in their range, days, times.

use crate::schedule::invalid::InvalidSchedule;
use crate::schedule::time_of_day::TimeOfDay;
use crate::schedule::weekday::{Weekday, Weekdays};

/// The most entries of a list.
const MOST_ENTRIES: usize = 1_000;

pub(super) type Checked<T> = Result<T, InvalidSchedule>;

pub(super) fn weekdays(listed: Option<Vec<String>>) -> Checked<Weekdays> {
    let listed = listed.map(|days| at_least_one("on", days)).transpose()?;
    let days = listed.unwrap_or_default();
    days.iter().map(|day| weekday("on", day)).collect()
}

pub(super) fn weekday(field: &str, text: &str) -> Checked<Weekday> {
    text.parse()
        .map_err(|error: InvalidSchedule| InvalidSchedule::new(field, text, error.reason))
}

/// Reads times of the day, in order and once.
pub(super) fn times(listed: Vec<String>) -> Checked<Vec<TimeOfDay>> {
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
pub(super) fn numbers(field: &str, listed: Vec<i64>, first: i64, last: i64) -> Checked<Vec<u8>> {
    let listed = at_least_one(field, listed)?;
    let read = |value| number(field, value, first, last);
    let mut numbers: Vec<u8> = listed.into_iter().map(read).collect::<Checked<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

pub(super) fn at_least_one<T>(field: &str, listed: Vec<T>) -> Checked<Vec<T>> {
    match listed.len() {
        0 => Err(InvalidSchedule::new(field, "[]", "is empty")),
        1..=MOST_ENTRIES => Ok(listed),
        many => Err(too_many(field, many)),
    }
}

pub(super) fn too_many(field: &str, many: usize) -> InvalidSchedule {
    let reason = format!("is more entries than {MOST_ENTRIES}");
    InvalidSchedule::new(field, many, reason)
}

pub(super) fn number<T: TryFrom<i64>>(
    field: &str,
    value: i64,
    first: i64,
    last: i64,
) -> Checked<T> {
    let is_inside = (first..=last).contains(&value);
    let number = T::try_from(value).ok().filter(|_| is_inside);
    number
        .ok_or_else(|| InvalidSchedule::new(field, value, format!("is not from {first} to {last}")))
}
