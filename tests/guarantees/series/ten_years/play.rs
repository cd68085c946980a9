//! Ten years in virtual time: the clock goes from one instant to the next at which anything is due.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::almanac::Almanac;
use super::course::{Course, FAR};
use super::witness::Death;
use super::world::World;
use crate::dice::Dice;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// One in so many steps begins with it.
const DEATH: u32 = 300;
const RESTART: u32 = 300;
const HOLD: u32 = 50;
const PAUSE: u32 = 200;

/// How many series are held at once.
const HELD: usize = 5;

pub(super) struct Play {
    pub(super) world: World,
    almanac: Almanac,
    dice: Dice,
    /// What is going to happen when.
    plans: BTreeMap<(i64, usize), Plan>,
    planned: usize,
    /// The series whose last run is over or held.
    last_held: BTreeSet<usize>,
    pub(super) figures: Figures,
}

#[derive(Clone, Copy, Debug)]
enum Plan {
    Register(usize),
    Release(usize),
    Resume(usize),
}

/// What happened, in numbers.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) steps: u64,
    pub(super) crashes: u64,
    /// Of the crashes, those between two commits.
    pub(super) deaths: u64,
    pub(super) shutdowns: u64,
    pub(super) downtimes: u64,
    pub(super) seconds_down: i64,
    pub(super) holds: u64,
    pub(super) pauses: u64,
}

impl Play {
    pub(super) fn new(seed: u64, almanac: Almanac) -> Self {
        let mut play = Self {
            world: World::new(seed, almanac.begin, almanac.horizon, almanac.entries()),
            dice: Dice::new(seed),
            plans: BTreeMap::new(),
            planned: 0,
            last_held: BTreeSet::new(),
            figures: Figures::default(),
            almanac,
        };
        for number in 0..play.almanac.series.len() {
            play.plan(
                play.almanac.series[number].registered,
                Plan::Register(number),
            );
        }
        play
    }

    pub(super) async fn play(&mut self) {
        self.world.start().await;
        while let Some(at) = self.next().filter(|at| *at <= self.almanac.end) {
            self.figures.steps += 1;
            let is_complete = self.world.courses.len() == self.almanac.series.len();
            if is_complete && self.dice.throw(RESTART) == 0 {
                self.restart().await;
            } else if is_complete && self.dice.throw(DEATH) == 0 {
                self.die(at).await;
            } else {
                self.step(at).await;
            }
        }
        self.world.advance_to(self.almanac.end);
        while let Some((_, plan)) = self.plans.pop_first() {
            self.follow(plan).await;
        }
        self.world.shut_down().await;
        self.world.find();
    }

    /// When anything happens next.
    fn next(&self) -> Option<i64> {
        let wakes = self.world.courses.iter().filter_map(Course::wakes);
        let planned = self.plans.keys().map(|(at, _)| *at);
        let next = wakes.chain(planned.take(1)).min()?;
        Some(next.max(self.world.now()))
    }

    fn plan(&mut self, at: i64, plan: Plan) {
        self.planned += 1;
        self.plans.insert((at, self.planned), plan);
    }

    async fn step(&mut self, at: i64) {
        self.world.advance_to(at);
        self.catch_up().await;
        while let Some(entry) = self.plans.first_entry()
            && entry.key().0 <= at
        {
            let plan = entry.remove();
            self.follow(plan).await;
        }
        let is_complete = self.world.courses.len() == self.almanac.series.len();
        if is_complete && self.dice.throw(HOLD) == 0 {
            self.hold();
        }
        self.hold_the_last();
        if is_complete && self.dice.throw(PAUSE) == 0 {
            self.pause().await;
        }
    }

    /// Lets the runtime do whatever is due.
    async fn catch_up(&mut self) {
        let due = self.world.expect();
        self.world.settle(&due).await;
    }

    async fn follow(&mut self, plan: Plan) {
        match plan {
            Plan::Register(number) => {
                let course = self.almanac.course(number);
                self.world.register(course).await;
                self.catch_up().await;
            }
            Plan::Release(number) => {
                self.world.release(number);
                self.world.settle(&[number]).await;
            }
            Plan::Resume(number) => {
                self.world.resume(number).await;
                self.catch_up().await;
            }
        }
    }

    /// The process ends between two instants, in order or not, and is down for a while.
    async fn restart(&mut self) {
        if self.dice.throw(3) == 0 {
            self.figures.shutdowns += 1;
            self.world.shut_down().await;
        } else {
            self.figures.crashes += 1;
            self.world.crash().await;
        }
        self.begin_again().await;
    }

    /// The process dies while it does what is due.
    async fn die(&mut self, at: i64) {
        self.figures.crashes += 1;
        self.figures.deaths += 1;
        let death = Death {
            after: self.dice.throw(4),
            is_last_stored: self.dice.throw(2) == 0,
        };
        self.world.witness.dies(Some(death));
        self.world.advance_to(at);
        let due = self.world.expect();
        self.world.dies(&due).await;
        self.world.crash().await;
        self.begin_again().await;
    }

    async fn begin_again(&mut self) {
        self.world.find();
        // An end of the process ends whatever was held.
        for number in 0..self.world.courses.len() {
            self.world.performer.release(number);
        }
        self.plans
            .retain(|_, plan| !matches!(plan, Plan::Release(_)));
        if self.dice.throw(4) > 0 {
            let now = self.world.now();
            let end = (now + self.span(15)).min(self.almanac.end);
            self.figures.downtimes += 1;
            self.figures.seconds_down += end - now;
            self.world.advance_to(end);
        }
        self.world.start().await;
        self.catch_up().await;
    }

    /// Has the runs of a series last for a while.
    fn hold(&mut self) {
        let held = |number: &usize| self.world.performer.is_held(*number);
        let held = (0..self.world.courses.len()).filter(held).count();
        let Some(number) = self.choose().filter(|_| held < HELD) else {
            return;
        };
        let course = &self.world.courses[number];
        let due = course.wakes().expect("it was chosen for that");
        let occurrences = course.within(due, self.almanac.horizon);
        let latest = occurrences.get(15).copied().unwrap_or(self.almanac.end);
        let until = match occurrences.get(self.dice.throw(6) as usize) {
            // What comes due as a run ends is a case of its own.
            Some(at) if self.dice.throw(2) == 0 => *at,
            _ => due + self.span(16),
        };
        self.figures.holds += 1;
        self.world.performer.hold(number);
        self.plan(until.min(latest), Plan::Release(number));
    }

    /// Has the last run of each series last beyond its end.
    fn hold_the_last(&mut self) {
        for (number, course) in self.world.courses.iter().enumerate() {
            if !course.is_before_its_last() || !self.last_held.insert(number) {
                continue;
            }
            let due = course.wakes().expect("it was asked");
            let beyond = course.within(due, self.almanac.horizon).get(2);
            let until = beyond.map_or(due, |at| at + MINUTE);
            self.figures.holds += 1;
            self.world.performer.hold(number);
            self.planned += 1;
            self.plans
                .insert((until, self.planned), Plan::Release(number));
        }
    }

    async fn pause(&mut self) {
        let Some(number) = self.choose() else { return };
        self.figures.pauses += 1;
        self.world.pause(number).await;
        let until = self.world.now() + self.span(15);
        self.plan(until, Plan::Resume(number));
    }

    /// A series that rests and is left alone so far.
    fn choose(&mut self) -> Option<usize> {
        let number = self
            .dice
            .throw(u32::try_from(self.world.courses.len()).unwrap()) as usize;
        let wakes = self.world.courses[number].wakes();
        let is_free = wakes.is_some_and(|at| at != FAR) && !self.world.performer.is_held(number);
        is_free.then_some(number)
    }

    /// A span from minutes to weeks, as likely to be short as long.
    fn span(&mut self, most: u32) -> i64 {
        let minutes = 1 << (1 + self.dice.throw(most - 1));
        i64::from(minutes + self.dice.throw(minutes)) * MINUTE + i64::from(self.dice.throw(60))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} instants, {} crashes ({} of them between two commits), {} shutdowns, {} downtimes \
             of {} days in all, {} series held in a run, {} paused",
            self.steps,
            self.crashes,
            self.deaths,
            self.shutdowns,
            self.downtimes,
            self.seconds_down / DAY,
            self.holds,
            self.pauses,
        )
    }
}
