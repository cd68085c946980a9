//! What holds for every schedule at every time, without asking what it means.

use proptest::prelude::*;

use super::properties::{cases, instant, read, seconds};
use super::strategy::schedule;
use crate::time::{LATEST, Timestamp};

/// All that can be written down, with the ends of it.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    let ends = prop_oneof![
        Just(LATEST),
        Just(Timestamp::MAX_UTC),
        Just(Timestamp::MIN_UTC),
        Just(Timestamp::UNIX_EPOCH),
    ];
    let micros = (-62_167_219_200_000_000..253_402_300_800_000_000_i64)
        .prop_map(|micros| Timestamp::from_timestamp_micros(micros).unwrap());
    let near_the_end = (0..40 * 86_400_i64).prop_map(|back| instant(LATEST.timestamp() - back));
    prop_oneof![1 => ends, 4 => micros, 1 => near_the_end]
}

proptest! {
    #![proptest_config(cases(500))]

    /// Core edge cases 88 and 89.
    #[test]
    fn skipping_is_the_same_as_stepping(json in schedule(), anchor in seconds(), into in 0.0..1.0) {
        let (schedule, anchor) = (read(&json), instant(anchor));
        let steps: Vec<Timestamp> = schedule.preview(anchor, anchor).take(12).collect();
        let starts = std::iter::once(anchor).chain(steps.clone());
        for (before, next) in starts.zip(steps) {
            prop_assert!(next > before && next.timestamp_subsec_nanos() == 0);
            let between = (next - before).num_microseconds().unwrap() - 1;
            for share in [0.0, into, 1.0] {
                #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                let into = (between as f64 * share) as i64;
                let at = before + chrono::TimeDelta::microseconds(into.min(between));
                prop_assert_eq!(schedule.next_after(anchor, at), Some(next), "{} {}", json, at);
            }
        }
    }

    /// Core edge cases 91 and 95: nothing is so long ago, or so near to the end of time, that it
    /// panics or goes back.
    #[test]
    fn no_instant_is_too_early_or_too_late(
        json in schedule(),
        anchor in any_instant(),
        after in any_instant(),
    ) {
        let schedule = read(&json);
        if let Some(next) = schedule.next_after(anchor, after) {
            prop_assert!(next > after && next > anchor && next <= LATEST, "{} {}", json, next);
        }
    }

    /// Core 4.5: an occurrence at its end does not run.
    #[test]
    fn nothing_runs_at_or_after_the_end(json in schedule(), anchor in seconds()) {
        let anchor = instant(anchor);
        let without = read(&json);
        let instants: Vec<Timestamp> = without.preview(anchor, anchor).take(3).collect();
        let mut json = json;
        for (before, until) in instants.iter().enumerate() {
            json["run_until"] = serde_json::to_value(until).unwrap();
            json["max_runs"] = 5.into();
            let found: Vec<Timestamp> = read(&json).preview(anchor, anchor).collect();
            prop_assert_eq!(&found[..], &instants[..before], "{}", json);
            prop_assert_eq!(&read(&json).without_bounds(), &without);
        }
    }
}
