//! Tasks that are subject to several limits.

use super::Make;
use super::world::{Dice, Told, World, check_allowance, demand, every, key};
use crate::limit::{Demand, RateLimit, Scope};

fn queue(limit: &RateLimit) -> Demand<'static> {
    Demand::new(Scope::queue("mail"), limit).unwrap()
}

pub fn nothing_is_spent_unless_all_of_it_is(make: Make<'_>) {
    let (world, much, little) = (World::new(make), RateLimit::per_minute(15), every(10_000));
    world.ask(0, &[demand("a", &little)], 0);
    for number in 1..5 {
        let both = [queue(&much), demand("a", &little)];
        assert_eq!(
            world.ask(number, &both, 0),
            Told::At(10_000 * i64::from(number))
        );
        assert_eq!(world.available(&queue(&much), 0), 15, "not half-spent");
    }
    assert_eq!(world.overview(0).parked, 4, "in one of the two");
}

pub fn a_task_is_booked_where_it_waits_longest(make: Make<'_>) {
    let (world, short, long) = (World::new(make), every(2_000), every(10_000));
    let both = [demand("a", &short), demand("b", &long)];
    assert_eq!(world.ask(0, &both, 0), Told::Go);
    assert_eq!(world.ask(1, &both, 0), Told::At(10_000));
    assert_eq!(
        world.ask(2, &[demand("a", &short)], 0),
        Told::At(2_000),
        "not booked there"
    );
    assert_eq!(world.ask(3, &[demand("b", &long)], 0), Told::At(20_000));
}

pub fn at_its_slot_a_task_spends_everything_at_once(make: Make<'_>) {
    let (world, short, long) = (World::new(make), every(2_000), every(10_000));
    let both = [demand("a", &short), demand("b", &long)];
    assert_eq!(world.ask(0, &both, 0), Told::Go);
    assert_eq!(world.ask(1, &both, 0), Told::At(10_000));
    assert_eq!(world.ask(1, &both, 10_000), Told::Go);
    assert_eq!(
        world.ask(2, &[demand("a", &short)], 10_000),
        Told::At(12_000)
    );
    assert_eq!(
        world.ask(3, &[demand("b", &long)], 10_000),
        Told::At(20_000)
    );
}

pub fn who_is_short_of_another_budget_is_moved_on(make: Make<'_>) {
    let (world, short, long) = (World::new(make), every(2_000), every(10_000));
    let both = [demand("a", &short), demand("b", &long)];
    assert_eq!(world.ask(0, &both, 0), Told::Go);
    assert_eq!(world.ask(1, &both, 0), Told::At(10_000));
    assert_eq!(world.ask(2, &[demand("a", &short)], 9_000), Told::Go);
    assert_eq!(
        world.ask(3, &[demand("a", &short)], 9_000),
        Told::At(11_000)
    );
    assert_eq!(
        world.ask(1, &both, 10_000),
        Told::At(11_000),
        "before those who booked it"
    );
    assert_eq!(
        world.ask(3, &[demand("a", &short)], 11_000),
        Told::At(13_000)
    );
    assert_eq!(world.ask(1, &both, 11_000), Told::Go);
    assert_eq!(world.ask(3, &[demand("a", &short)], 13_000), Told::Go);
}

/// Two limits, each with a backlog of tasks of its own, and tasks that need both. Were a task that is
/// moved on to give up what it holds, limits of equal rates could hand it to and fro for ever.
pub fn two_saturated_limits_starve_nobody(make: Make<'_>) {
    for (one, other, phase) in [(1_000, 1_000, 0), (1_000, 1_000, 400), (1_000, 3_700, 100)] {
        for seed in 0..5 {
            let (world, mut dice) = (World::new(make), Dice(seed));
            let (one, other) = (every(one), every(other));
            let of_one = [demand("a", &one)];
            let of_other = [demand("b", &other)];
            let both = [demand("a", &one), demand("b", &other)];
            let demands: [&[Demand<'_>]; 3] = [&of_one, &of_other, &both];
            let mut logs = [Vec::new(), Vec::new()];
            let mut waiting: Vec<(i64, u32, u32)> = (0..150)
                .map(|number| (phase * i64::from(number % 2), dice.roll(1_000), number))
                .collect();
            let mut left = 50;
            let mut steps = 0;
            let slowest = i64::try_from(other.period().as_millis()).unwrap();
            while let Some(next) = waiting.iter().min().copied() {
                waiting.retain(|each| *each != next);
                let (now, _, number) = next;
                steps += 1;
                // As long as it takes to serve all of the first 150 that need it.
                let fair = 100 * slowest;
                assert!(
                    steps < 100_000 && now < 2 * fair,
                    "at {now}, {steps}: {left} left"
                );
                let kind = usize::try_from(number % 3).unwrap();
                match world.ask(number, demands[kind], now) {
                    Told::Go => {
                        left -= i32::from(kind == 2);
                        for (place, log) in logs.iter_mut().enumerate() {
                            if kind != 1 - place {
                                log.push((now, 1));
                            }
                        }
                        if left == 0 {
                            break;
                        }
                        // Whoever was served comes again as a new task, so the others never run dry.
                        if kind != 2 {
                            waiting.push((now, dice.roll(1_000), number + 300));
                        }
                    }
                    Told::At(slot) => {
                        assert!(slot > now, "told {slot} at {now}");
                        waiting.push((slot, dice.roll(1_000), number));
                    }
                    Told::Never(_) => {}
                }
            }
            assert_eq!(left, 0);
            let intervals = [one.period().as_millis(), other.period().as_millis()];
            for (log, interval) in logs.iter().zip(intervals) {
                let interval = (i64::try_from(interval).unwrap(), 1);
                check_allowance(log, 1, interval, &format!("seed {seed}"));
            }
        }
    }
}

pub fn a_task_with_several_limits_leaves_nothing_behind(make: Make<'_>) {
    let (world, short, long) = (World::new(make), every(2_000), every(10_000));
    let both = [demand("a", &short), demand("b", &long)];
    world.ask(0, &both, 0);
    world.ask(1, &both, 0);
    world.ask(2, &[demand("a", &short)], 9_000);
    assert_eq!(world.ask(1, &both, 10_000), Told::At(11_000));
    assert!(world.release(1, &[key("a"), key("b")], 10_500));
    assert_eq!(world.overview(10_500).parked, 0);
    assert_eq!(world.ask(3, &both, 11_000), Told::Go);
}
