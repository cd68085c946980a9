//! A cron expression, asked one number and one date at a time.

use chrono::{Datelike, Days, NaiveDate, Weekday};

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Six fields: second, minute, hour, day of month, month, day of week.
pub(super) type Fields = [String; 6];

pub(super) fn fields(cron: &str) -> Fields {
    let text = match cron {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        "@every_minute" => "* * * * *",
        other => other,
    };
    let mut fields: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
    if fields.len() == 5 {
        fields.insert(0, "0".to_owned());
    }
    fields.try_into().unwrap()
}

pub(super) fn has_date([_, _, _, day, month, weekday]: &Fields, date: NaiveDate) -> bool {
    has_month(month, date) && has_day(day, date) && has_weekday(weekday, date)
}

fn has_month(text: &str, date: NaiveDate) -> bool {
    let mut text = text.to_owned();
    for (name, number) in MONTHS.iter().zip(1..) {
        text = text.replace(name, &u32::to_string(&number));
    }
    lists(&text, date.month(), 1, 12)
}

fn has_day(text: &str, date: NaiveDate) -> bool {
    let (day, last) = (date.day(), u32::from(date.num_days_in_month()));
    text.split(',').any(|item| match item {
        "L" => day == last,
        "LW" => date == last_workday(date),
        _ if item.starts_with("L-") => day + item[2..].parse::<u32>().unwrap() == last,
        _ => match item.strip_suffix('W') {
            Some(near) => date.with_day(near.parse().unwrap()).map(nearest_workday) == Some(date),
            None => lists(item, day, 1, 31),
        },
    })
}

fn is_workday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

fn last_workday(date: NaiveDate) -> NaiveDate {
    let last = date.with_day(date.num_days_in_month().into()).unwrap();
    let mut back = (0..7).map(|days| last - Days::new(days));
    back.find(|date| is_workday(*date)).unwrap()
}

/// The workday nearest to a date in the same month.
fn nearest_workday(date: NaiveDate) -> NaiveDate {
    let near = [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2)];
    let near = near.map(|(back, on)| date - Days::new(back) + Days::new(on));
    let mut near = near.iter().copied();
    near.find(|other| is_workday(*other) && other.month() == date.month())
        .unwrap()
}

fn has_weekday(text: &str, date: NaiveDate) -> bool {
    let number = date.weekday().num_days_from_sunday();
    let mut text = text.to_owned();
    for (name, number) in WEEKDAYS.iter().zip(0..) {
        text = text.replace(name, &i32::to_string(&number));
    }
    let is_day = |text: &str| text.parse::<u32>().unwrap() % 7 == number;
    text.split(',').any(|item| {
        if let Some((day, nth)) = item.split_once('#') {
            return is_day(day) && (date.day() - 1) / 7 + 1 == nth.parse::<u32>().unwrap();
        }
        if let Some(day) = item.strip_suffix('L') {
            return is_day(day) && (date + Days::new(7)).month() != date.month();
        }
        // The week goes from 0 to 6 here, so a range that ends with 7 goes over its end.
        let in_week = |range: &str| range.replace("0-7", "0-6").replace('7', "0");
        match item.split_once('/') {
            None => lists(&in_week(item), number, 0, 6),
            Some((range, step)) => lists(&format!("{}/{step}", in_week(range)), number, 0, 6),
        }
    })
}

/// Whether a list of `*`, `5`, `1-5`, `22-1` and these with a step has a number.
pub(super) fn lists(text: &str, number: u32, lowest: u32, highest: u32) -> bool {
    text.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None if range == "*" || range == "?" => (lowest, highest),
            None if item.contains('/') => (range.parse().unwrap(), highest),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        let next = |at: &u32| {
            let next = if *at == highest { lowest } else { at + 1 };
            (*at != last).then_some(next)
        };
        let mut walk = std::iter::successors(Some(first), next).step_by(step.parse().unwrap());
        walk.any(|at| at == number)
    })
}
