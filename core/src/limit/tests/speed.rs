//! How much memory and time a decision takes. The figures are measured by hand, in a release build:
//! `cargo test --release -p evertask-core --lib limit::tests::speed -- --ignored --nocapture`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this measures the machine"
)]

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::limit::{Decision, Demand, KeyedLimiter, RateLimit, Request, Scope};
use crate::task::TaskId;
use crate::time::Timestamp;

const KEYS: u32 = 10_000;

/// A tracked key of 20 bytes of a type whose name has 15, with what lists and the allocator leave unused.
#[test]
fn a_tracked_key_takes_fewer_than_200_bytes() {
    let mut limiter = KeyedLimiter::default();
    fill(&mut limiter, Timestamp::UNIX_EPOCH);
    let text = 35_usize.next_multiple_of(16) + 16;
    let bytes = limiter.table.list_bytes() / usize::try_from(KEYS).unwrap() + text;
    assert!(bytes < 200, "{bytes}");
    println!("{bytes} bytes for each key");
}

fn key(number: u32) -> String {
    format!("tenant-{number:013}")
}

fn fill(limiter: &mut KeyedLimiter, now: Timestamp) {
    let limit = RateLimit::per_minute(15);
    for number in 0..KEYS {
        let key = key(number);
        let scope = Scope::key("partner.deliver", &key).unwrap().unwrap();
        let demands = [Demand::new(scope, &limit).unwrap()];
        let request = Request::new(TaskId(Uuid::from_u128(number.into())), &demands).unwrap();
        let decision = limiter.acquire(&request, now);
        assert_eq!(decision, Decision::Granted { untracked: 0 });
    }
    assert_eq!(limiter.tracked(), usize::try_from(KEYS).unwrap());
}

#[test]
#[ignore = "a measurement"]
fn decisions_per_second() {
    let keys: Vec<_> = (0..KEYS).map(key).collect();
    for (name, limit) in [
        ("granted", RateLimit::per_second(1_000_000)),
        ("booked, then redeemed", RateLimit::per_second(100).burst(1)),
    ] {
        let mut limiter = KeyedLimiter::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut decisions, mut granted) = (0_u32, 0_u32);
        let start = Instant::now();
        for round in 0..100_u32 {
            now += TimeDelta::milliseconds(10);
            for (key, number) in keys.iter().zip(0..) {
                let scope = Scope::key("partner.deliver", key).unwrap().unwrap();
                let demands = [Demand::new(scope, &limit).unwrap()];
                // Of two that come together one has to wait for the next round.
                for other in [round, round + 1] {
                    let id = Uuid::from_u64_pair(u64::from(other), number);
                    let request = Request::new(TaskId(id), &demands).unwrap();
                    let decision = limiter.acquire(&request, now);
                    granted += u32::from(matches!(decision, Decision::Granted { .. }));
                    decisions += 1;
                }
            }
        }
        let each = start.elapsed() / decisions;
        println!("{name}: {each:?} each, {granted} of {decisions} granted");
        assert!(each < Duration::from_micros(50));
    }
}

#[test]
#[ignore = "a measurement"]
fn a_hundred_thousand_parked_tasks_of_one_key() {
    let limit = RateLimit::per_second(1_000).burst(1);
    let mut limiter = KeyedLimiter::default();
    let demands = [Demand::new(Scope::task("partner.deliver"), &limit).unwrap()];
    let mut ask = |number: u32, now: Timestamp| {
        let id = TaskId(Uuid::from_u128(number.into()));
        limiter.acquire(&Request::new(id, &demands).unwrap(), now)
    };
    let epoch = Timestamp::UNIX_EPOCH;
    let start = Instant::now();
    for number in 0..=100_000 {
        let is_granted = matches!(ask(number, epoch), Decision::Granted { .. });
        assert_eq!(is_granted, number == 0);
    }
    println!("booked: {:?} each", start.elapsed() / 100_000);
    // All workers stood still; everybody comes at once.
    let start = Instant::now();
    let late = epoch + TimeDelta::seconds(100);
    for number in 1..=100_000 {
        let is_granted = matches!(ask(number, late), Decision::Granted { .. });
        assert_eq!(is_granted, number == 1);
    }
    println!("told anew: {:?} each", start.elapsed() / 100_000);
    let start = Instant::now();
    for number in 2..=100_000 {
        let now = late + TimeDelta::milliseconds(i64::from(number) - 1);
        assert!(
            matches!(ask(number, now), Decision::Granted { .. }),
            "{number}"
        );
    }
    println!("redeemed: {:?} each", start.elapsed() / 100_000);
}
