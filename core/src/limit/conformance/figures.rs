//! The checks of section 8.2, to the figure (core scenario 40).

use std::collections::BTreeSet;
use std::time::Duration;

use super::Make;
use super::world::{Told, World, answer, at, demand, every, id};
use crate::limit::{Decision, Deferral, RateLimit, RefusalReason, Request};

const MINUTE: i64 = 60_000;

/// 15/min burst 15: 15 grants at once, 16th slot = +4 s.
pub fn fifteen_a_minute_start_at_once_and_the_next_waits_four_seconds(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(15));
    for number in 0..15 {
        assert_eq!(world.one(number, &limit, 0), Told::Go);
    }
    assert_eq!(world.one(15, &limit, 0), Told::At(4_000));
    assert_eq!(world.one(16, &limit, 0), Told::At(8_000));
}

/// 6/min burst 1: slots 10 s apart.
pub fn six_a_minute_without_a_burst_have_slots_ten_seconds_apart(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(6).burst(1));
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    for number in 1..20 {
        assert_eq!(
            world.one(number, &limit, 0),
            Told::At(10_000 * i64::from(number))
        );
    }
}

/// 1/10 s: id X deferred to +10 s; at +10 s X granted; next id still +20 s.
pub fn a_redeemed_slot_moves_no_other(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    assert_eq!(world.one(1, &limit, 0), Told::At(10_000));
    assert_eq!(world.one(1, &limit, 10_000), Told::Go);
    assert_eq!(world.one(2, &limit, 10_000), Told::At(20_000));
}

/// Horizon 25 s: slots +10, +20, third refused at +30 and nothing booked.
pub fn a_slot_beyond_the_horizon_is_refused_and_not_booked(make: Make<'_>) {
    let (world, limit) = (
        World::new(make),
        every(10_000).horizon(Duration::from_secs(25)),
    );
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    assert_eq!(world.one(1, &limit, 0), Told::At(10_000));
    assert_eq!(world.one(2, &limit, 0), Told::At(20_000));
    for number in 3..6 {
        let refused = Told::Never(RefusalReason::BeyondHorizon);
        assert_eq!(world.one(number, &limit, 0), refused);
    }
    assert_eq!(world.overview(0).parked, 2);
    assert_eq!(
        world.one(6, &limit, 5_000),
        Told::At(30_000),
        "as far as the horizon"
    );
}

/// 5/50 s burst 5, 40 concurrent: exactly 5 grants, 35 distinct slots 10 s apart.
pub fn of_forty_at_once_five_start_and_the_others_have_slots_of_their_own(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::new(5, Duration::from_secs(50)));
    let told: Vec<_> = std::thread::scope(|scope| {
        let (world, limit) = (&world, &limit);
        let ask = |number| scope.spawn(move || world.one(number, limit, 0));
        let threads: Vec<_> = (0..40).map(ask).collect();
        let each = threads.into_iter().map(|thread| thread.join().unwrap());
        each.collect()
    });
    let slots: BTreeSet<_> = told
        .iter()
        .filter_map(|told| match told {
            Told::At(slot) => Some(*slot),
            Told::Go | Told::Never(_) => None,
        })
        .collect();
    assert_eq!(told.iter().filter(|told| **told == Told::Go).count(), 5);
    assert!(slots.into_iter().eq((1..=35).map(|number| number * 10_000)));
}

/// `start_empty` 10/100 s: 1 grant, next +10 s.
pub fn a_key_that_starts_empty_begins_steadily(make: Make<'_>) {
    let limit = RateLimit::new(10, Duration::from_secs(100)).start_empty(true);
    let world = World::new(make);
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    assert_eq!(world.one(1, &limit, 0), Told::At(10_000));
    assert_eq!(world.one(2, &limit, 0), Told::At(20_000));
}

/// The strict kind, with and without a burst: a period that leaves out one of its ends has at most as
/// many as there are permits, and the worst one has all of them.
pub fn a_strict_limit_keeps_its_number_in_any_period(make: Make<'_>) {
    for burst in [1, 8, 15] {
        let limit = RateLimit::strict(15, Duration::from_mins(1)).burst(burst);
        let world = World::new(make);
        let mut grants = Vec::new();
        for now in (0..4 * MINUTE).step_by(500) {
            let number = u32::try_from(now).unwrap();
            let room = world.available(&demand("a", &limit), now);
            for more in 0..room {
                assert_eq!(world.one(number + more, &limit, now), Told::Go);
                grants.push(now);
            }
        }
        let most = grants.iter().map(|from| {
            let in_period = grants
                .iter()
                .filter(|at| (*from..from + MINUTE).contains(at));
            in_period.count()
        });
        assert_eq!(most.max(), Some(15), "burst {burst}");
    }
}

/// 60/7 s are no whole number of anything. After an hour of slots the last one is where it should be,
/// rounded up to a microsecond, and whoever comes at such an instant is on time.
pub fn seven_a_minute_do_not_drift(make: Make<'_>) {
    let far = Duration::from_hours(2);
    let (world, limit) = (
        World::new(make),
        RateLimit::per_minute(7).burst(1).horizon(far),
    );
    let demands = [demand("a", &limit)];
    let slot = |number: u32| {
        let nanos = u64::from(number) * 60_000_000_000;
        at(0) + Duration::from_micros(nanos.div_ceil(7_000))
    };
    let ask = |number, now| {
        let request = Request::new(id(number), &demands).unwrap();
        answer(world.limiter.acquire(&request, now))
    };
    let granted = Decision::Granted { untracked: 0 };
    assert_eq!(ask(0, at(0)), granted);
    for number in 1..=7 * 60 {
        let slot = slot(number);
        let deferral = Deferral { slot, demand: 0 };
        assert_eq!(ask(number, at(0)), Decision::Deferred(deferral));
    }
    for number in 1..=7 * 60 {
        assert_eq!(ask(number, slot(number)), granted);
    }
}
