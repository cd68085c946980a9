use std::time::Duration;

use super::*;
use crate::schedule::occurrence_id;
use uuid::Uuid;

const SERIES: TaskId = TaskId(Uuid::from_u128(5));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn minutely(max_runs: Option<u32>, run_until: Option<i64>) -> Recurrence {
    Recurrence {
        series: SERIES,
        schedule: Schedule::every(Duration::from_mins(1)).unwrap(),
        anchor: at(0),
        policy: SeriesPolicy::default(),
        max_runs,
        run_until: run_until.map(at),
    }
}

fn with_misfire(misfire: Misfire) -> Recurrence {
    let policy = SeriesPolicy {
        misfire,
        ..SeriesPolicy::default()
    };
    Recurrence {
        policy,
        ..minutely(None, None)
    }
}

fn with_overlap(overlap: Overlap) -> Recurrence {
    let policy = SeriesPolicy {
        overlap,
        ..SeriesPolicy::default()
    };
    Recurrence {
        policy,
        ..minutely(None, None)
    }
}

fn skip(to: i64, missed: u64) -> Occurrence {
    Occurrence::Skip { to: at(to), missed }
}

fn over(end: SeriesEnd, missed: u64) -> Occurrence {
    Occurrence::Over { end, missed }
}

fn next(seconds: i64, missed: u64) -> Next {
    Next {
        at: Some(at(seconds)),
        end: None,
        missed,
    }
}

/// Storage edge cases 3 and 4; core edge case 100 for the counts, which include the slipped one.
#[test]
fn an_occurrence_runs_until_its_successor_is_due() {
    let series = minutely(None, None);
    let due = |now| series.due(at(60), 0, at(now));
    assert_eq!(due(60), Occurrence::Run);
    assert_eq!(due(119), Occurrence::Run);
    assert_eq!(due(120), skip(180, 2));
    assert_eq!(due(100_000), skip(100_020, 1_666));
}

/// Storage edge cases 11, 12 and 22; core edge case 100: what is beyond the end was not missed.
#[test]
fn a_series_is_over_at_its_bounds() {
    let (runs, until) = (SeriesEnd::MaxRuns(3), SeriesEnd::RunUntil(at(120)));
    let thrice = minutely(Some(3), None);
    assert_eq!(thrice.due(at(60), 2, at(60)), Occurrence::Run);
    assert_eq!(thrice.due(at(60), 3, at(60)), over(runs, 0));
    assert_eq!(thrice.after(at(60), 2, at(61)), next(120, 0));
    assert_eq!(thrice.after(at(60), 3, at(61)), runs.into());
    let bounded = minutely(None, Some(120));
    assert_eq!(bounded.due(at(60), 0, at(60)), Occurrence::Run);
    assert_eq!(bounded.due(at(120), 0, at(120)), over(until, 0));
    assert_eq!(bounded.due(at(60), 0, at(130)), over(until, 1));
    assert_eq!(bounded.after(at(0), 1, at(1)), next(60, 0));
    assert_eq!(bounded.after(at(60), 1, at(61)), until.into());
}

/// Core edge case 100: what is beyond the end was not missed by the last run, either, however long it took.
#[test]
fn a_run_that_outlasts_its_series_misses_nothing_beyond_the_end() {
    let missed = |missed, end: SeriesEnd| Next {
        missed,
        ..end.into()
    };
    let (runs, until) = (SeriesEnd::MaxRuns(3), SeriesEnd::RunUntil(at(240)));
    let thrice = minutely(Some(3), None);
    assert_eq!(thrice.after(at(60), 3, at(1_000)), missed(0, runs));
    assert_eq!(thrice.after(at(60), 2, at(200)), next(240, 2));
    let bounded = minutely(None, Some(240));
    assert_eq!(bounded.after(at(180), 1, at(1_000)), missed(0, until));
    assert_eq!(bounded.after(at(60), 1, at(1_000)), missed(2, until));
}

/// Also if nothing follows them at all.
#[test]
fn the_last_occurrences_of_a_schedule_can_be_missed() {
    let mut series = minutely(None, None);
    let json = r#"{"every":1,"unit":"days","except":["1970-01-05/9999-12-31"]}"#;
    series.schedule = Schedule::from_json(json).unwrap();
    let over = |missed| Next {
        missed,
        ..SeriesEnd::NoOccurrence.into()
    };
    let day = 86_400;
    assert_eq!(series.after(at(day), 1, at(3 * day + 1)), over(2));
    series.policy.misfire = Misfire::CatchUp(1);
    let spread = Occurrence::Spread {
        at: vec![at(3 * day)],
        next: over(2),
    };
    assert_eq!(series.due(at(day), 0, at(9 * day)), spread);
}

#[test]
fn what_came_due_during_a_run_is_skipped() {
    let series = minutely(None, None);
    assert_eq!(series.after(at(60), 1, at(60)), next(120, 0));
    assert_eq!(series.after(at(60), 1, at(119)), next(120, 0));
    assert_eq!(series.after(at(60), 1, at(120)), next(120, 0));
    assert_eq!(series.after(at(60), 1, at(121)), next(180, 1));
    assert_eq!(series.after(at(60), 1, at(241)), next(300, 3));
}

#[test]
fn the_last_one_that_came_due_during_a_run_is_buffered() {
    let series = with_overlap(Overlap::BufferOne);
    assert_eq!(series.after(at(60), 1, at(119)), next(120, 0));
    assert_eq!(series.after(at(60), 1, at(121)), next(120, 0));
    assert_eq!(series.after(at(60), 1, at(310)), next(300, 3));
    // It runs at once, and is not taken for missed.
    assert_eq!(series.due(at(300), 1, at(310)), Occurrence::Run);
}

#[test]
fn occurrences_that_may_overlap_are_tasks_of_their_own() {
    let mut series = with_overlap(Overlap::Allow);
    let spread = |occurrences: &[i64], next| Occurrence::Spread {
        at: occurrences.iter().copied().map(at).collect(),
        next,
    };
    assert_eq!(series.due(at(60), 0, at(61)), spread(&[60], next(120, 0)));
    assert_eq!(series.due(at(60), 0, at(200)), skip(240, 3));
    series.policy.misfire = Misfire::RunOnce;
    assert_eq!(series.due(at(60), 0, at(200)), spread(&[180], next(240, 2)));
    series.max_runs = Some(1);
    let last = series.due(at(60), 0, at(61));
    assert_eq!(last, spread(&[60], SeriesEnd::MaxRuns(1).into()));
}

#[test]
fn the_last_of_the_missed_runs_once_for_all() {
    let mut series = with_misfire(Misfire::RunOnce);
    assert_eq!(series.due(at(60), 0, at(119)), Occurrence::Run);
    let last = |at, missed| Occurrence::RunLast { at, missed };
    assert_eq!(series.due(at(60), 0, at(120)), last(at(120), 1));
    assert_eq!(series.due(at(60), 0, at(1_000)), last(at(960), 15));
    series.run_until = Some(at(300));
    assert_eq!(series.due(at(60), 0, at(1_000)), last(at(240), 3));
}

#[test]
fn the_last_of_the_missed_are_caught_up_with_as_far_as_they_may() {
    let mut series = with_misfire(Misfire::CatchUp(3));
    let spread = |occurrences: &[i64], next: Next| Occurrence::Spread {
        at: occurrences.iter().copied().map(at).collect(),
        next,
    };
    assert_eq!(series.due(at(60), 0, at(119)), Occurrence::Run);
    let two = series.due(at(60), 0, at(121));
    assert_eq!(two, spread(&[60, 120], next(180, 0)));
    let three = series.due(at(60), 0, at(610));
    assert_eq!(three, spread(&[480, 540, 600], next(660, 7)));
    series.max_runs = Some(5);
    let left = Next {
        missed: 8,
        ..SeriesEnd::MaxRuns(5).into()
    };
    assert_eq!(series.due(at(60), 3, at(610)), spread(&[540, 600], left));
}

/// However a bound is combined with a policy, an outage of ten years is answered.
#[test]
fn what_is_caught_up_with_is_bounded() {
    let series = with_misfire(Misfire::CatchUp(MOST_CAUGHT_UP));
    let Occurrence::Spread { at: runs, next } = series.due(at(60), 0, at(315_360_000)) else {
        panic!("it was missed");
    };
    assert_eq!(runs.len(), 1_000);
    assert_eq!(runs.last(), Some(&at(315_360_000)));
    assert_eq!(next.missed, 5_256_000 - 1_000);
}

#[test]
fn jitter_delays_an_occurrence_always_alike_and_moves_no_other() {
    let mut series = minutely(None, None);
    series.policy.jitter = Duration::from_secs(90);
    let delays: Vec<i64> = (1..200)
        .map(|minute| {
            let due = at(minute * 60);
            let begins = series.policy.begins(SERIES, due);
            assert_eq!(begins, series.policy.begins(SERIES, due));
            assert_ne!(begins, series.policy.begins(TaskId(Uuid::nil()), due));
            // It begins, though the one after it may be due by then.
            assert_eq!(series.due(due, 0, begins), Occurrence::Run);
            assert_eq!(series.after(due, 1, due), next(minute * 60 + 60, 0));
            (begins - due).num_seconds()
        })
        .collect();
    assert!(delays.iter().all(|delay| (0..90).contains(delay)));
    assert!(delays.iter().any(|delay| *delay < 10) && delays.iter().any(|delay| *delay > 80));
}

/// A clock that was set back makes no occurrence run twice.
#[test]
fn a_series_never_goes_back() {
    let series = minutely(None, None);
    assert_eq!(series.after(at(600), 1, at(10)), next(660, 0));
}

#[test]
fn an_occurrence_has_always_the_same_id() {
    assert_eq!(occurrence_id(SERIES, at(60)), occurrence_id(SERIES, at(60)));
    assert_ne!(occurrence_id(SERIES, at(60)), occurrence_id(SERIES, at(61)));
    let other = TaskId(Uuid::from_u128(6));
    assert_ne!(occurrence_id(SERIES, at(60)), occurrence_id(other, at(60)));
}

#[test]
fn a_series_that_makes_no_sense_is_not_read() {
    let read = |schedule: &str, policy: Option<&str>| {
        let series = SeriesDefinition {
            schedule: schedule.to_owned(),
            policy: policy.map(str::to_owned),
            ..SeriesDefinition::default()
        };
        Recurrence::read(SERIES, &series)
    };
    let sound = r#"{"every":5,"unit":"seconds"}"#;
    assert!(read(sound, None).is_ok());
    let policy = r#"{"overlap":"buffer_one","misfire":{"catch_up":3},"jitter":5}"#;
    assert!(read(sound, Some(policy)).is_ok());
    assert!(read(r#"{"every":0,"unit":"seconds"}"#, None).is_err());
    assert!(read("99 99 * * *", None).is_err());
    for policy in [
        r#"{"overlap":"sometimes"}"#,
        r#"{"misfire":{"catch_up":0}}"#,
        r#"{"misfire":{"catch_up":1001}}"#,
        r#"{"stop_after_failures":0}"#,
    ] {
        assert!(read(sound, Some(policy)).is_err(), "{policy}");
    }
}

/// What is as by default is not written down.
#[test]
fn a_policy_round_trips() {
    let policy = SeriesPolicy {
        overlap: Overlap::BufferOne,
        misfire: Misfire::CatchUp(3),
        jitter: Duration::from_secs(5),
        stop_after_failures: Some(4),
    };
    let json = serde_json::to_string(&policy).unwrap();
    let expected = r#"{"overlap":"buffer_one","misfire":{"catch_up":3},"jitter":5000000,"stop_after_failures":4}"#;
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<SeriesPolicy>(&json).unwrap(), policy);
    let json = serde_json::to_string(&SeriesPolicy::default()).unwrap();
    assert_eq!(json, "{}");
}
