//! Cron expressions.
//!
//! The dialect is checked here, field by field, so that a message says which one is wrong and how;
//! croner reads several of them otherwise or not at all. It is asked for days only, without a zone:
//! the times of a day are three sets of bits, and zones are the business of the schedule.

mod days;
mod field;

use std::fmt;

pub(super) use self::days::CronDays;
use self::field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, HOUR, MINUTE, MONTH, SECOND};
use super::invalid::InvalidSchedule;
use super::times::Times;

const MACROS: [(&str, &str); 8] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
    ("@every_minute", "* * * * *"),
];

/// A cron expression that has been checked.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    text: String,
    /// Whether it is repeated in every hour or hours: then it follows elapsed time, and otherwise the
    /// clock on the wall.
    is_interval: bool,
    pub(super) times: Times,
    pub(super) days: CronDays,
}

impl Cron {
    /// Reads five fields, or six of which the first is the second, or a macro.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidSchedule> {
        let text = text.trim();
        let found = MACROS
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        let fields = found.map_or(text, |(_, fields)| fields);
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let (second, fields) = match &fields[..] {
            fields if fields.len() == 5 => ("0", fields),
            [second, fields @ ..] if fields.len() == 5 => (*second, fields),
            _ => {
                let reason = format!(
                    "has {} fields; it needs minute, hour, day of month, month and day of week, \
                     a second before them if wanted, or one of {}",
                    fields.len(),
                    MACROS.map(|(name, _)| name).join(", ")
                );
                return Err(InvalidSchedule::new("cron", text, reason));
            }
        };
        let [minute, hour, day, month, weekday] = [0, 1, 2, 3, 4].map(|at| fields[at]);
        let hours = u32::try_from(bits(&HOUR, hour)?).unwrap_or_default();
        Ok(Self {
            is_interval: hour.starts_with('*'),
            times: Times::Product {
                hours,
                minutes: bits(&MINUTE, minute)?,
                seconds: bits(&SECOND, second)?,
            },
            days: CronDays::parse(day, bits(&MONTH, month)?, month, weekday)?,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }

    pub(super) fn is_interval(&self) -> bool {
        self.is_interval
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

/// Reads a list of numbers and ranges as a set of bits.
fn bits(field: &Field, text: &str) -> Result<u64, InvalidSchedule> {
    field
        .entries(text)?
        .try_fold(0, |bits, item| Ok(bits | field.range(item)?))
}

/// Writes a set of bits as a list of numbers.
fn list(bits: u64) -> String {
    let numbers = (0..64).filter(|number| bits & (1 << number) != 0);
    numbers
        .map(|number: u8| number.to_string())
        .collect::<Vec<_>>()
        .join(",")
}
