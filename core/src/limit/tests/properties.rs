//! Whatever is done to a limiter, in whatever order, its promises hold.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::Config;
use uuid::Uuid;

use crate::limit::{Decision, Demand, KeyedLimiter, RateLimit, Request, Scope};
use crate::task::TaskId;
use crate::time::Timestamp;

fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

/// What happens next. Instants are given as steps, so that they never go back.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A task asks for a key, whether or not it has a slot.
    Ask {
        id: u8,
        key: u8,
        cost: u32,
    },
    /// The one that has been told the earliest slot comes, that much later.
    Come {
        late: u16,
    },
    Release {
        id: u8,
    },
    Wait {
        micros: u32,
    },
    Pause {
        key: u8,
        micros: u32,
    },
    Evict,
    Reset {
        key: u8,
    },
    Change {
        limit: usize,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = 0..3_u8;
    prop_oneof![
        6 => (any::<u8>(), key.clone(), 1..4_u32)
            .prop_map(|(id, key, cost)| Step::Ask { id, key, cost }),
        8 => prop_oneof![Just(0), 0..500_u16, any::<u16>()].prop_map(|late| Step::Come { late }),
        1 => any::<u8>().prop_map(|id| Step::Release { id }),
        3 => prop_oneof![0..9_u32, 0..2_000_000_u32, 0..60_000_000_u32]
            .prop_map(|micros| Step::Wait { micros }),
        1 => (key.clone(), 0..5_000_000_u32).prop_map(|(key, micros)| Step::Pause { key, micros }),
        1 => Just(Step::Evict),
        1 => key.prop_map(|key| Step::Reset { key }),
        1 => (0..4_usize).prop_map(|limit| Step::Change { limit }),
    ]
}

fn any_limit() -> impl Strategy<Value = RateLimit> {
    let figures = (
        1..9_u32,
        1..9_u32,
        1..3_000_u64,
        any::<bool>(),
        any::<bool>(),
    );
    figures.prop_map(|(permits, burst, millis, strict, start_empty)| {
        let period = Duration::from_millis(millis);
        let limit = if strict {
            RateLimit::strict(permits, period).burst(burst.min(permits))
        } else {
            RateLimit::new(permits, period).burst(burst)
        };
        limit.start_empty(start_empty)
    })
}

/// A limiter with three keys, and what it has told.
struct World {
    limiter: KeyedLimiter,
    limit: RateLimit,
    now: i64,
    /// The slot, the id, the key and the cost of each that waits.
    waiting: Vec<(i64, u8, u8, u32)>,
    /// Instant and cost of each grant of a key.
    grants: [Vec<(i64, u32)>; 3],
}

const KEYS: [&str; 3] = ["a", "b", "c"];

fn at(micros: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::microseconds(micros)
}

fn id(number: u8) -> TaskId {
    TaskId(Uuid::from_u128(number.into()))
}

fn scope(key: u8) -> Scope<'static> {
    Scope::key("mail", KEYS[usize::from(key)]).unwrap().unwrap()
}

impl World {
    fn new(limit: RateLimit) -> Self {
        Self {
            limiter: KeyedLimiter::new(9),
            limit,
            now: 0,
            waiting: Vec::new(),
            grants: Default::default(),
        }
    }

    /// Asks, and answers the slot that was told.
    fn ask(&mut self, number: u8, key: u8, cost: u32) -> Option<i64> {
        let cost = cost.min(self.limit.burst_size());
        self.waiting
            .retain(|(_, other, of_key, _)| (*other, *of_key) != (number, key));
        let demands = [Demand::costing(scope(key), &self.limit, cost).unwrap()];
        let request = Request::new(id(number), &demands).unwrap();
        let before = self.limiter.slot_of(id(number), scope(key));
        match self.limiter.acquire(&request, at(self.now)) {
            Decision::Granted { untracked } => {
                assert_eq!(untracked, 0);
                let is_due = before.is_none_or(|slot| slot <= at(self.now));
                assert!(is_due, "nobody is granted before its slot");
                assert_eq!(self.limiter.slot_of(id(number), scope(key)), None);
                self.grants[usize::from(key)].push((self.now, cost));
                None
            }
            Decision::Deferred(deferral) => {
                assert!(deferral.slot > at(self.now), "a slot is yet to come");
                assert_eq!(
                    self.limiter.slot_of(id(number), scope(key)),
                    Some(deferral.slot)
                );
                if let Some(before) = before {
                    let is_same = before == deferral.slot;
                    assert!(
                        is_same || before <= at(self.now),
                        "an early one is told the same"
                    );
                }
                let slot = (deferral.slot - at(0)).num_microseconds().unwrap();
                self.waiting.push((slot, number, key, cost));
                Some(slot)
            }
            Decision::Refused(refusal) => {
                assert!(before.is_none(), "an owner is not refused");
                assert_eq!(self.limiter.slot_of(id(number), scope(key)), None);
                assert!(refusal.slot > at(self.now));
                None
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Ask { id, key, cost } => {
                self.ask(id, key, cost);
            }
            Step::Come { late } => {
                if let Some((slot, number, key, cost)) = self.waiting.iter().min().copied() {
                    self.now = self.now.max(slot) + i64::from(late);
                    self.ask(number, key, cost);
                }
            }
            Step::Release { id: number } => {
                let scopes = [0, 1, 2].map(scope);
                self.limiter.release(id(number), scopes);
                self.waiting.retain(|(_, other, ..)| *other != number);
                assert!(
                    scopes
                        .iter()
                        .all(|each| self.limiter.slot_of(id(number), *each).is_none())
                );
            }
            Step::Wait { micros } => self.now += i64::from(micros),
            Step::Pause { key, micros } => {
                let demand = Demand::new(scope(key), &self.limit).unwrap();
                let until = at(self.now + i64::from(micros));
                assert!(self.limiter.pause(&demand, until, at(self.now)));
                let next = self.limiter.peek(&demand, at(self.now)).next_slot;
                assert!(next >= until);
            }
            Step::Evict => self.limiter.evict_idle(at(self.now)),
            Step::Reset { .. } | Step::Change { .. } => {}
        }
    }

    /// Fails if a window has more in it than the allowance, which slots that are told to a microsecond
    /// widen by one.
    fn check_allowance(&self) -> Result<(), TestCaseError> {
        let period = i128::try_from(self.limit.period().as_nanos()).unwrap();
        let parts = self.limit.permits()
            - if self.limit.is_strict() {
                self.limit.burst_size() - 1
            } else {
                0
            };
        for log in &self.grants {
            for first in 0..log.len() {
                let mut cost = 0;
                for (until, each) in &log[first..] {
                    cost += i128::from(*each);
                    let nanos = i128::from(until - log[first].0) * 1_000 + 999;
                    let allowed =
                        i128::from(self.limit.burst_size()) + nanos * i128::from(parts) / period;
                    prop_assert!(
                        cost <= allowed,
                        "{} of {} from {:?}",
                        cost,
                        allowed,
                        log[first]
                    );
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Asks, comes that are early, late or very late, releases, pauses and evictions.
    #[test]
    fn no_window_has_more_than_the_allowance(
        limit in any_limit(),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut world = World::new(limit);
        for step in steps {
            world.step(step);
        }
        world.check_allowance()?;
    }

    /// New bookings of a key have later and later slots, as long as none is given up.
    #[test]
    fn slots_of_newcomers_never_decrease(
        limit in any_limit(),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut world = World::new(limit);
        let mut last = [0; 3];
        for step in steps {
            if let Step::Ask { id, key, cost } = step {
                let is_new = world.limiter.slot_of(self::id(id), scope(key)).is_none();
                if let Some(slot) = world.ask(id, key, cost).filter(|_| is_new) {
                    let last = &mut last[usize::from(key)];
                    prop_assert!(slot >= *last);
                    *last = slot;
                }
            } else if !matches!(step, Step::Release { .. }) {
                world.step(step);
            }
        }
    }

    /// All that wait are served by those that come when they are told, each within the time that the
    /// cost of those that wait and one burst take; so nothing is lost and nothing wasted.
    #[test]
    fn whoever_waits_is_served_in_the_time_that_budget_takes(
        limit in any_limit(),
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let mut world = World::new(limit);
        for step in steps {
            if !matches!(step, Step::Pause { .. } | Step::Release { .. }) {
                world.step(step);
            }
        }
        let cost: u32 = world.waiting.iter().map(|(.., cost)| cost).sum();
        let last = world.waiting.iter().max().map_or(0, |waiting| waiting.0);
        let interval = limit.period() / limit.divisor().unwrap() + Duration::from_micros(2);
        let enough = (cost + limit.burst_size()) * interval;
        let end = last.max(world.now) + i64::try_from(enough.as_micros()).unwrap();
        let mut steps = 0;
        while !world.waiting.is_empty() {
            world.step(Step::Come { late: 0 });
            steps += 1;
            prop_assert!(world.now <= end, "{} are left", world.waiting.len());
            prop_assert!(steps < 20_000);
        }
        world.check_allowance()?;
    }

    /// Changes and resets keep every slot and the order of places, and after the last of them the
    /// allowance holds from there on.
    #[test]
    fn a_change_or_a_reset_loses_nobody_and_keeps_the_allowance(
        limits in [any_limit(), any_limit(), any_limit(), any_limit()],
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let mut world = World::new(limits[0]);
        for step in steps {
            if !matches!(step, Step::Reset { .. } | Step::Change { .. }) {
                world.step(step);
                continue;
            }
            // Those that nobody came for may have been forgotten before.
            let has_slot = |world: &World, number, key| world.limiter.slot_of(id(number), scope(key));
            let mut waiting = std::mem::take(&mut world.waiting);
            waiting.retain(|(_, number, key, _)| has_slot(&world, *number, *key).is_some());
            let now = at(world.now);
            let moved = if let Step::Reset { key } = step {
                world.limiter.reset(scope(key), now)
            } else if let Step::Change { limit } = step {
                world.limit = limits[limit];
                let change = world.limiter.change_keys_of("mail", &world.limit, now);
                change.unwrap()
            } else {
                Vec::new()
            };
            for log in &mut world.grants {
                log.clear();
            }
            for (slot, number, key, _) in &mut waiting {
                let found = has_slot(&world, *number, *key);
                prop_assert!(found.is_some(), "a slot is lost");
                *slot = (found.unwrap() - at(0)).num_microseconds().unwrap();
            }
            world.waiting = waiting;
            for each in moved {
                prop_assert!(each.slot >= at(world.now));
            }
        }
        world.check_allowance()?;
    }

    /// A limiter that was restored from what another one stored grants no more than that one would have.
    #[test]
    fn a_snapshot_keeps_the_allowance_over_a_restart(
        limit in any_limit(),
        before in prop::collection::vec(any_step(), 1..60),
        after in prop::collection::vec(any_step(), 1..60),
    ) {
        let mut world = World::new(limit);
        for step in before {
            world.step(step);
        }
        let snapshot = world.limiter.snapshot(at(world.now));
        world.limiter = KeyedLimiter::new(9);
        world.limiter.restore(&snapshot, at(world.now));
        world.waiting.clear();
        for step in after {
            world.step(step);
        }
        world.check_allowance()?;
    }
}
