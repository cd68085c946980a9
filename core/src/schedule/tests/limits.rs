//! Long ago, far away, and never: the same answer, and no panic.

use serde_json::json;

use super::properties::{instant, read};
use crate::schedule::Refine;
use crate::schedule::{Schedule, every_second};
use crate::time::{LATEST, Timestamp};

const YEARS_100: i64 = 36_525 * 86_400;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Core edge case 91: a step for each second of 100 years would be three thousand million.
#[test]
fn a_second_after_100_years_is_found_at_once() {
    let schedule = every_second().build().unwrap();
    let anchor = at("2026-01-01T00:00:00.5Z");
    for seconds in 0..1_000 {
        let now = instant(anchor.timestamp() + YEARS_100 + seconds);
        assert_eq!(
            schedule.next_after(anchor, now),
            Some(instant(now.timestamp() + 1))
        );
    }
}

/// Core edge case 92.
#[test]
fn a_series_that_is_over_has_no_next() {
    let until = json!({ "every": 1, "unit": "seconds", "run_until": "2026-02-01T00:00:00Z" });
    let (schedule, anchor) = (read(&until), at("2026-01-01T00:00:00Z"));
    let last = at("2026-01-31T23:59:58.999Z");
    assert_eq!(
        schedule.next_after(anchor, last),
        Some(at("2026-01-31T23:59:59Z"))
    );
    for over in [
        "2026-01-31T23:59:59Z",
        "2026-02-01T00:00:00Z",
        "2126-01-01T00:00:00Z",
    ] {
        assert_eq!(schedule.next_after(anchor, at(over)), None);
    }
}

/// The day that it is meant for is always the one that is left out.
#[test]
fn what_is_always_left_out_has_no_next() {
    let anchor = at("2026-01-05T12:00:00Z");
    for json in [
        json!({ "unit": "weeks", "on": ["mon"], "except": ["mon"] }),
        json!({ "every": 24, "unit": "hours", "between": ["08:00", "09:00"] }),
        json!({ "in_months": [12], "on_days": [25], "except": ["12-25"] }),
        json!({ "every": 7, "unit": "days", "except": ["mon"], "calendar": {
            "name": "it", "closed": ["sun", "sat"]
        }, "on_holiday": "next" }),
        json!({ "every": 12, "unit": "months", "in_months": [2] }),
    ] {
        assert_eq!(read(&json).next_after(anchor, anchor), None, "{json}");
    }
}

/// Core edge case 95.
#[test]
fn the_end_of_time_is_an_end() {
    let last = LATEST.timestamp();
    let schedule = every_second().build().unwrap();
    let next = |anchor, after| schedule.next_after(anchor, after);
    assert_eq!(next(instant(0), instant(last - 1)), Some(LATEST));
    assert_eq!(next(instant(0), LATEST), None);
    assert_eq!(next(LATEST, instant(0)), None);
    assert_eq!(next(Timestamp::MAX_UTC, Timestamp::MIN_UTC), None);
    assert_eq!(next(Timestamp::MIN_UTC, Timestamp::MAX_UTC), None);
    let most = u32::MAX;
    for unit in ["seconds", "minutes", "hours", "days", "weeks", "months"] {
        let schedule = read(&json!({ "every": most, "unit": unit }));
        for anchor in [Timestamp::MIN_UTC, instant(0), instant(last - 1), LATEST] {
            let found = schedule.next_after(anchor, anchor);
            assert!(
                found.is_none_or(|next| next > anchor && next <= LATEST),
                "{unit}"
            );
        }
    }
    assert!(Schedule::every(std::time::Duration::MAX).is_err());
}

/// No rule of a clock is known from 2100 on: all keep the offset they have then.
#[test]
fn clocks_stay_as_they_are_at_the_end_of_2099() {
    let daily = json!({ "unit": "days", "at": ["12:00"], "zone": "Europe/Rome" });
    for after in [
        "2099-12-31T11:00:00Z",
        "2150-07-01T11:00:00Z",
        "9998-07-01T11:00:00Z",
    ] {
        let next = read(&daily).next_after(at(after), at(after)).unwrap();
        assert_eq!(next.timestamp() - at(after).timestamp(), 86_400, "{after}");
    }
}
