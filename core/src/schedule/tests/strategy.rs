//! Schedules of every kind, with everything that can be said beside it.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::cron_texts::cron;
use crate::schedule::Schedule;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Zones whose clocks do what others don't: gaps of half an hour and of a day, changes at midnight,
/// two a month apart, three quarters of an hour, summer time in winter.
const ODD_ZONES: [&str; 16] = [
    "Europe/Rome",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
];

/// The JSON form of a schedule that can be read.
pub(super) fn schedule() -> BoxedStrategy<Value> {
    let several = vec(pattern(), 1..4).prop_map(|parts| json!({ "any": parts }));
    let json = prop_oneof![9 => pattern(), 1 => several];
    json.prop_filter(
        "something is left of it",
        |json| match Schedule::from_json(&json.to_string()) {
            Ok(_) => true,
            Err(error) if is_about_nothing_left(&error.field) => false,
            Err(error) => panic!("{json}: {error}"),
        },
    )
    .boxed()
}

/// The fields that are each right, and together leave nothing.
fn is_about_nothing_left(field: &str) -> bool {
    field == "between" || field == "on_days" || field.starts_with("cron fields")
}

/// One schedule, of any kind.
pub(super) fn pattern() -> BoxedStrategy<Value> {
    (kind(), beside(), any::<bool>())
        .prop_map(|(kind, beside, is_plain)| {
            let mut json = object(&kind);
            let moves_by_day = match json.get("cron").and_then(Value::as_str) {
                Some(text) => !is_interval(text),
                None => !matches!(json["unit"].as_str(), Some("seconds" | "minutes" | "hours")),
            };
            let mut beside = object(&beside);
            let moves = beside.contains_key("on_holiday");
            let is_by_day = moves_by_day || json.contains_key("on_hours");
            if moves && !is_by_day {
                beside.remove("on_holiday");
            }
            if is_plain {
                beside.retain(|field, _| field == "zone" || field == "week_start");
            }
            json.extend(beside);
            Value::Object(json)
        })
        .boxed()
}

fn is_interval(cron: &str) -> bool {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    match fields.len() {
        1 => matches!(cron, "@hourly" | "@every_minute"),
        5 => fields[1].starts_with('*'),
        _ => fields[2].starts_with('*'),
    }
}

fn object(json: &Value) -> Map<String, Value> {
    let fields = json.as_object().cloned().unwrap_or_default();
    let said = fields.into_iter().filter(|(_, value)| !value.is_null());
    said.collect()
}

fn kind() -> BoxedStrategy<Value> {
    prop_oneof![
        3 => elapsed(),
        1 => (subsequence((0..24).collect::<Vec<_>>(), 1..6), of(0..60), of(0..60)).prop_map(
            |(hours, minute, second)| json!({
                "unit": "hours", "on_hours": hours, "at_minute": minute, "at_second": second
            })
        ),
        2 => (1..10, times()).prop_map(|(every, at)| json!({
            "every": every, "unit": "days", "at": at
        })),
        1 => (weekdays(), times()).prop_map(|(on, at)| json!({
            "unit": "days", "on": on, "at": at
        })),
        2 => (1..6, of(weekdays()), times()).prop_map(|(every, on, at)| json!({
            "every": every, "unit": "weeks", "on": on, "at": at
        })),
        4 => (prop_oneof![3 => 1..4, 1 => 4..30], day_of_month(), of(months()), times())
            .prop_map(|(every, mut day, months, at)| {
                day["every"] = json!(every);
                day["unit"] = json!("months");
                day["in_months"] = json!(months);
                day["at"] = json!(at);
                day
            }),
        4 => cron().prop_map(|cron| json!({ "cron": cron })),
    ]
    .boxed()
}

/// What counts elapsed time.
fn elapsed() -> BoxedStrategy<Value> {
    let every = prop_oneof![3 => 1..10_i64, 1 => 10..1_000_i64, 1 => select(vec![24, 60, 86_400])];
    let unit = prop_oneof![
        Just(json!({ "unit": "seconds" })),
        of(0..60).prop_map(|second| json!({ "unit": "minutes", "at_second": second })),
        Just(json!({ "unit": "hours" })),
        (0..60, of(0..60)).prop_map(
            |(minute, second)| json!({ "unit": "hours", "at_minute": minute, "at_second": second })
        ),
    ];
    (every, unit)
        .prop_map(|(every, mut json)| {
            json["every"] = json!(every);
            json
        })
        .boxed()
}

fn beside() -> BoxedStrategy<Value> {
    let zone = prop_oneof![3 => odd_zone(), 2 => any_zone(), 1 => Just("UTC")];
    let calendar = (vec(dates(), 0..4), select(vec!["skip", "next", "previous"]));
    let week_start = select(vec!["sun", "mon"]);
    let between = (time(), time());
    let except = vec(dates(), 1..4);
    (zone, of(week_start), of(between), of(except), of(calendar))
        .prop_map(|(zone, week_start, between, except, calendar)| {
            let named = |closed: Vec<String>| json!({ "name": "business", "closed": closed });
            let (closed, on_holiday) = calendar.unzip();
            json!({
                "zone": zone,
                "week_start": week_start,
                "between": between,
                "except": except,
                "calendar": closed.map(named),
                "on_holiday": on_holiday,
            })
        })
        .boxed()
}

pub(super) fn odd_zone() -> BoxedStrategy<&'static str> {
    select(ODD_ZONES.to_vec()).boxed()
}

pub(super) fn any_zone() -> BoxedStrategy<&'static str> {
    select(chrono_tz::TZ_VARIANTS.to_vec())
        .prop_map(chrono_tz::Tz::name)
        .boxed()
}

/// Mostly in the hours in which clocks are changed.
fn time() -> BoxedStrategy<String> {
    let hour = prop_oneof![3 => 0..4, 1 => 0..24];
    let minute = prop_oneof![2 => select(vec![0, 15, 30, 45]), 1 => 0..60];
    let second = prop_oneof![3 => Just(None), 1 => (0..60).prop_map(Some)];
    (hour, minute, second)
        .prop_map(|(hour, minute, second)| match second {
            None => format!("{hour:02}:{minute:02}"),
            Some(second) => format!("{hour:02}:{minute:02}:{second:02}"),
        })
        .boxed()
}

fn times() -> BoxedStrategy<Option<Vec<String>>> {
    of(vec(time(), 1..4)).boxed()
}

fn weekday() -> BoxedStrategy<&'static str> {
    select(WEEKDAYS.to_vec()).boxed()
}

fn weekdays() -> BoxedStrategy<Vec<&'static str>> {
    vec(weekday(), 1..4).boxed()
}

fn months() -> BoxedStrategy<Vec<u32>> {
    vec(1..=12_u32, 1..4).boxed()
}

fn day_of_month() -> BoxedStrategy<Value> {
    let day = || prop_oneof![1..=31_u32, 28..=31_u32];
    prop_oneof![
        1 => Just(json!({})),
        2 => day().prop_map(|day| json!({ "on_days": [day] })),
        3 => vec(day(), 1..4).prop_map(|days| json!({ "on_days": days })),
        1 => weekday().prop_map(|day| json!({ "on_first": day })),
        2 => (1..=5_u32, weekday()).prop_map(|nth| json!({ "on_nth": nth })),
        1 => weekday().prop_map(|day| json!({ "on_last": day })),
        1 => Just(json!({ "on_last": "day" })),
    ]
    .boxed()
}

fn dates() -> BoxedStrategy<String> {
    let date = (1976..2099, 1..=12, 1..=28)
        .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let range = (1976..2099, 1..=12_u32, 1..=12_u32, 1..=28).prop_map(|(year, one, other, day)| {
        let (first, last) = (one.min(other), one.max(other));
        format!("{year:04}-{first:02}-{day:02}/{year:04}-{last:02}-{day:02}")
    });
    prop_oneof![
        2 => weekday().prop_map(str::to_owned),
        2 => (1..=12, 1..=29).prop_map(|(month, day)| format!("{month:02}-{day:02}")),
        1 => date,
        1 => range,
    ]
    .boxed()
}
