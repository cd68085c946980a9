//! A schedule and its JSON form, and the orders in which it can be said.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::properties::{cases, read};
use super::strategy::schedule;
use crate::schedule::{
    Calendar, Draft, OnHoliday, Refine, Schedule, WeekStart, Weekday, every, in_months, on_days,
    on_hours,
};
use crate::time::Timestamp;

/// The lists of which the order does not count, the other way round and with a part said twice.
fn reordered(json: &mut Value) {
    let lists = [
        "on_hours",
        "on_days",
        "in_months",
        "on",
        "at",
        "except",
        "closed",
    ];
    let fields = json.as_object_mut().into_iter().flatten();
    for (field, value) in fields {
        match value {
            Value::Object(_) => reordered(value),
            Value::Array(parts) if field == "any" => parts.iter_mut().for_each(reordered),
            Value::Array(list) if lists.contains(&field.as_str()) && !list.is_empty() => {
                list.reverse();
                list.push(list[0].clone());
            }
            Value::Array(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn what_is_written_is_what_is_read(json in schedule(), runs in 1..100_u32) {
        let mut json = json;
        json["max_runs"] = runs.into();
        json["run_until"] = "2050-01-01T00:00:00Z".into();
        let schedule = read(&json);
        let text = serde_json::to_string(&schedule).unwrap();
        let again = Schedule::from_json(&text).unwrap();
        prop_assert_eq!(&again, &schedule, "{} {}", json, text);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), text);
        prop_assert_eq!(again.describe(), schedule.describe());
    }

    #[test]
    fn the_order_of_a_list_and_what_it_repeats_do_not_count(json in schedule()) {
        let mut other = json.clone();
        reordered(&mut other);
        prop_assert_eq!(read(&other), read(&json), "{} {}", json, other);
    }
}

/// In every order of what can be said last.
#[test]
fn the_order_of_refinements_does_not_count() {
    let calendar = Calendar::new("it", [Weekday::Sun, Weekday::Sat], ["12-25"]).unwrap();
    let say = |draft: Draft, what: usize| match what {
        0 => draft.in_zone("Europe/Rome"),
        1 => draft.between("08:00", (18, 30)),
        2 => draft.except(["12-25", "2026-04-06"]),
        3 => draft.on_business_days(&calendar, OnHoliday::Skip),
        4 => draft.week_starts_on(WeekStart::Monday),
        5 => draft.run_until(Timestamp::UNIX_EPOCH),
        _ => draft.max_runs(3),
    };
    let draft = || every(2).weeks().on(Weekday::Mon).at("09:00");
    let first = (0..7).fold(draft(), say).build().unwrap();
    for turn in 0..7 {
        let forwards = (0..7).map(|what| (what + turn) % 7).fold(draft(), say);
        let backwards = (0..7)
            .map(|what| (what + turn) % 7)
            .rev()
            .fold(draft(), say);
        assert_eq!(forwards.build().unwrap(), first);
        assert_eq!(backwards.build().unwrap(), first);
    }
}

#[test]
fn exceptions_add_up_in_any_order() {
    let one = every(1).days().except(["sun"]).except_on(Weekday::Sat);
    let other = every(1)
        .days()
        .except_on(Weekday::Sat)
        .except(["sun", "sat"]);
    assert_eq!(one.build().unwrap(), other.build().unwrap());
}

#[test]
fn a_builder_says_what_the_json_form_says() {
    let same = |draft: Draft, json: Value| assert_eq!(draft.build().unwrap(), read(&json));
    same(
        every(2).hours().at_minute(45).at_second(5),
        json!({ "every": 2, "unit": "hours", "at_minute": 45, "at_second": 5 }),
    );
    same(on_hours([12, 9, 9]).into(), json!({ "on_hours": [9, 12] }));
    same(
        on_days([Weekday::Tue, Weekday::Mon]).at((9, 0)),
        json!({ "on": ["mon", "tue"], "at": ["9:00"] }),
    );
    // Core edge case 87: the daily and the weekly form are one.
    same(
        every(1)
            .weeks()
            .on_days([Weekday::Mon, Weekday::Fri])
            .into(),
        json!({ "unit": "days", "on": ["friday", "MON"] }),
    );
    same(
        in_months([4, 1]).on_nth(5, Weekday::Fri).into(),
        json!({ "in_months": [1, 4], "on_nth": [5, "fri"] }),
    );
    same(
        every(3).months().on_last_day().into(),
        json!({ "every": 3, "unit": "months", "on_last": "day" }),
    );
}
