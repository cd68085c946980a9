//! What holds for every schedule, against the oracle.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed};
use serde_json::Value;

use super::oracle::first_after;
use super::strategy::schedule;
use crate::schedule::{Schedule, Zone};
use crate::time::Timestamp;

const DAY: i64 = 86_400;

/// The same cases in every run, so that a failure is that of the change that was made.
pub(super) fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 5_000,
        max_global_rejects: 100_000,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(43),
        ..Config::default()
    }
}

pub(super) fn read(json: &Value) -> Schedule {
    Schedule::from_json(&json.to_string()).unwrap()
}

pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

/// Instants of 1976 to 2091, so that what follows is known to the oracle.
pub(super) fn seconds() -> impl Strategy<Value = i64> {
    let day = 6 * 365..121 * 365_i64;
    (day, 0..DAY).prop_map(|(day, second)| day * DAY + second)
}

/// How far the oracle walks before it gives up.
fn horizon(json: &Value, after: i64) -> i64 {
    let text = json.to_string();
    let is_walked_by_second = ["seconds", "minutes", "hours"];
    let is_walked_by_second = is_walked_by_second.iter().any(|unit| text.contains(unit));
    let days = match json["any"].is_array() {
        _ if is_walked_by_second => 2,
        true => 4,
        false if json["cron"].is_string() => 6,
        false => 400,
    };
    after + days * DAY
}

/// An instant shortly before the next change of the clocks, if one is near.
fn before_change(json: &Value, after: i64, back: i64) -> i64 {
    let zone: Zone = json["zone"].as_str().unwrap_or("UTC").parse().unwrap();
    let offset = |day: i64| {
        zone.local(instant(after + day * DAY))
            .offset()
            .local_minus_utc()
    };
    let here = offset(0);
    let change = (0..250).find(|day| offset(*day) != here);
    change.map_or(after, |day| after + (day - 1) * DAY - back)
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// Core 4.7, the canonical definition.
    #[test]
    fn the_next_occurrence_is_the_least_element_after(
        json in schedule(),
        anchor in seconds(),
        later in prop_oneof![Just(0), 0..3 * DAY, 0..3_000 * DAY],
        (is_at_change, back) in (any::<bool>(), -DAY..2 * DAY),
    ) {
        let schedule = read(&json);
        let after = anchor + later;
        let after = if is_at_change { before_change(&json, after, back) } else { after };
        let horizon = horizon(&json, after.max(anchor));
        let expected = first_after(&json, anchor, after, horizon);
        let found = schedule.next_after(instant(anchor), instant(after));
        let found = found.map(|found| found.timestamp()).filter(|found| *found <= horizon);
        prop_assert_eq!(found.map(instant), expected.map(instant), "{}", json);
    }
}
