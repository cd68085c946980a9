//! What outlives a restart, and what does not.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::limit::{Decision, Demand, KeyedLimiter, LimiterSnapshot, RateLimit, Request, Scope};
use crate::task::TaskId;
use crate::time::Timestamp;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

fn ask(limiter: &mut KeyedLimiter, number: u128, limit: &RateLimit, now: i64) -> Option<i64> {
    let key = Scope::key("mail", "tenant").unwrap().unwrap();
    let demands = [Demand::new(key, limit).unwrap()];
    let request = Request::new(TaskId(Uuid::from_u128(number)), &demands).unwrap();
    match limiter.acquire(&request, at(now)) {
        Decision::Granted { .. } => None,
        Decision::Deferred(deferral) => Some((deferral.slot - at(0)).num_seconds()),
        Decision::Refused(refusal) => panic!("{refusal}"),
    }
}

/// Section 8.8: after restart buckets are full; a snapshot avoids it, and the slots of before are
/// booked anew by their owners.
#[test]
fn a_restart_with_a_snapshot_gives_no_second_burst() {
    let limit = RateLimit::per_minute(15);
    let mut before = KeyedLimiter::default();
    for number in 0..20 {
        ask(&mut before, number, &limit, 0);
    }
    let text = serde_json::to_string(&before.snapshot(at(2))).unwrap();
    let snapshot: LimiterSnapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(snapshot.len(), 1);
    let mut after = KeyedLimiter::default();
    assert_eq!(after.restore(&snapshot, at(3)), 1);
    assert_eq!(ask(&mut after, 15, &limit, 3), Some(4));
    assert_eq!(ask(&mut after, 16, &limit, 3), Some(8));
    assert_eq!(
        after.restore(&snapshot, at(3)),
        1,
        "beside what is spent here"
    );
    assert_eq!(ask(&mut after, 15, &limit, 4), None);
}

#[test]
fn what_is_back_by_the_time_of_a_restart_is_not_restored() {
    let limit = RateLimit::per_minute(15);
    let mut before = KeyedLimiter::default();
    ask(&mut before, 0, &limit, 0);
    let snapshot = before.snapshot(at(1));
    assert!(before.snapshot(at(4)).is_empty());
    let mut after = KeyedLimiter::default();
    assert_eq!(after.restore(&snapshot, at(4)), 0);
    assert_eq!(after.tracked(), 0);
}

#[test]
fn a_limit_that_was_changed_during_a_restart_keeps_what_was_spent() {
    let mut before = KeyedLimiter::default();
    let limit = RateLimit::per_minute(6).burst(1);
    ask(&mut before, 0, &limit, 0);
    let mut after = KeyedLimiter::default();
    after.restore(&before.snapshot(at(0)), at(5));
    let slower = RateLimit::per_minute(1);
    assert_eq!(
        ask(&mut after, 1, &slower, 5),
        Some(35),
        "half of a start is to come back"
    );
}

/// What a snapshot holds may come from anywhere.
#[test]
fn a_snapshot_with_figures_that_make_no_sense_is_passed_over() {
    let mut limiter = KeyedLimiter::default();
    let limit = RateLimit::per_minute(6);
    ask(&mut limiter, 0, &limit, 0);
    let text = serde_json::to_string(&limiter.snapshot(at(0))).unwrap();
    for field in ["period", "divisor", "burst"] {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value[0][field] = 0.into();
        let snapshot: LimiterSnapshot = serde_json::from_value(value).unwrap();
        assert_eq!(
            KeyedLimiter::default().restore(&snapshot, at(0)),
            0,
            "{field}"
        );
    }
}

/// Core scenario 47: `start_empty` after restart; 3 backlog rows, 1 per s with burst 2.
#[test]
fn a_key_that_starts_empty_has_its_backlog_spread_after_a_restart() {
    let limit = RateLimit::new(1, Duration::from_secs(1))
        .burst(2)
        .start_empty(true);
    let mut limiter = KeyedLimiter::default();
    assert_eq!(ask(&mut limiter, 0, &limit, 0), None);
    assert_eq!(ask(&mut limiter, 1, &limit, 0), Some(1));
    assert_eq!(ask(&mut limiter, 2, &limit, 0), Some(2));
}

/// What the process before has spent is not known, so everything is taken for spent.
#[test]
fn a_start_after_a_crash_gives_no_start_more_than_the_allowance() {
    let limit = RateLimit::per_minute(15).burst(3);
    let mut before = KeyedLimiter::default();
    let granted = (0..9).filter(|number| ask(&mut before, *number, &limit, 0).is_none());
    assert_eq!(granted.count(), 3);
    let mut after = KeyedLimiter::default().spent_until(at(1));
    assert_eq!(ask(&mut after, 20, &limit, 1), Some(5));
    assert_eq!(ask(&mut after, 21, &limit, 1), Some(9));
    // Once it would be back at the latest, it is.
    let mut after = KeyedLimiter::default().spent_until(at(1));
    let granted = (0..9).filter(|number| ask(&mut after, *number, &limit, 13).is_none());
    assert_eq!(granted.count(), 3);
}
