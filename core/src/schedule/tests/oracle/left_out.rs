use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime};
use serde_json::Value;

use super::days::weekday;
use super::times::time;

/// What a schedule leaves out, and the days that a business is closed.
pub(super) struct LeftOut<'a> {
    between: Option<(NaiveTime, NaiveTime)>,
    except: Vec<&'a str>,
    closed: Vec<&'a str>,
    on_holiday: &'a str,
}

impl<'a> LeftOut<'a> {
    pub(super) fn new(json: &'a Value) -> Self {
        let texts = |list: &'a Value| -> Vec<&'a str> {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(Value::as_str).collect()
        };
        let between = texts(&json["between"]);
        Self {
            between: match between[..] {
                [from, to] => Some((time(from), time(to))),
                _ => None,
            },
            except: texts(&json["except"]),
            closed: texts(&json["calendar"]["closed"]),
            on_holiday: json["on_holiday"].as_str().unwrap_or("skip"),
        }
    }

    pub(super) fn leaves_out(&self, local: NaiveDateTime) -> bool {
        let is_outside = self.between.is_some_and(|(from, to)| {
            let time = local.time();
            if from <= to {
                time < from || to < time
            } else {
                time < from && to < time
            }
        });
        let date = local.date();
        let is_skipped = self.on_holiday == "skip" && lists(&self.closed, date);
        is_outside || is_skipped || lists(&self.except, date)
    }

    /// Whether an occurrence stays on or moves to a date.
    pub(super) fn moves(&self, date: NaiveDate, is_on: impl Fn(NaiveDate) -> bool) -> bool {
        let step = |date: NaiveDate| match self.on_holiday {
            "next" => date - Days::new(1),
            _ => date + Days::new(1),
        };
        if self.on_holiday == "skip" {
            return is_on(date);
        }
        if lists(&self.closed, date) {
            return false;
        }
        let closed = std::iter::successors(Some(step(date)), |date| Some(step(*date)));
        let mut closed = closed.take_while(|date| lists(&self.closed, *date));
        is_on(date) || closed.any(is_on)
    }
}

fn lists(dates: &[&str], date: NaiveDate) -> bool {
    let text = date.to_string();
    dates.iter().any(|dates| match dates.split_once('/') {
        Some((first, last)) => first <= text.as_str() && text.as_str() <= last,
        None if dates.len() == 3 => weekday(dates) == date.weekday(),
        None => text.ends_with(dates),
    })
}
