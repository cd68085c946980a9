use chrono::{Datelike, NaiveDate, Weekday};
use serde_json::Value;

use super::cron::{self, Fields};

/// The dates that a schedule runs on, before anything is left out or moved.
pub(super) struct OracleDays<'a> {
    json: &'a Value,
    cron: Option<Fields>,
    anchor: NaiveDate,
    week_start: Weekday,
}

impl<'a> OracleDays<'a> {
    pub(super) fn new(json: &'a Value, anchor: NaiveDate, starts_on_monday: bool) -> Self {
        let week_start = if starts_on_monday {
            Weekday::Mon
        } else {
            Weekday::Sun
        };
        Self {
            json,
            cron: json["cron"].as_str().map(cron::fields),
            anchor,
            week_start,
        }
    }

    pub(super) fn has(&self, date: NaiveDate) -> bool {
        if let Some(cron) = &self.cron {
            return cron::has_date(cron, date);
        }
        let says = |field: &str| !self.json[field].is_null();
        if says("on_hours") {
            return true;
        }
        match self.json["unit"].as_str() {
            Some("days") if says("on") => self.is_in_unit(0) && self.is_weekday(date),
            Some("days") => self.is_in_unit((date - self.anchor).num_days()),
            Some("weeks") => self.is_week_on(date),
            None if says("on") => self.is_week_on(date),
            Some("months") => self.is_month_on(date),
            None if says("in_months") || says("on_days") => self.is_month_on(date),
            unit => panic!("{unit:?}"),
        }
    }

    fn is_in_unit(&self, index: i64) -> bool {
        index % self.json["every"].as_i64().unwrap_or(1) == 0
    }

    fn is_week_on(&self, date: NaiveDate) -> bool {
        let first_day = |date: NaiveDate| date.week(self.week_start).first_day();
        let weeks = (first_day(date) - first_day(self.anchor)).num_days() / 7;
        self.is_in_unit(weeks) && self.is_weekday(date)
    }

    fn is_weekday(&self, date: NaiveDate) -> bool {
        match self.json["on"].as_array() {
            None => date.weekday() == self.anchor.weekday(),
            Some(on) => {
                let mut on = on.iter().map(|day| weekday(day.as_str().unwrap()));
                on.any(|day| day == date.weekday())
            }
        }
    }

    fn is_month_on(&self, date: NaiveDate) -> bool {
        let index = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month());
        let is_listed = match self.json["in_months"].as_array() {
            None => true,
            Some(months) => months.contains(&Value::from(date.month())),
        };
        self.is_in_unit(index(date) - index(self.anchor)) && is_listed && self.is_day_of_month(date)
    }

    fn is_day_of_month(&self, date: NaiveDate) -> bool {
        let (day, last) = (date.day(), u32::from(date.num_days_in_month()));
        let is_nth = |nth: u64, text: &Value| {
            weekday(text.as_str().unwrap()) == date.weekday() && u64::from(day - 1) / 7 + 1 == nth
        };
        if let Some(days) = self.json["on_days"].as_array() {
            let is_single = days.iter().all(|listed| *listed == days[0]);
            let is_cut = is_single && days[0].as_u64() > Some(u64::from(last));
            return days.contains(&Value::from(day)) || (is_cut && day == last);
        }
        if let Some(nth) = self.json["on_nth"].as_array() {
            return is_nth(nth[0].as_u64().unwrap(), &nth[1]);
        }
        match (&self.json["on_first"], self.json["on_last"].as_str()) {
            (first @ Value::String(_), _) => is_nth(1, first),
            (_, Some("day")) => day == last,
            (_, Some(text)) => weekday(text) == date.weekday() && day + 7 > last,
            _ => day == self.anchor.day().min(last),
        }
    }
}

/// Reads `mon` and its like.
pub(super) fn weekday(text: &str) -> Weekday {
    text.parse().unwrap()
}
