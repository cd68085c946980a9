use chrono::{NaiveTime, Timelike};
use serde_json::Value;

use super::cron::{self, Fields};

/// The times of a day, in order.
pub(super) struct Times(Vec<NaiveTime>);

impl Times {
    pub(super) fn of_cron([second, minute, hour, ..]: &Fields) -> Self {
        let has = |text: &str, last: u32| -> Vec<u32> {
            let all = 0..=last;
            all.filter(|number| cron::lists(text, *number, 0, last))
                .collect()
        };
        let mut times = Vec::new();
        let (hours, minutes, seconds) = (has(hour, 23), has(minute, 59), has(second, 59));
        for hour in hours {
            for minute in &minutes {
                let time = |second: &u32| NaiveTime::from_hms_opt(hour, *minute, *second);
                times.extend(seconds.iter().filter_map(time));
            }
        }
        Self(times)
    }

    pub(super) fn of_hours(json: &Value) -> Self {
        let number = |value: &Value| u32::try_from(value.as_u64().unwrap_or(0)).unwrap();
        let (minute, second) = (number(&json["at_minute"]), number(&json["at_second"]));
        let hours = json["on_hours"].as_array().unwrap().iter().map(number);
        let time = |hour| NaiveTime::from_hms_opt(hour, minute, second).unwrap();
        Self(hours.map(time).collect())
    }

    pub(super) fn listed(json: &Value) -> Self {
        let listed = json["at"].as_array().into_iter().flatten();
        let times: Vec<NaiveTime> = listed.map(|at| time(at.as_str().unwrap())).collect();
        if times.is_empty() {
            return Self(vec![NaiveTime::MIN]);
        }
        Self(times)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &NaiveTime> {
        self.0.iter()
    }

    pub(super) fn has(&self, time: NaiveTime) -> bool {
        self.0.binary_search(&time).is_ok()
    }

    pub(super) fn has_minute(&self, time: NaiveTime) -> bool {
        let key = |time: &NaiveTime| (time.hour(), time.minute());
        self.0.binary_search_by_key(&key(&time), key).is_ok()
    }
}

/// Reads a time of day.
pub(super) fn time(text: &str) -> NaiveTime {
    let numbers: Vec<u32> = text.split(':').map(|part| part.parse().unwrap()).collect();
    let second = numbers.get(2).copied().unwrap_or(0);
    NaiveTime::from_hms_opt(numbers[0], numbers[1], second).unwrap()
}
