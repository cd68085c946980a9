//! What becomes of a slot: redeemed early, on time, late, given up, forgotten.

use super::Make;
use super::world::{Told, World, check_allowance, every, key};
use crate::limit::RateLimit;

/// Core edge case 151: early redelivery gets the same slot; no double booking.
pub fn who_comes_early_is_told_the_same_slot(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    for now in [0, 1, 5_000, 9_999] {
        assert_eq!(world.one(1, &limit, now), Told::At(10_000));
    }
    assert_eq!(world.overview(9_999).parked, 1);
    assert_eq!(world.one(2, &limit, 9_999), Told::At(20_000));
}

pub fn who_comes_on_time_is_granted(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    for number in 0..50 {
        world.one(number, &limit, 0);
    }
    for number in 1..50 {
        let slot = 10_000 * i64::from(number);
        assert_eq!(world.one(number, &limit, slot - 1), Told::At(slot));
        assert_eq!(world.one(number, &limit, slot), Told::Go);
    }
}

/// Core edge case 151: redelivery redeems its slot, even later than the expiry margin.
pub fn who_comes_later_than_the_expiry_still_redeems(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    world.one(0, &limit, 0);
    assert_eq!(world.one(1, &limit, 0), Told::At(10_000));
    assert_eq!(world.one(2, &limit, 0), Told::At(20_000));
    assert_eq!(world.one(1, &limit, 1_000_000), Told::Go);
    assert_eq!(
        world.one(2, &limit, 1_000_000),
        Told::At(1_010_000),
        "others were just served"
    );
    assert_eq!(world.one(2, &limit, 1_010_000), Told::Go);
}

/// Section 8.2: expired orphans are purged when somebody else asks. The one after them is a newcomer.
pub fn a_slot_that_nobody_comes_for_is_forgotten_in_the_end(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    world.one(0, &limit, 0);
    world.one(1, &limit, 0);
    assert_eq!(world.one(2, &limit, 30_000), Told::Go);
    assert_eq!(
        world.overview(30_000).parked,
        1,
        "its period and ten seconds are not over"
    );
    assert_eq!(world.one(3, &limit, 40_001), Told::Go);
    assert_eq!(world.overview(40_001).parked, 0);
}

/// The specification's table, last row: a late owner keeps its place.
pub fn who_comes_late_keeps_its_place(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    for number in 0..6 {
        world.one(number, &limit, 0);
    }
    assert_eq!(world.one(2, &limit, 20_000), Told::Go, "1 is not there");
    assert_eq!(world.one(1, &limit, 20_001), Told::At(30_000));
    assert_eq!(
        world.one(3, &limit, 30_000),
        Told::At(40_000),
        "1 stands before it"
    );
    assert_eq!(world.one(1, &limit, 30_000), Told::Go);
    assert_eq!(world.one(3, &limit, 40_000), Told::Go);
    assert_eq!(world.one(6, &limit, 40_000), Told::At(60_000));
    assert_eq!(
        world.one(4, &limit, 40_000),
        Told::At(50_000),
        "its slot was taken"
    );
}

/// The same row: it waits for the next conforming slot if others were just served.
pub fn who_comes_late_waits_if_others_were_just_served(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    world.one(0, &limit, 0);
    assert_eq!(world.one(1, &limit, 0), Told::At(10_000));
    assert_eq!(
        world.one(9, &limit, 25_000),
        Told::Go,
        "nothing is booked any more"
    );
    assert_eq!(world.one(1, &limit, 25_000), Told::At(35_000));
    assert_eq!(world.one(8, &limit, 25_000), Told::At(45_000));
    assert_eq!(world.one(1, &limit, 35_000), Told::Go);
}

/// All workers stood still for a while; then everybody comes at once, and comes again when told.
pub fn after_a_stall_all_are_served_in_their_order(make: Make<'_>) {
    for burst in [1, 4] {
        let (world, limit) = (World::new(make), every(1_000).burst(burst));
        let mut log = vec![(0, burst)];
        for number in 0..100 + burst {
            world.one(number, &limit, 0);
        }
        let mut waiting: Vec<_> = (1..=100_u32)
            .map(|number| (i64::from(number), number))
            .collect();
        for (due, _) in &mut waiting {
            *due = (*due * 1_000).max(50_000);
        }
        let mut served = Vec::new();
        let mut asked = 0;
        while let Some(next) = waiting.iter().min().copied() {
            waiting.retain(|other| *other != next);
            let (now, number) = next;
            asked += 1;
            assert!(asked < 1_000, "everybody is told again and again");
            match world.one(number + burst - 1, &limit, now) {
                Told::Go => {
                    log.push((now, 1));
                    served.push(number);
                }
                Told::At(slot) => {
                    assert!(slot > now);
                    waiting.push((slot, number));
                }
                Told::Never(reason) => panic!("{reason}"),
            }
        }
        assert!(served.into_iter().eq(1..=100), "burst {burst}");
        check_allowance(&log, burst, (1_000, 1), "a stall");
        let last = log.last().unwrap().0;
        assert_eq!(
            last,
            150_000 - 1_000 * i64::from(burst),
            "no interval was wasted"
        );
    }
}

/// Section 8.2, release: the time of the newest booking is rolled back.
pub fn the_newest_booking_is_given_back_whole(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    for number in 0..4 {
        world.one(number, &limit, 0);
    }
    assert!(world.release(3, &[key("a")], 0));
    assert!(world.release(2, &[key("a")], 0));
    assert_eq!(world.one(4, &limit, 0), Told::At(20_000));
    assert!(!world.release(3, &[key("a")], 0), "once only");
}

/// Section 8.2, release: otherwise the interval is wasted, and nobody's slot moves.
pub fn another_booking_leaves_its_interval_unused(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    for number in 0..4 {
        world.one(number, &limit, 0);
    }
    assert!(world.release(1, &[key("a")], 0));
    assert_eq!(world.one(1, &limit, 0), Told::At(40_000));
    assert_eq!(world.one(2, &limit, 0), Told::At(20_000));
    assert_eq!(world.one(2, &limit, 20_000), Told::Go);
}

pub fn who_has_no_slot_releases_nothing(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(2));
    assert!(!world.release(0, &[key("a")], 0));
    assert_eq!(world.one(0, &limit, 0), Told::Go);
    assert!(
        !world.release(0, &[key("a")], 0),
        "what is granted is spent"
    );
    assert_eq!(world.one(1, &limit, 0), Told::Go);
    assert_eq!(world.one(2, &limit, 0), Told::At(30_000));
    assert!(!world.release(2, &[key("b")], 0));
    assert!(world.release(2, &[key("b"), key("a")], 0));
}

pub fn what_is_granted_is_not_booked_any_more(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    world.one(0, &limit, 0);
    world.one(1, &limit, 0);
    assert_eq!(world.one(1, &limit, 10_000), Told::Go);
    assert_eq!(
        world.one(1, &limit, 10_000),
        Told::At(20_000),
        "a retry asks anew"
    );
}
