//! What people and services change while tasks wait.

use super::Make;
use super::world::{Told, World, answer, at, demand, every, id, key};
use crate::limit::{MovedSlot, RateLimit};

fn moved(number: u32, slot: i64) -> MovedSlot {
    MovedSlot {
        id: id(number),
        slot: at(slot),
    }
}

/// A service answered 429 with Retry-After: the key waits, then goes on steadily, in the order it had.
pub fn a_pause_lets_nothing_start_before_it_ends(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(6).burst(3));
    let demand = demand("a", &limit);
    for number in 0..5 {
        world.one(number, &limit, 0);
    }
    assert!(answer(world.limiter.pause(&demand, at(60_000), at(5_000))));
    assert_eq!(world.one(3, &limit, 10_000), Told::At(60_000));
    assert_eq!(world.one(4, &limit, 20_000), Told::At(70_000));
    assert_eq!(world.one(5, &limit, 20_000), Told::At(80_000));
    assert_eq!(world.available(&demand, 59_999), 0);
    for number in 3..6 {
        let slot = 30_000 + 10_000 * i64::from(number);
        assert_eq!(world.one(number, &limit, slot), Told::Go);
    }
    let other = super::world::demand("b", &limit);
    assert!(
        answer(world.limiter.pause(&other, at(60_000), at(5_000))),
        "not known before"
    );
    assert_eq!(world.ask(9, &[other], 5_000), Told::At(60_000));
}

pub fn a_shorter_pause_does_not_end_a_longer_one(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(1_000));
    let demand = demand("a", &limit);
    assert!(answer(world.limiter.pause(&demand, at(60_000), at(0))));
    assert!(answer(world.limiter.pause(&demand, at(30_000), at(0))));
    assert!(answer(world.limiter.pause(&demand, at(-5_000), at(0))));
    assert_eq!(world.one(0, &limit, 0), Told::At(60_000));
    let fresh = super::world::demand("b", &limit);
    assert!(answer(world.limiter.pause(&fresh, at(-5_000), at(0))));
    assert_eq!(
        world.ask(1, &[fresh], 0),
        Told::Go,
        "a pause that is past is none"
    );
}

pub fn a_reset_gives_the_burst_back_and_moves_slots_up(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(6).burst(2));
    for number in 0..6 {
        world.one(number, &limit, 0);
    }
    let answered = answer(world.limiter.reset(key("a"), at(1_000)));
    let expected = [
        moved(2, 1_000),
        moved(3, 1_000),
        moved(4, 11_000),
        moved(5, 21_000),
    ];
    assert_eq!(answered, expected);
    assert_eq!(
        world.one(6, &limit, 1_000),
        Told::At(31_000),
        "behind those who waited"
    );
    assert_eq!(world.one(3, &limit, 1_000), Told::Go);
    assert_eq!(world.one(2, &limit, 1_000), Told::Go);
    assert_eq!(world.one(4, &limit, 1_000), Told::At(11_000));
    assert!(answer(world.limiter.reset(key("nobody"), at(0))).is_empty());
}

/// 6/min becomes 60/min after five seconds: half an interval has passed and half of the new one is left.
pub fn a_faster_limit_moves_slots_up_in_their_order(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    for number in 0..4 {
        world.one(number, &limit, 0);
    }
    let faster = every(1_000);
    let change = world.limiter.change(key("a"), &faster, at(5_000)).unwrap();
    let expected = [moved(1, 5_500), moved(2, 6_500), moved(3, 7_500)];
    assert_eq!(answer(change), expected);
    assert_eq!(world.one(4, &faster, 5_000), Told::At(8_500));
    assert_eq!(world.one(1, &faster, 5_499), Told::At(5_500));
    assert_eq!(world.one(1, &faster, 5_500), Told::Go);
    assert!(
        world
            .limiter
            .change(key("a"), &faster.burst(0), at(0))
            .is_err()
    );
}

pub fn a_slower_limit_moves_slots_back_in_their_order(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(1_000));
    for number in 0..4 {
        world.one(number, &limit, 0);
    }
    let slower = every(10_000);
    let change = world.limiter.change(key("a"), &slower, at(500)).unwrap();
    let expected = [moved(1, 5_500), moved(2, 15_500), moved(3, 25_500)];
    assert_eq!(answer(change), expected);
    assert_eq!(world.one(1, &slower, 1_000), Told::At(5_500));
    assert_eq!(world.one(4, &slower, 1_000), Told::At(35_500));
}

/// A limit per key, given by a function of the tenant's plan.
pub fn a_demand_brings_its_limit(make: Make<'_>) {
    let world = World::new(make);
    let (free, paid) = (every(10_000), RateLimit::per_second(10));
    assert_eq!(world.ask(0, &[demand("small", &free)], 0), Told::Go);
    assert_eq!(world.ask(1, &[demand("small", &free)], 0), Told::At(10_000));
    for number in 10..20 {
        assert_eq!(world.ask(number, &[demand("large", &paid)], 0), Told::Go);
    }
    assert_eq!(world.ask(20, &[demand("large", &paid)], 0), Told::At(100));
    for number in 2..11 {
        let told = world.ask(number, &[demand("small", &paid)], 100);
        assert_eq!(
            told == Told::Go,
            number < 10,
            "one of the ten is spent, one is booked"
        );
    }
}

pub fn a_limit_of_every_key_of_a_type_is_changed_at_once(make: Make<'_>) {
    let (world, limit, faster) = (World::new(make), every(10_000), every(1_000));
    for (name, number) in ["a", "b"].into_iter().zip([1, 2]) {
        world.ask(number * 10, &[demand(name, &limit)], 0);
        world.ask(number, &[demand(name, &limit)], 0);
    }
    let change = world
        .limiter
        .change_keys_of("mail", &faster, at(0))
        .unwrap();
    let mut answered = answer(change);
    answered.sort_by_key(|each| each.id);
    assert_eq!(answered, [moved(1, 1_000), moved(2, 1_000)]);
    let none = world
        .limiter
        .change_keys_of("letter", &limit, at(0))
        .unwrap();
    assert!(answer(none).is_empty());
}
