//! One budget for each scope.

use super::Make;
use super::world::{Told, World, answer, at, demand, every, key};
use crate::limit::{Demand, RateLimit, Scope};

/// Core scenario 41: no cross-key delay.
pub fn a_scope_without_budget_is_in_nobodys_way(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(900));
    for number in 0..5 {
        let expected = 900 * i64::from(number);
        let told = world.ask(number, &[demand("a", &limit)], 0);
        assert_eq!(
            told,
            if number == 0 {
                Told::Go
            } else {
                Told::At(expected)
            }
        );
    }
    assert_eq!(world.ask(5, &[demand("b", &limit)], 0), Told::Go);
}

/// Section 8.1: the same key under two types never shares.
pub fn scopes_are_told_apart_exactly(make: Make<'_>) {
    let (world, limit) = (World::new(make), every(10_000));
    let key = |task, key| Scope::key(task, key).unwrap().unwrap();
    let scopes = [
        key("mail", "a"),
        key("mail", "A"),
        key("mail", " a"),
        key("mail", "á"),
        key("letter", "a"),
        key("maila", "b"),
        key("mail", "ab"),
        key("m", "ail"),
        Scope::task("mail"),
        Scope::queue("mail"),
        Scope::task("maila"),
    ];
    for (scope, number) in scopes.into_iter().zip(0..) {
        let demand = Demand::new(scope, &limit).unwrap();
        assert_eq!(world.ask(number, &[demand], 0), Told::Go, "{scope}");
    }
    for (scope, number) in scopes.into_iter().zip(100..) {
        let demand = Demand::new(scope, &limit).unwrap();
        assert_eq!(world.ask(number, &[demand], 0), Told::At(10_000), "{scope}");
    }
}

pub fn a_cost_counts_as_so_many_starts(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(15).burst(5));
    let ask = |number, cost, now| {
        let demand = Demand::costing(key("a"), &limit, cost).unwrap();
        world.ask(number, &[demand], now)
    };
    assert_eq!(ask(0, 3, 0), Told::Go);
    assert_eq!(
        ask(1, 3, 0),
        Told::At(4_000),
        "two are left, one is missing"
    );
    assert_eq!(ask(2, 1, 0), Told::At(8_000));
    assert_eq!(ask(3, 5, 0), Told::At(28_000));
    assert_eq!(ask(1, 3, 4_000), Told::Go);
    assert_eq!(ask(2, 1, 8_000), Told::Go);
    assert_eq!(ask(3, 5, 28_000), Told::Go);
    assert_eq!(ask(4, 1, 28_000), Told::At(32_000));
}

pub fn a_look_at_a_budget_spends_nothing(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(15).burst(3));
    let demand = demand("a", &limit);
    for left in (0..3).rev() {
        assert_eq!(world.available(&demand, 0), left + 1);
        assert_eq!(world.available(&demand, 0), left + 1);
        assert_eq!(world.one(left, &limit, 0), Told::Go);
    }
    assert_eq!(world.available(&demand, 0), 0);
    let budget = answer(world.limiter.peek(&demand, at(0)));
    assert_eq!((budget.next_slot, budget.parked), (at(4_000), 0));
    assert_eq!(world.one(9, &limit, 0), Told::At(4_000));
    let budget = answer(world.limiter.peek(&demand, at(0)));
    assert_eq!((budget.next_slot, budget.parked), (at(8_000), 1));
    assert_eq!(world.available(&demand, 20_000), 3);
    let budget = answer(world.limiter.peek(&demand, at(20_000)));
    assert_eq!(budget.next_slot, at(20_000), "now");
}

/// The rate-limit view (storage scenario S30): 200 tasks of a key at 10/min.
pub fn an_overview_counts_who_waits(make: Make<'_>) {
    let (world, limit) = (World::new(make), RateLimit::per_minute(10));
    let mut last = 0;
    for number in 0..200 {
        match world.ask(number, &[demand("T1", &limit)], 0) {
            Told::Go => assert!(number < 10),
            Told::At(slot) => {
                assert!(slot > last, "throttled until later than the one before");
                last = slot;
            }
            Told::Never(reason) => panic!("{reason}"),
        }
    }
    for number in 200..212 {
        world.ask(number, &[demand("T2", &limit)], 0);
    }
    let overview = world.overview(0);
    assert_eq!(
        (overview.tracked, overview.parked, overview.fail_opens),
        (2, 192, 0)
    );
    let parked: Vec<_> = overview.busiest.iter().map(|view| view.parked).collect();
    assert_eq!(parked, [190, 2]);
    let first = overview.busiest.first().unwrap();
    assert_eq!(first.scope.as_scope(), key("T1"));
    assert_eq!(first.next_slot, Some(at(6_000)));
    let short = answer(world.limiter.overview(1, at(0)));
    assert_eq!((short.busiest.len(), short.parked), (1, 192));
}
