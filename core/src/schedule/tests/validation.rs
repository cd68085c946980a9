//! What makes no sense is refused, with the field and what it says.

use serde_json::{Value, json};

use crate::schedule::{
    InvalidSchedule, Refine, Schedule, any, every, in_months, on_days, on_hours,
};

fn refused(json: &Value) -> InvalidSchedule {
    Schedule::from_json(&json.to_string()).expect_err(&json.to_string())
}

/// Core edge case 99, and core 4.1: each field with its value.
#[test]
fn what_is_out_of_range_is_named_with_its_value() {
    let rows = include_str!("refused.txt").lines();
    for row in rows.filter(|row| !row.starts_with('#')) {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let [json, field, value] = parts[..] else {
            panic!("{row}");
        };
        let error = Schedule::from_json(json).expect_err(json);
        let found = (error.field.as_str(), error.value.as_str());
        assert_eq!(found, (field, value), "{json}");
        let text = error.to_string();
        assert!(text.contains(field) && text.contains(value), "{text}");
    }
}

/// Core edge case 99.
#[test]
fn an_empty_list_is_refused() {
    for field in ["on_hours", "on", "on_days", "in_months"] {
        assert_eq!(refused(&json!({ field: [] })).field, field);
    }
    assert_eq!(refused(&json!({ "any": [] })).field, "any");
    assert!(on_hours([]).build().is_err());
    assert!(on_days([]).build().is_err());
    assert!(in_months([]).build().is_err());
    assert!(any::<Schedule>([]).build().is_err());
    assert!(every(1).months().on_days([]).build().is_err());
}

/// Core edge case 99.
#[test]
fn a_list_that_is_too_long_is_refused_with_its_length() {
    for (json, field, value) in [
        (json!({ "on_hours": vec![1; 1_001] }), "on_hours", "1001"),
        (
            json!({ "unit": "days", "at": vec!["09:00"; 1_001] }),
            "at",
            "1001",
        ),
        (
            json!({ "any": vec![json!({ "unit": "days" }); 33] }),
            "any",
            "33",
        ),
    ] {
        let error = refused(&json);
        assert_eq!((error.field.as_str(), error.value.as_str()), (field, value));
    }
}

#[test]
fn fields_that_do_not_go_together_are_refused() {
    for (json, field) in [
        (json!({}), "unit"),
        (json!({ "every": 2 }), "unit"),
        (json!({ "cron": "* * * * *", "every": 2 }), "cron"),
        (json!({ "cron": "* * * * *", "at": ["09:00"] }), "at"),
        (json!({ "unit": "seconds", "at_second": 5 }), "at_second"),
        (json!({ "unit": "hours", "at": ["09:00"] }), "at"),
        (json!({ "unit": "days", "on_days": [1] }), "on_days"),
        (json!({ "unit": "weeks", "in_months": [1] }), "in_months"),
        (
            json!({ "unit": "months", "on_days": [1], "on_last": "day" }),
            "days of the month",
        ),
        (
            json!({ "any": [{ "unit": "days" }], "at": ["09:00"] }),
            "at",
        ),
        (
            json!({ "any": [{ "unit": "days", "max_runs": 1 }] }),
            "max_runs",
        ),
        (json!({ "any": [{ "any": [{ "unit": "days" }] }] }), "any"),
    ] {
        assert_eq!(refused(&json).field, field, "{json}");
    }
    assert_eq!(refused(&json!({ "unit": "days", "att": [] })).field, "JSON");
}

/// A schedule that can never be due is a mistake, so it is refused when it is made.
#[test]
fn what_leaves_nothing_is_refused() {
    let week = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let days_of_year: Vec<String> = (1..=12)
        .flat_map(|month| (1..=31).map(move |day| format!("{month:02}-{day:02}")))
        .filter(|day| {
            !["02-30", "02-31", "04-31", "06-31", "09-31", "11-31"].contains(&day.as_str())
        })
        .collect();
    let closed = |days: &[&str]| json!({ "name": "it", "closed": days });
    for (json, field) in [
        (
            json!({ "unit": "days", "at": ["09:00"], "between": ["10:00", "12:00"] }),
            "between",
        ),
        (
            json!({ "cron": "0 9 * * *", "between": ["10:00", "08:59:59"] }),
            "between",
        ),
        (json!({ "unit": "days", "except": week }), "except"),
        (json!({ "unit": "days", "except": days_of_year }), "except"),
        (
            json!({ "unit": "days", "except": week[..4], "calendar": closed(&week[4..]) }),
            "except",
        ),
        (json!({ "in_months": [2], "on_days": [30, 31] }), "on_days"),
    ] {
        assert_eq!(refused(&json).field, field, "{json}");
    }
    // A single day is cut to the length of the month.
    let cut = json!({ "in_months": [2, 4], "on_days": [31, 31] });
    assert!(Schedule::from_json(&cut.to_string()).is_ok());
    let name = json!({ "unit": "days", "calendar": closed(&week) });
    assert!(refused(&name).reason.contains("leaves no day of the week"));
}
