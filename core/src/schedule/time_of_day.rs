use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidSchedule;

/// A time on the clock on the wall, to the second.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// The first second of a day.
    pub const MIDNIGHT: Self = Self(0);

    /// A time of day.
    ///
    /// # Errors
    ///
    /// Refuses hours beyond 23, and minutes and seconds beyond 59.
    pub fn new(hour: u8, minute: u8, second: u8) -> Result<Self, InvalidSchedule> {
        if hour > 23 || minute > 59 || second > 59 {
            let value = format!("{hour:02}:{minute:02}:{second:02}");
            return Err(Self::invalid(&value));
        }
        Ok(Self(
            u32::from(hour) * 3_600 + u32::from(minute) * 60 + u32::from(second),
        ))
    }

    /// The seconds since midnight.
    pub fn seconds(self) -> u32 {
        self.0
    }

    fn invalid(value: &str) -> InvalidSchedule {
        InvalidSchedule::new("time", value, "is not a time from 00:00 to 23:59:59")
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.0 / 3_600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hour:02}:{minute:02}")?;
        if second > 0 {
            write!(f, ":{second:02}")?;
        }
        Ok(())
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidSchedule;

    /// Reads `9:00`, `09:00` and `09:00:30`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || Self::invalid(text);
        let number = |part: &str| {
            let is_short = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
            is_short.then(|| part.parse::<u8>().ok()).flatten()
        };
        let parts: Option<Vec<u8>> = text.split(':').map(number).collect();
        match parts.ok_or_else(invalid)?[..] {
            [hour, minute] => Self::new(hour, minute, 0).map_err(|_| invalid()),
            [hour, minute, second] => Self::new(hour, minute, second).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidSchedule;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}
