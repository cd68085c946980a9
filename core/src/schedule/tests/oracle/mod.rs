//! What a schedule means, said a second time: slow, obvious, and without a line of the implementation.
//!
//! It reads the JSON form by itself and walks: step by step over what counts elapsed time, minute by
//! minute over what looks at the clock meanwhile, and day by day over what follows the calendar. It
//! answers for 1975 to 2099, when no clock is off by a part of a minute.
//!
//! The soak of the guarantees reads it, too (`tests/guarantees/series/ten_years`), so nothing here asks the
//! crate that it is in.

mod clock;
mod cron;
mod days;
mod left_out;
mod times;

use chrono::{DateTime, Days, NaiveDate, Timelike};
use serde_json::Value;

use self::clock::Clock;
use self::days::OracleDays;
use self::left_out::LeftOut;
use self::times::Times;

const MINUTE: i64 = 60;

/// The first instant after both the anchor and `after`, if there is one until `horizon`.
pub(super) fn first_after(json: &Value, anchor: i64, after: i64, horizon: i64) -> Option<i64> {
    let Some(parts) = json["any"].as_array() else {
        return Walk::new(json, json, anchor).first(after.max(anchor), horizon);
    };
    let mut first = None;
    for part in parts {
        // What is later than one of the others need not be looked for.
        let until = first.unwrap_or(horizon);
        let found = Walk::new(part, json, anchor).first(after.max(anchor), until);
        first = found.or(first);
    }
    first
}

/// Whether a cron expression has a day, counted from the first of January 1970.
pub(super) fn has_date(cron: &str, day: u64) -> bool {
    let date = NaiveDate::default() + Days::new(day);
    cron::has_date(&cron::fields(cron), date)
}

struct Walk<'a> {
    json: &'a Value,
    anchor: i64,
    clock: Clock,
    days: OracleDays<'a>,
    left_out: LeftOut<'a>,
}

impl<'a> Walk<'a> {
    /// What a part does not say by itself, `outer` says for it.
    fn new(json: &'a Value, outer: &'a Value, anchor: i64) -> Self {
        let said = |field: &str| json[field].as_str().or(outer[field].as_str());
        let clock = Clock::new(said("zone").unwrap_or("UTC"));
        let left_out = LeftOut::new(json);
        let anchor_date = clock.local(anchor).date();
        let starts_on_monday = said("week_start") == Some("mon");
        let days = OracleDays::new(json, anchor_date, starts_on_monday);
        Self {
            json,
            anchor,
            clock,
            days,
            left_out,
        }
    }

    fn first(&self, after: i64, horizon: i64) -> Option<i64> {
        if let Some(fields) = self.json["cron"].as_str().map(cron::fields) {
            let times = Times::of_cron(&fields);
            let [_, _, hour, ..] = fields;
            if hour.starts_with('*') {
                return self.by_minute(&times, after, horizon);
            }
            return self.by_day(&times, after, horizon);
        }
        let every = self.json["every"].as_i64().unwrap_or(1);
        let at = |field: &str| self.json[field].as_i64();
        let unit = self.json["unit"].as_str();
        if self.json["on_hours"].is_array() {
            let times = Times::of_hours(self.json);
            return self.by_day(&times, after, horizon);
        }
        match unit {
            Some("seconds") => self.by_step(every, after, horizon),
            Some("minutes") => match at("at_second") {
                None => self.by_step(every * MINUTE, after, horizon),
                Some(second) => self.by_block(every, MINUTE, second, after, horizon),
            },
            Some("hours") => match at("at_minute") {
                None => self.by_step(every * 60 * MINUTE, after, horizon),
                Some(minute) => {
                    let at = minute * MINUTE + at("at_second").unwrap_or(0);
                    self.by_block(every, 60 * MINUTE, at, after, horizon)
                }
            },
            _ => self.by_day(&Times::listed(self.json), after, horizon),
        }
    }

    /// The anchor and all that is a multiple of a step away from it.
    fn by_step(&self, step: i64, after: i64, horizon: i64) -> Option<i64> {
        let last = after - (after - self.anchor) % step;
        let mut steps = (last + step..=horizon).step_by(usize::try_from(step).unwrap());
        steps.find(|at| !self.left_out.leaves_out(self.clock.local(*at)))
    }

    /// Every so many minutes or hours, the second of it that the local clock shows as wanted.
    fn by_block(&self, every: i64, length: i64, at: i64, after: i64, horizon: i64) -> Option<i64> {
        let into = |at: i64| i64::from(self.clock.local(at).num_seconds_from_midnight()) % length;
        let start = self.anchor - into(self.anchor);
        // The seconds of all clocks are those of UTC, so only one in a minute has to be looked at.
        let mut minute = after + 1..=after + MINUTE;
        let first = minute.find(|second| (second - at) % MINUTE == 0)?;
        let mut seconds = (first..=horizon).step_by(60).filter(|second| {
            let is_counted = (second - start) / length % every == 0;
            is_counted && into(*second) == at
        });
        seconds.find(|second| !self.left_out.leaves_out(self.clock.local(*second)))
    }

    /// Every instant at which the local clock shows a matching time.
    fn by_minute(&self, times: &Times, after: i64, horizon: i64) -> Option<i64> {
        let first = after - after.rem_euclid(MINUTE);
        // No clock is further from UTC than a day.
        let is_near = |start: &i64| {
            let date = self.clock.local(*start).date();
            let dates = date - Days::new(1)..=date + Days::new(2);
            let mut dates = dates
                .start()
                .iter_days()
                .take_while(|date| dates.contains(date));
            dates.any(|date| self.days.has(date))
        };
        let days = (first..=horizon).step_by(86_400).filter(is_near);
        let minutes = days.flat_map(|start| (start..start + 86_400).step_by(60));
        let matching = minutes.filter(|minute| {
            let local = self.clock.local(*minute);
            times.has_minute(local.time()) && self.days.has(local.date())
        });
        let mut seconds = matching.flat_map(|minute| minute..minute + MINUTE);
        seconds.find(|second| {
            let local = self.clock.local(*second);
            let is_meant = times.has(local.time()) && !self.left_out.leaves_out(local);
            (after + 1..=horizon).contains(second) && is_meant
        })
    }

    /// The instants of all matching local times, of which the first is not after the others only by a
    /// day or so: a clock may skip one.
    fn by_day(&self, times: &Times, after: i64, horizon: i64) -> Option<i64> {
        let mut first: Option<i64> = None;
        let mut date = self.clock.local(after).date() - Days::new(2);
        let mut last = DateTime::from_timestamp(horizon, 0)?.date_naive() + Days::new(2);
        while date <= last {
            let is_on = self.left_out.moves(date, |date| self.days.has(date));
            for time in times.all().filter(|_| is_on) {
                let local = date.and_time(*time);
                if self.left_out.leaves_out(local) {
                    continue;
                }
                let at = self.clock.instant(local);
                if (after + 1..=horizon).contains(&at) {
                    last = last.min(date + Days::new(2));
                    first = Some(first.map_or(at, |first| first.min(at)));
                }
            }
            date = date + Days::new(1);
        }
        first
    }
}
