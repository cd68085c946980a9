//! How much is tracked, and for how long.

use std::sync::Barrier;
use std::time::Duration;

use super::Make;
use super::world::{Told, World, answer, at, demand, every, id, told};
use crate::limit::{Decision, MAX_LIMIT_SPAN, RateLimit, Request};
use crate::time::{LATEST, Timestamp};

fn untracked(world: &World, key: &str, number: u32, now: i64) -> usize {
    let demands = [demand(key, &every(10_000))];
    let request = Request::new(id(number), &demands).unwrap();
    match world.decide(&request, now) {
        Decision::Granted { untracked } => untracked,
        deferred @ Decision::Deferred(_) => panic!("{deferred:?}"),
        refused @ Decision::Refused(_) => panic!("{refused:?}"),
    }
}

/// Section 8.2: a new key fails open, existing keys stay throttled.
pub fn the_bound_on_tracked_keys_is_exact(make: Make<'_>) {
    let world = World { limiter: make(2) };
    assert_eq!(untracked(&world, "a", 0, 0), 0);
    assert_eq!(untracked(&world, "b", 1, 0), 0);
    for number in 2..5 {
        assert_eq!(untracked(&world, "c", number, 0), 1);
    }
    let overview = world.overview(0);
    assert_eq!((overview.tracked, overview.fail_opens), (2, 3));
    assert_eq!(
        world.ask(9, &[demand("a", &every(10_000))], 0),
        Told::At(10_000)
    );
}

/// Core edge case 152: 16 racing new keys with cap 4 -> exactly 4 tracked, 12 fail-open.
pub fn of_sixteen_keys_at_once_exactly_four_are_tracked(make: Make<'_>) {
    for _ in 0..20 {
        let world = World { limiter: make(4) };
        let barrier = Barrier::new(16);
        let failed_open: usize = std::thread::scope(|scope| {
            let (world, barrier) = (&world, &barrier);
            let ask = |number: u32| {
                scope.spawn(move || {
                    barrier.wait();
                    untracked(world, &format!("key {number}"), number, 0)
                })
            };
            let threads: Vec<_> = (0..16).map(ask).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        let overview = world.overview(0);
        assert_eq!(
            (failed_open, overview.tracked, overview.fail_opens),
            (12, 4, 12)
        );
    }
}

pub fn an_idle_key_makes_room_for_a_new_one(make: Make<'_>) {
    let world = World { limiter: make(2) };
    for (round, number) in (0..50_u32).zip((0..).step_by(2)) {
        let now = i64::from(round) * 10_001;
        for more in 0..2 {
            let key = format!("key {}", number + more);
            assert_eq!(untracked(&world, &key, number + more, now), 0, "{key}");
        }
        assert_eq!(untracked(&world, "one too many", 1_000, now), 1);
        assert_eq!(world.overview(now).tracked, 2);
    }
}

pub fn a_key_that_waits_or_has_spent_is_never_forgotten(make: Make<'_>) {
    let world = World { limiter: make(2) };
    let limit = every(10_000);
    world.ask(0, &[demand("a", &limit)], 0);
    world.ask(1, &[demand("a", &limit)], 0);
    world.ask(2, &[demand("b", &limit)], 0);
    // The budget of a is spent until 20 s, and who booked it may come until 30 s.
    assert_eq!(untracked(&world, "c", 3, 9_999), 1);
    assert_eq!(untracked(&world, "d", 4, 10_001), 0, "b is idle");
    for (number, now) in [(5, 10_001), (6, 20_000)] {
        assert_eq!(untracked(&world, "e", number, now), 1);
    }
    assert_eq!(untracked(&world, "f", 7, 20_002), 0, "d is idle, a is not");
    assert_eq!(world.ask(1, &[demand("a", &limit)], 29_000), Told::Go);
    assert_eq!(
        world.ask(8, &[demand("a", &limit)], 29_000),
        Told::At(39_000)
    );
}

pub fn the_ends_of_time_are_no_problem(make: Make<'_>) {
    let limits = [
        RateLimit::new(u32::MAX, MAX_LIMIT_SPAN).burst(1),
        RateLimit::new(1, MAX_LIMIT_SPAN).burst(u32::MAX),
        RateLimit::new(u32::MAX, Duration::from_nanos(1)).horizon(MAX_LIMIT_SPAN),
        RateLimit::strict(1, MAX_LIMIT_SPAN).start_empty(true),
    ];
    let ends = [Timestamp::MIN_UTC, at(0), LATEST, Timestamp::MAX_UTC];
    for limit in limits {
        for first in ends {
            for second in ends {
                let world = World::new(make);
                let demand = demand("a", &limit);
                let demands = [demand];
                for (number, now) in [(0, first), (1, first), (0, second), (1, second)] {
                    let request = Request::new(id(number), &demands).unwrap();
                    told(&answer(world.limiter.acquire(&request, now)));
                    answer(world.limiter.peek(&demand, now));
                    answer(world.limiter.overview(9, now));
                }
                answer(world.limiter.pause(&demand, second, first));
                answer(world.limiter.reset(demand.scope(), second));
                let change = world.limiter.change(demand.scope(), &limits[0], first);
                answer(change.unwrap());
            }
        }
    }
}
