//! How much is granted in all, played with dice.

use std::time::Duration;

use super::Make;
use super::world::{Dice, Told, World, check_allowance, demand, key};
use crate::limit::{Demand, RateLimit};

const SEEDS: u64 = 150;

/// Tasks come early, late, very late or never, give their slots up and ask again.
pub fn no_window_has_more_grants_than_the_allowance_however_late_they_come(make: Make<'_>) {
    for seed in 0..SEEDS {
        let (world, mut dice) = (World::new(make), Dice(seed));
        let (permits, burst) = (1 + dice.roll(7), 1 + dice.roll(5));
        let limit = RateLimit::new(permits, Duration::from_secs(10)).burst(burst);
        let mut waiting: Vec<(i64, u32, u32)> = Vec::new();
        let (mut now, mut log) = (0, Vec::new());
        for number in 0..300 {
            now += i64::from(dice.roll(2_500));
            if dice.roll(40) == 0 {
                now += i64::from(dice.roll(60_000));
            }
            let place = waiting.iter().position(|(due, ..)| *due <= now + 200);
            let (number, cost) = match place.filter(|_| dice.roll(3) > 0) {
                Some(place) => {
                    let (_, number, cost) = waiting.swap_remove(place);
                    (number, cost)
                }
                None => (number, 1 + dice.roll(burst)),
            };
            if dice.roll(12) == 0 {
                world.release(number, &[key("a")], now);
            }
            let demand = Demand::costing(key("a"), &limit, cost).unwrap();
            match world.ask(number, &[demand], now) {
                Told::Go => log.push((now, cost)),
                Told::At(slot) if dice.roll(10) > 0 => waiting.push((slot, number, cost)),
                Told::At(_) | Told::Never(_) => {}
            }
        }
        let interval = (10_000, i64::from(permits));
        check_allowance(&log, burst, interval, &format!("seed {seed}"));
    }
}

/// More is asked for than there is, and everybody comes at the very slot: all of the allowance is used.
pub fn no_budget_is_wasted_on_those_who_come_on_time(make: Make<'_>) {
    for burst in [1, 2, 7] {
        let (world, limit) = (World::new(make), RateLimit::per_minute(6).burst(burst));
        let mut waiting = Vec::new();
        let mut granted = 0;
        for now in (0..=600_000_i64).step_by(1_000) {
            waiting.retain(|(slot, number)| {
                if *slot != now {
                    return true;
                }
                assert_eq!(world.one(*number, &limit, now), Told::Go);
                granted += 1;
                false
            });
            let number = u32::try_from(now / 1_000).unwrap();
            match world.one(number, &limit, now) {
                Told::Go => granted += 1,
                Told::At(slot) => waiting.push((slot, number)),
                // More than an hour of them waits.
                Told::Never(_) => {}
            }
        }
        assert_eq!(granted, 60 + burst, "burst {burst}");
    }
}

/// Section 8.2: slots for distinct ids never decrease.
pub fn slots_never_go_backwards(make: Make<'_>) {
    for seed in 0..SEEDS {
        let (world, mut dice) = (World::new(make), Dice(seed));
        let limit = RateLimit::per_minute(30).burst(1 + dice.roll(4));
        let (mut now, mut last) = (0, 0);
        let mut waiting = Vec::new();
        for number in 0..200 {
            now += i64::from(dice.roll(3_000));
            if let Told::At(slot) = world.one(number, &limit, now) {
                assert!(slot > last, "seed {seed}: {slot} after {last}");
                last = slot;
                waiting.push((slot, number));
            }
            // Most come when told, or a little earlier.
            waiting.retain(|(slot, number)| {
                *slot > now || world.one(*number, &limit, *slot) == Told::At(*slot)
            });
        }
        assert!(world.available(&demand("a", &limit), now + 3_600_000) > 0);
    }
}
