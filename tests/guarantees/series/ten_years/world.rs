//! Where the soak takes place: a storage, a clock, one runtime at a time, and what is expected of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use evertask::schedule::Schedule;
use evertask::time::{Clock, ManualClock, Timestamp};
use evertask::{EverTask, ManageOutcome, Queue, TaskId};
use tokio::sync::watch;
use uuid::Uuid;

use super::catalogue::{Entry, First};
use super::course::{Course, FAR, Standing};
use super::performer::{Occasion, Performer};
use super::witness::Witness;

/// How long the runtime may take for what is due at one instant. It takes about a millisecond.
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) clock: ManualClock,
    pub(super) witness: Witness,
    pub(super) performer: Performer,
    pub(super) courses: Vec<Course>,
    /// From here on nothing is known of any schedule.
    horizon: i64,
    evertask: Option<EverTask>,
    stirs: watch::Sender<u64>,
    /// Runs that were cut short, as often as they were.
    pub(super) cut: Vec<(usize, i64)>,
    /// Tasks beside their series that have not ended yet.
    beside: BTreeSet<(usize, i64)>,
}

/// The series of a number.
pub(super) fn id_of(number: usize) -> TaskId {
    TaskId(Uuid::from_u128(1 + number as u128))
}

impl World {
    pub(super) fn new(seed: u64, begin: i64, horizon: i64, entries: Vec<Entry>) -> Self {
        let stirs = watch::Sender::new(0);
        Self {
            seed,
            clock: ManualClock::starting_at(instant(begin)),
            witness: Witness::new(stirs.clone()),
            performer: Performer::new(entries, stirs.clone()),
            courses: Vec::new(),
            horizon,
            evertask: None,
            stirs,
            cut: Vec::new(),
            beside: BTreeSet::new(),
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    pub(super) fn advance_to(&self, at: i64) {
        let span = u64::try_from(at - self.now()).expect("time does not go back");
        self.clock.advance(Duration::from_secs(span));
    }

    /// Starts a runtime.
    pub(super) async fn start(&mut self) {
        let queue = Queue::new(Queue::RECURRING)
            .parallelism(100)
            .capacity(1_000);
        let evertask = EverTask::builder()
            .storage(self.witness.clone())
            .clock(self.clock.clone())
            .queue(queue)
            .handler_threads(1)
            .drain(Duration::ZERO)
            .handler(self.performer.clone());
        self.evertask = Some(evertask.start().await.expect("it starts"));
    }

    /// Ends the runtime in order; what is held is told to stop.
    pub(super) async fn shut_down(&mut self) {
        let evertask = self.evertask.take().expect("it runs");
        self.cut_short();
        evertask.shutdown().await.expect("no fault");
        drop(evertask);
        self.gone().await;
    }

    /// Ends the runtime as a crash would.
    pub(super) async fn crash(&mut self) {
        self.cut_short();
        self.evertask = None;
        self.gone().await;
    }

    /// Registers the next series, and expects it to take that course.
    pub(super) async fn register(&mut self, course: Course) {
        let (number, entry) = (self.courses.len(), course.entry.clone());
        let schedule = Schedule::from_json(&entry.schedule.to_string()).expect("it is valid");
        let series = self.runtime().dispatch(Occasion(number));
        let mut series = series.id(id_of(number)).schedule(schedule);
        series = series.misfire(entry.policy.misfire);
        series = series.overlap(entry.policy.overlap);
        if let Some(failures) = entry.policy.stop_after_failures {
            series = series.stop_after_failures(failures);
        }
        if let Some(runs) = entry.max_runs {
            series = series.max_runs(runs);
        }
        if let Some(until) = course.run_until {
            series = series.run_until(instant(until));
        }
        series = match entry.first {
            First::AsScheduled => series,
            First::AtOnce => series.now(),
            First::After(delay) => series.after(delay),
        };
        series.await.expect("it is good");
        self.courses.push(course);
    }

    pub(super) async fn pause(&mut self, number: usize) {
        let outcome = self.runtime().pause(id_of(number)).await;
        assert_eq!(outcome.expect("it answers"), ManageOutcome::Done);
        self.courses[number].is_paused = true;
    }

    pub(super) async fn resume(&mut self, number: usize) {
        self.courses[number].is_paused = false;
        let outcome = self.runtime().resume(id_of(number)).await;
        assert_eq!(outcome.expect("it answers"), ManageOutcome::Done);
    }

    /// Lets the runs of a series end that were held, and has the model say what comes of that.
    pub(super) fn release(&mut self, number: usize) {
        self.performer.release(number);
        let now = self.now();
        let course = &mut self.courses[number];
        let before = course.beside.len();
        course.release(now);
        let beside = course.beside[before..].iter();
        self.beside.extend(beside.map(|at| (number, *at)));
    }

    fn runtime(&self) -> &EverTask {
        self.evertask.as_ref().expect("it runs")
    }

    /// Has the model say what comes of what is due, and answers of which series.
    pub(super) fn expect(&mut self) -> Vec<usize> {
        let now = self.now();
        let mut due = Vec::new();
        for (number, course) in self.courses.iter_mut().enumerate() {
            if course.wakes().is_some_and(|at| at <= now) {
                let before = course.beside.len();
                course.look(now, self.performer.is_held(number));
                let beside = course.beside[before..].iter();
                self.beside.extend(beside.map(|at| (number, *at)));
                due.push(number);
            }
        }
        due
    }

    /// Waits until the runtime has done what was expected of these series.
    pub(super) async fn settle(&mut self, due: &[usize]) {
        self.until(|world| world.has_settled(due), due).await;
        for number in due {
            self.courses[*number].settled();
        }
        let is_held = |(number, _): &(usize, i64)| self.performer.is_held(*number);
        self.beside = self.beside.iter().copied().filter(is_held).collect();
    }

    /// Waits until the process is dead or has done what was expected.
    pub(super) async fn dies(&mut self, due: &[usize]) {
        let is_over =
            |world: &Self| world.witness.read(|book| book.is_dead) || world.has_settled(due);
        self.until(is_over, due).await;
    }

    /// Learns where the process has left the series that it died with: a place that is on their way.
    pub(super) fn find(&mut self) {
        let found: Vec<Standing> = self.witness.read(|book| {
            let numbers = 0..self.courses.len();
            numbers
                .map(|number| book.series[&id_of(number)].standing)
                .collect()
        });
        for (number, found) in found.into_iter().enumerate() {
            let on_its_way = self.courses[number].may_stand();
            let place = on_its_way
                .into_iter()
                .find(|place| self.is_at(found, *place));
            let Some(place) = place else {
                panic!(
                    "a crash left it where it can't be\n{}",
                    self.report(&[number])
                );
            };
            self.courses[number].crashed_at(place);
        }
        let courses = &self.courses;
        self.beside
            .retain(|(number, at)| courses[*number].beside.contains(at));
    }

    fn has_settled(&self, due: &[usize]) -> bool {
        let is_there = |number: &usize| {
            let course = &self.courses[*number];
            let found = self
                .witness
                .read(|book| book.series[&id_of(*number)].standing);
            match course.running {
                Some(at) => self.performer.is_inside(*number, at),
                None => self.is_at(found, course.standing),
            }
        };
        due.iter().all(is_there) && self.beside.iter().all(|run| self.is_done_or_held(*run))
    }

    fn is_done_or_held(&self, (number, at): (usize, i64)) -> bool {
        if self.performer.is_held(number) {
            return self.performer.is_inside(number, at);
        }
        self.witness
            .read(|book| book.series[&id_of(number)].ended.contains(&at))
    }

    fn is_at(&self, found: Standing, expected: Standing) -> bool {
        let due = match found.due {
            Some(due) if due > self.horizon => Some(FAR),
            due => due,
        };
        Standing { due, ..found } == expected
    }

    /// Notes which runs the end of the runtime cuts short.
    fn cut_short(&mut self) {
        self.cut.extend(self.performer.inside());
        for (number, course) in self.courses.iter().enumerate() {
            self.cut.extend(course.under_way().map(|at| (number, at)));
        }
        self.cut.extend(&self.beside);
    }

    async fn gone(&mut self) {
        let gone = tokio::time::timeout(PATIENCE, self.witness.unused()).await;
        gone.expect("the storage is let go");
        self.witness.dies(None);
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool, due: &[usize]) {
        let mut stirs = self.stirs.subscribe();
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is_so(self) {
                stirs.changed().await.expect("the world exists");
            }
        });
        let waited = waited.await;
        assert!(
            waited.is_ok(),
            "it does not get there\n{}",
            self.report(due)
        );
    }

    /// What is the matter with these series.
    pub(super) fn report(&self, due: &[usize]) -> String {
        let now = self.clock.now();
        let mut text = format!("seed {}, at {now}\n", self.seed);
        let beside = self
            .beside
            .iter()
            .filter(|run| !self.is_done_or_held(**run));
        let beside: Vec<_> = beside.collect();
        let stuck = |number: &&usize| {
            let found = self
                .witness
                .read(|book| book.series[&id_of(**number)].standing);
            !self.is_at(found, self.courses[**number].standing)
        };
        for number in due.iter().filter(stuck) {
            let course = &self.courses[*number];
            let found = self
                .witness
                .read(|book| book.series[&id_of(*number)].standing);
            let Entry {
                schedule, policy, ..
            } = &course.entry;
            writeln!(
                text,
                "series {number}: {schedule} {policy:?}\n    found {}\n expected {}\n  running {:?}",
                told(found),
                told(course.standing),
                course.running.map(instant),
            )
            .expect("a text takes it");
        }
        writeln!(text, "beside their series, not ended: {beside:?}").expect("a text takes it");
        text
    }
}

fn told(standing: Standing) -> String {
    let due = standing.due.filter(|due| *due != FAR).map(instant);
    format!("{due:?} {standing:?}")
}

pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).expect("it is an instant")
}
