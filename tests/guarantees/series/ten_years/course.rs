//! What is expected of a series: the rules of the specification, applied to a list of instants.
//!
//! The instants come from the oracle, so no line of what decides in the runtime has a part in this.

use evertask::schedule::{Misfire, Overlap};

use super::catalogue::Entry;

/// Further away than anything that is known.
pub(super) const FAR: i64 = i64::MAX;

/// What the row of a series says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Standing {
    /// What is due next; `None` for a series that is over.
    pub(super) due: Option<i64>,
    pub(super) runs: u32,
    pub(super) failures_in_row: u32,
    /// How many occurrences were left out until here.
    pub(super) missed: u64,
}

/// A place on the way from one standing to the next, at which a crash may leave a series.
#[derive(Clone, Copy, Debug)]
struct Stage {
    standing: Standing,
    /// How many runs and how many tasks beside there were.
    ran: usize,
    beside: usize,
}

/// The course that a series is expected to take.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) entry: Entry,
    /// What its schedule says, whether it is over by then or not.
    instants: Vec<i64>,
    pub(super) run_until: Option<i64>,
    pub(super) standing: Standing,
    /// The occurrence whose handler is held.
    pub(super) running: Option<i64>,
    /// The occurrences that it ran itself, in order.
    pub(super) ran: Vec<i64>,
    /// The occurrences that ran as tasks of their own, in the order in which they were stored.
    pub(super) beside: Vec<i64>,
    pub(super) is_paused: bool,
    stages: Vec<Stage>,
}

impl Course {
    pub(super) fn new(entry: Entry, instants: Vec<i64>, run_until: Option<i64>) -> Self {
        let standing = Standing {
            due: instants.first().copied(),
            ..Standing::default()
        };
        Self {
            entry,
            instants,
            run_until,
            standing,
            running: None,
            ran: Vec::new(),
            beside: Vec::new(),
            is_paused: false,
            stages: Vec::new(),
        }
    }

    /// When it has to be looked at next, if the clock alone decides.
    pub(super) fn wakes(&self) -> Option<i64> {
        let is_idle = self.running.is_none() && !self.is_paused;
        self.standing.due.filter(|_| is_idle)
    }

    /// Whether it rests, and one run is left of it.
    pub(super) fn is_before_its_last(&self) -> bool {
        let is_last = |due: i64| self.following(due).is_none_or(|at| !self.is_before_end(at));
        self.wakes()
            .is_some_and(|due| self.entry.max_runs == Some(self.standing.runs + 1) || is_last(due))
    }

    /// The instants of its schedule in a span, the first excluded, the last included.
    pub(super) fn within(&self, after: i64, until: i64) -> &[i64] {
        let place = |at: i64| self.instants.partition_point(|instant| *instant <= at);
        let (first, last) = (place(after), place(until));
        &self.instants[first..last.max(first)]
    }

    /// Looks at what is due until nothing is; `is_held` if its handlers don't return.
    pub(super) fn look(&mut self, now: i64, is_held: bool) {
        while self.wakes().is_some_and(|due| due <= now) {
            self.take(now, is_held);
        }
    }

    /// The run that was held ends.
    pub(super) fn release(&mut self, now: i64) {
        if let Some(at) = self.running.take() {
            self.end(at, now);
            self.look(now, false);
        }
    }

    /// Forgets the way that led here, unless it is still under way: that a run has begun may not be stored
    /// before it ends.
    pub(super) fn settled(&mut self) {
        if self.running.is_none() {
            self.stages.clear();
        }
    }

    /// The runs that a crash may cut short that comes now.
    pub(super) fn under_way(&self) -> impl Iterator<Item = i64> + '_ {
        let first = self.stages.first();
        let (ran, beside) = first.map_or((self.ran.len(), self.beside.len()), |stage| {
            (stage.ran, stage.beside)
        });
        self.ran[ran..]
            .iter()
            .chain(&self.beside[beside..])
            .copied()
    }

    /// Where a crash can have left it that comes now; the last place is where it was going.
    pub(super) fn may_stand(&self) -> impl Iterator<Item = Standing> + '_ {
        let before = self.stages.iter().map(|stage| stage.standing);
        before.chain([self.standing])
    }

    /// The process has died and left it there; what was running does not any more.
    pub(super) fn crashed_at(&mut self, standing: Standing) {
        self.running = None;
        if let Some(stage) = self.stages.iter().find(|stage| stage.standing == standing) {
            self.standing = stage.standing;
            self.ran.truncate(stage.ran);
            self.beside.truncate(stage.beside);
        }
        assert_eq!(self.standing, standing);
        self.settled();
    }

    /// What is due comes to something (core 4.6, and the decision on missed occurrences).
    fn take(&mut self, now: i64, is_held: bool) {
        let Some(due) = self.standing.due else { return };
        let mut missed = self.within(due - 1, now).to_vec();
        let allows = self.entry.policy.overlap == Overlap::Allow;
        if missed.len() == 1 {
            if allows {
                return self.spread(&[due], 0, self.following(due));
            }
            return self.run(due, 0, now, is_held);
        }
        missed.retain(|at| self.is_before_end(*at));
        let (count, next) = (missed.len() as u64, self.following(now));
        match self.entry.policy.misfire {
            Misfire::Skip => self.spread(&[], count, next),
            Misfire::RunOnce => {
                let last = missed[missed.len() - 1];
                if allows {
                    self.spread(&[last], count - 1, next);
                } else {
                    self.run(last, count - 1, now, is_held);
                }
            }
            Misfire::CatchUp(most) => {
                let left = self.entry.max_runs.map(|runs| runs - self.standing.runs);
                let most = left.map_or(most, |left| most.min(left)) as usize;
                let caught_up = missed.split_off(missed.len().saturating_sub(most));
                self.spread(&caught_up, missed.len() as u64, next);
            }
        }
    }

    /// Occurrences run as tasks of their own, and it goes on.
    fn spread(&mut self, occurrences: &[i64], missed: u64, next: Option<i64>) {
        self.pass();
        self.beside.extend(occurrences);
        self.standing.runs += u32::try_from(occurrences.len()).unwrap();
        self.standing.missed += missed;
        self.go_on(next);
    }

    fn run(&mut self, at: i64, missed: u64, now: i64, is_held: bool) {
        if self.standing.due != Some(at) {
            self.pass();
            self.standing.due = Some(at);
            self.standing.missed += missed;
        }
        if is_held {
            self.running = Some(at);
        } else {
            self.end(at, now);
        }
    }

    /// A run has ended; what came due meanwhile is left out or the last of it kept.
    fn end(&mut self, at: i64, now: i64) {
        self.pass();
        self.ran.push(at);
        self.standing.runs += 1;
        if self.entry.fails_at(at) {
            self.standing.failures_in_row += 1;
        } else {
            self.standing.failures_in_row = 0;
        }
        let most = self.entry.policy.stop_after_failures;
        if most.is_some_and(|most| self.standing.failures_in_row >= most) {
            self.standing.due = None;
            return;
        }
        let due_meanwhile = self.within(at, now);
        let next = match self.entry.policy.overlap {
            Overlap::BufferOne => due_meanwhile.last().copied(),
            // What comes due as it ends is not late.
            Overlap::Skip | Overlap::Allow => due_meanwhile.last().copied().filter(|at| *at == now),
        };
        let next = next.or_else(|| self.following(now.max(at)));
        let left_out = due_meanwhile.iter();
        let left_out = left_out.filter(|at| Some(**at) != next && self.is_before_end(**at));
        let left_out = left_out.count() as u64;
        self.go_on(next);
        // After the last of its runs a series misses nothing.
        let is_through = self.entry.max_runs == Some(self.standing.runs);
        self.standing.missed += if is_through { 0 } else { left_out };
    }

    fn go_on(&mut self, next: Option<i64>) {
        let is_left = self
            .entry
            .max_runs
            .is_none_or(|most| self.standing.runs < most);
        self.standing.due = next.filter(|at| is_left && self.is_before_end(*at));
    }

    /// The first instant of the schedule after another one.
    fn following(&self, at: i64) -> Option<i64> {
        let place = self.instants.partition_point(|instant| *instant <= at);
        let beyond = (!self.entry.is_finite).then_some(FAR);
        self.instants.get(place).copied().or(beyond)
    }

    fn is_before_end(&self, at: i64) -> bool {
        // What is beyond all that is known is no end that a test would wait for.
        self.run_until.is_none_or(|until| at < until)
    }

    fn pass(&mut self) {
        self.stages.push(Stage {
            standing: self.standing,
            ran: self.ran.len(),
            beside: self.beside.len(),
        });
    }
}
