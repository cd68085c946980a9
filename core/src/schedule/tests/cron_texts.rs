//! Cron expressions with all that the dialect has.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const MONTHS: [&str; 4] = ["jan", "FEB", "Jun", "DEC"];
const WEEKDAYS: [&str; 4] = ["sun", "MON", "Fri", "SAT"];
const MACROS: [&str; 8] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    "@every_minute",
];

pub(super) fn cron() -> BoxedStrategy<String> {
    let second = prop_oneof![4 => Just(String::new()), 1 => list(0, 59)];
    let hour = prop_oneof![2 => Just("*".to_owned()), 1 => star_step(23), 4 => list(0, 23)];
    let fields = (second, list(0, 59), hour, days(), month());
    let fields = fields.prop_map(|(second, minute, hour, (day, weekday), month)| {
        let fields = [second, minute, hour, day, month, weekday];
        fields.join(" ").trim().to_owned()
    });
    prop_oneof![9 => fields, 1 => select(MACROS.to_vec()).prop_map(str::to_owned)].boxed()
}

fn star_step(most: u32) -> BoxedStrategy<String> {
    (1..=most).prop_map(|step| format!("*/{step}")).boxed()
}

/// Numbers and ranges, also the wrong way round, each with a step or none.
fn item(least: u32, most: u32) -> BoxedStrategy<String> {
    let number = least..=most;
    let range = (number.clone(), number.clone());
    prop_oneof![
        4 => number.clone().prop_map(|number| number.to_string()),
        2 => range.clone().prop_map(|(first, last)| format!("{first}-{last}")),
        1 => (range, 1..=most).prop_map(|((first, last), step)| format!("{first}-{last}/{step}")),
        1 => (number, 1..=most).prop_map(|(first, step)| format!("{first}/{step}")),
        1 => star_step(most),
    ]
    .boxed()
}

fn list(least: u32, most: u32) -> BoxedStrategy<String> {
    prop_oneof![
        1 => Just("*".to_owned()),
        3 => vec(item(least, most), 1..4).prop_map(|items| items.join(",")),
    ]
    .boxed()
}

/// The two fields for days. Seldom both with something special, which mostly never meets.
fn days() -> BoxedStrategy<(String, String)> {
    let star = || Just("*".to_owned());
    prop_oneof![
        8 => (day_of_month(), star()),
        8 => (star(), weekday()),
        3 => (list(1, 31), (0..=6, 1..=6).prop_map(|(first, last)| format!("{first}-{last}"))),
        1 => (day_of_month(), weekday()),
    ]
    .boxed()
}

fn day_of_month() -> BoxedStrategy<String> {
    let special = prop_oneof![
        Just("L".to_owned()),
        Just("LW".to_owned()),
        Just("l".to_owned()),
        (1..=31).prop_map(|day| format!("{day}W")),
    ];
    let mixed = vec(prop_oneof![item(1, 31), special], 1..4);
    prop_oneof![
        4 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        2 => list(1, 31),
        2 => mixed.prop_map(|items| items.join(",")),
        2 => (1..=30).prop_map(|before| format!("L-{before}")),
    ]
    .boxed()
}

fn month() -> BoxedStrategy<String> {
    let names = (select(MONTHS.to_vec()), select(MONTHS.to_vec()));
    prop_oneof![
        4 => Just("*".to_owned()),
        2 => list(1, 12),
        1 => names.clone().prop_map(|(one, other)| format!("{one},{other}")),
        1 => names.prop_map(|(first, last)| format!("{first}-{last}")),
    ]
    .boxed()
}

fn weekday() -> BoxedStrategy<String> {
    let names = (select(WEEKDAYS.to_vec()), select(WEEKDAYS.to_vec()));
    let special = prop_oneof![
        (0..=7).prop_map(|day| format!("{day}L")),
        (0..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
        (select(WEEKDAYS.to_vec()), 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
    ];
    let item = prop_oneof![
        2 => item(0, 6),
        1 => (1..=7, 1..=7).prop_map(|(first, last)| format!("{first}-{last}")),
        1 => Just("7".to_owned()),
        3 => special,
    ];
    prop_oneof![
        5 => Just("*".to_owned()),
        1 => Just("?".to_owned()),
        2 => names.clone().prop_map(|(first, last)| format!("{first}-{last}")),
        1 => names.prop_map(|(one, other)| format!("{one},{other}")),
        4 => vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
    .boxed()
}

/// Expressions of which the days hardly ever meet.
pub(super) fn never_twice() -> BoxedStrategy<String> {
    let month = prop_oneof![
        Just("2".to_owned()),
        (1..=12_u32).prop_map(|month| month.to_string())
    ];
    let day = prop_oneof![
        (28..=31_u32).prop_map(|day| day.to_string()),
        (1..=31_u32).prop_map(|day| day.to_string()),
        (25..=30).prop_map(|before| format!("L-{before}")),
        (29..=31).prop_map(|day| format!("{day}W")),
    ];
    let weekday = prop_oneof![
        (0..=7_u32).prop_map(|day| day.to_string()),
        (0..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
        (0..=7).prop_map(|day| format!("{day}L")),
    ];
    let fields = (day, month, weekday);
    let fields = fields.prop_map(|(day, month, weekday)| format!("0 0 {day} {month} {weekday}"));
    fields.boxed()
}
