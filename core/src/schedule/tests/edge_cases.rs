//! What went wrong before, one case each. More of them are rows of the table.

use serde_json::{Value, json};

use super::properties::read;
use crate::time::Timestamp;

fn assert_next(json: &Value, anchor: &str, after: &str, expected: &[&str]) {
    let (anchor, after): (Timestamp, Timestamp) = (anchor.parse().unwrap(), after.parse().unwrap());
    let schedule = read(json);
    let found = schedule.preview(anchor, after).take(expected.len());
    let found: Vec<String> = found.map(|at| at.format("%FT%R").to_string()).collect();
    assert_eq!(found, expected, "{json}");
}

/// Core edge case 87.
#[test]
fn three_weekdays_are_three_runs_a_week() {
    for unit in ["days", "weeks"] {
        let json = json!({ "unit": unit, "on": ["mon", "wed", "fri"] });
        let expected = ["2026-01-07T00:00", "2026-01-09T00:00", "2026-01-12T00:00"];
        assert_next(
            &json,
            "2026-01-05T00:00:00Z",
            "2026-01-05T00:00:00Z",
            &expected,
        );
    }
}

/// Core edge case 90.
#[test]
fn the_15th_stays_the_15th_after_ten_months() {
    let json = json!({ "every": 1, "unit": "months", "on_days": [15], "at": ["10:00"] });
    let expected = ["2026-12-15T10:00", "2027-01-15T10:00"];
    assert_next(
        &json,
        "2026-01-15T10:00:00Z",
        "2026-12-10T12:00:00Z",
        &expected,
    );
}

/// Core edge case 93: not counted from a first run that is off the grid.
#[test]
fn a_fixed_step_keeps_its_second() {
    let json = json!({ "every": 5, "unit": "minutes", "at_second": 30 });
    let found = read(&json).next_after(
        "2026-01-10T10:00:00Z".parse().unwrap(),
        "2026-01-10T10:22:00Z".parse().unwrap(),
    );
    assert_eq!(found, "2026-01-10T10:25:30Z".parse().ok());
}

/// Core edge case 97.
#[test]
fn times_that_are_over_today_come_tomorrow() {
    let json = json!({ "unit": "days", "at": ["08:00", "09:00"] });
    let expected = ["2025-01-07T08:00", "2025-01-07T09:00"];
    assert_next(
        &json,
        "2025-01-06T10:00:00Z",
        "2025-01-06T10:00:00Z",
        &expected,
    );
}

/// Core edge case 98.
#[test]
fn the_30th_is_the_last_of_february() {
    let json = json!({ "unit": "months", "on_days": [30] });
    for (year, expected) in [("2028", "2028-02-29T00:00"), ("2027", "2027-02-28T00:00")] {
        let after = format!("{year}-01-30T00:00:00Z");
        assert_next(&json, &after, &after, &[expected]);
    }
}

/// Core edge case 100: what was missed can be counted.
#[test]
fn what_an_irregular_cron_missed_is_counted_exactly() {
    let json = json!({ "cron": "0 0 9,17 * * *" });
    let (from, now): (Timestamp, Timestamp) = (
        "2025-01-06T09:00:00Z".parse().unwrap(),
        "2025-01-08T10:00:00Z".parse().unwrap(),
    );
    let missed = read(&json)
        .preview(from, from)
        .take_while(|at| *at <= now)
        .count();
    assert_eq!(missed, 4);
}

/// Core edge case 109.
#[test]
fn three_times_are_three_runs_a_day_in_weeks_and_months_too() {
    for unit in ["weeks", "months"] {
        let json = json!({ "unit": unit, "at": ["09:00", "14:00", "18:00"] });
        let expected = ["2026-01-06T09:00", "2026-01-06T14:00", "2026-01-06T18:00"];
        assert_next(
            &json,
            "2026-01-06T00:00:00Z",
            "2026-01-06T00:00:00Z",
            &expected,
        );
    }
}

/// Core edge case 113.
#[test]
fn a_short_month_does_not_shorten_the_next() {
    let json = json!({ "unit": "months" });
    let expected = ["2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"];
    assert_next(
        &json,
        "2026-01-31T00:00:00Z",
        "2026-01-31T00:00:00Z",
        &expected,
    );
}

/// Core edge case 114.
#[test]
fn second_zero_is_a_second_like_others() {
    let json = json!({ "unit": "minutes", "at_second": 0 });
    assert_next(
        &json,
        "2026-01-10T10:00:25Z",
        "2026-01-10T10:00:25Z",
        &["2026-01-10T10:01"],
    );
}
