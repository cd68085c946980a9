//! In what order a window and a storage behind it start tasks: a model of both, played with dice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::Window;
use crate::rank::{HIGHEST_PRIORITY, LOWEST_PRIORITY, Rank};
use crate::task::TaskId;
use crate::time::Timestamp;

const CAPACITY: usize = 12;
const PARALLELISM: usize = 3;
const AGEING: Duration = Duration::from_secs(10);

/// A pool with its window, and the rows it has not claimed.
struct Model {
    window: Window,
    ready: BTreeSet<Rank>,
    stored: BTreeSet<Rank>,
    running: usize,
    /// How many that rank after it have started since a task was dispatched.
    overtaken: BTreeMap<Rank, usize>,
    most_overtaken: usize,
    started: usize,
}

impl Model {
    fn new() -> Self {
        Self {
            window: Window::new(CAPACITY, PARALLELISM),
            ready: BTreeSet::new(),
            stored: BTreeSet::new(),
            running: 0,
            overtaken: BTreeMap::new(),
            most_overtaken: 0,
            started: 0,
        }
    }

    fn dispatch(&mut self, rank: Rank) {
        self.overtaken.insert(rank, 0);
        if self.window.take_place() {
            self.ready.insert(rank);
        } else {
            self.window.begin_spill();
            self.stored.insert(rank);
            self.window.end_spill(rank);
        }
        self.check_window();
    }

    fn finish(&mut self, handlers: usize) {
        for _ in 0..handlers.min(self.running) {
            self.running -= 1;
            self.window.free_place();
            self.window.free_slot();
        }
        self.check_window();
    }

    /// What a pool does when something about its window has changed.
    fn check_window(&mut self) {
        loop {
            self.start_ready();
            let last = self.ready.last().copied();
            let Some(room) = self.window.begin_claim(last) else {
                break;
            };
            let taken: Vec<_> = self.stored.iter().copied().take(room).collect();
            for rank in &taken {
                self.stored.remove(rank);
                self.ready.insert(*rank);
            }
            let exhausted = self.stored.is_empty();
            self.window
                .end_claim(taken.len(), taken.last().copied(), exhausted);
        }
        let held = self.ready.len() + self.running;
        assert_eq!(held, self.window.places());
        assert!(held <= CAPACITY + 2 * PARALLELISM, "memory is bounded");
    }

    fn start_ready(&mut self) {
        while !self.ready.is_empty() && self.window.take_slot() {
            let Some(first) = self.ready.pop_first() else {
                return;
            };
            self.running += 1;
            self.started += 1;
            self.overtaken.remove(&first);
            for (_, times) in self.overtaken.range_mut(..first) {
                *times += 1;
                self.most_overtaken = self.most_overtaken.max(*times);
            }
        }
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let multiplied = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = multiplied.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn priority(&mut self) -> i32 {
        let sides = u64::from(HIGHEST_PRIORITY.abs_diff(LOWEST_PRIORITY)) + 1;
        i32::try_from(self.roll(sides)).unwrap() + LOWEST_PRIORITY
    }
}

fn rank(now: Timestamp, priority: i32, number: u64) -> Rank {
    Rank::new(
        now,
        priority,
        TaskId(Uuid::from_u128(number.into())),
        AGEING,
    )
}

/// With claims that take no time, a task is overtaken by no more than the handlers that ended at once
/// before its claim: never by what waits in the window, however much that is.
#[test]
fn a_task_is_overtaken_only_while_its_claim_is_made() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut model = Model::new();
        model.check_window();
        let mut now = Timestamp::UNIX_EPOCH;
        for number in 0..400 {
            now += Duration::from_millis(dice.roll(2_000));
            let priority = dice.priority();
            match dice.roll(5) {
                0 | 1 => model.finish(usize::try_from(dice.roll(3)).unwrap() + 1),
                _ => model.dispatch(rank(now, priority, number)),
            }
        }
        while model.running > 0 {
            model.finish(1);
        }
        assert!(model.overtaken.is_empty(), "seed {seed}: all have started");
        assert!(
            model.most_overtaken <= PARALLELISM,
            "seed {seed}: overtaken {} times",
            model.most_overtaken
        );
    }
}

/// A stream of the highest priority that never ends, more than can be run, beside one task of the lowest.
#[test]
fn nothing_starves() {
    let mut model = Model::new();
    model.check_window();
    let mut now = Timestamp::UNIX_EPOCH;
    let lowest = rank(now, LOWEST_PRIORITY, u64::MAX);
    for number in 0..100 {
        model.dispatch(rank(now, HIGHEST_PRIORITY, number));
    }
    model.dispatch(lowest);
    let mut number = 100;
    while model.overtaken.contains_key(&lowest) {
        now += Duration::from_secs(1);
        for _ in 0..2 {
            number += 1;
            model.dispatch(rank(now, HIGHEST_PRIORITY, number));
        }
        model.finish(1);
        assert!(number < 10_000, "it waits for ever");
    }
    let steps = u64::from(HIGHEST_PRIORITY.abs_diff(LOWEST_PRIORITY));
    let aged = Timestamp::UNIX_EPOCH + AGEING * u32::try_from(steps).unwrap();
    assert!(now > aged, "it has to wait until it has aged");
    let ahead = 100 + 2 * steps * AGEING.as_secs();
    assert!(u64::try_from(model.started).unwrap() <= ahead + 2);
}
