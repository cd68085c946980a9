use chrono::TimeDelta;
use thiserror::Error;

use crate::schedule::end::{Next, SeriesEnd};
use crate::schedule::policy::{MOST_CAUGHT_UP, Misfire, Overlap, SeriesPolicy};
use crate::schedule::{InvalidSchedule, Schedule};
use crate::task::{SeriesDefinition, TaskId};
use crate::time::Timestamp;

/// A series as it was stored, ready to answer what comes next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recurrence {
    series: TaskId,
    schedule: Schedule,
    anchor: Timestamp,
    policy: SeriesPolicy,
    max_runs: Option<u32>,
    run_until: Option<Timestamp>,
}

/// A stored series that can't be read.
#[derive(Debug, Error)]
pub enum UnreadableSeries {
    /// Its schedule is one that this version does not know or that makes no sense.
    #[error("the schedule can't be read: {0}")]
    Schedule(#[source] serde_json::Error),
    /// So is what it does with occurrences that can't run at their time.
    #[error("the schedule's policy can't be read: {0}")]
    Policy(#[source] serde_json::Error),
    /// Its policy says something that makes no sense.
    #[error(transparent)]
    InvalidPolicy(#[from] InvalidSchedule),
}

/// What a due occurrence comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Occurrence {
    /// It runs.
    Run,
    /// It was overtaken by later ones while nothing ran, of which the last one runs for all.
    RunLast {
        /// The one that runs.
        at: Timestamp,
        /// How many do not.
        missed: u64,
    },
    /// It was overtaken by later ones while nothing ran; the series goes on with the next.
    Skip {
        /// When that is.
        to: Timestamp,
        /// How many were left out.
        missed: u64,
    },
    /// Some run as tasks of their own, and the series goes on.
    Spread {
        /// Those that run.
        at: Vec<Timestamp>,
        /// With what it goes on.
        next: Next,
    },
    /// Nothing is left: the series is over.
    Over {
        /// Why.
        end: SeriesEnd,
        /// How many were left out before.
        missed: u64,
    },
}

impl Recurrence {
    /// Reads a stored series.
    ///
    /// # Errors
    ///
    /// See [`UnreadableSeries`].
    pub fn read(id: TaskId, series: &SeriesDefinition) -> Result<Self, UnreadableSeries> {
        let schedule =
            serde_json::from_str(&series.schedule).map_err(UnreadableSeries::Schedule)?;
        let policy = series.read_policy().map_err(UnreadableSeries::Policy)?;
        policy.check()?;
        Ok(Self {
            series: id,
            schedule,
            anchor: series.anchor,
            policy,
            max_runs: series.max_runs,
            run_until: series.run_until,
        })
    }

    /// Its policy.
    pub fn policy(&self) -> &SeriesPolicy {
        &self.policy
    }

    /// The first occurrence after an instant that is not beyond the end of the series.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.schedule.next_after(self.anchor, after)?;
        self.run_until
            .is_none_or(|until| next < until)
            .then_some(next)
    }

    /// The occurrences after an instant that are not beyond the end of the series.
    pub fn preview(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
    }

    /// Answers what to do with an occurrence that was due at `due` and is looked at at `now`, after
    /// `run_count` runs.
    ///
    /// One that slipped is run as long as its successor is not due yet; one that was overtaken is
    /// treated as the [policy](Misfire) says, by default skipped, without being counted, to the next
    /// one in the future (storage edge case 4).
    pub fn due(&self, due: Timestamp, run_count: u32, now: Timestamp) -> Occurrence {
        if let Some(end) = self.ends(due, run_count) {
            return Occurrence::Over { end, missed: 0 };
        }
        // What jitter has delayed is not late for that.
        let shift = self.policy.begins(self.series, due) - due;
        let seen = now.checked_sub_signed(shift).unwrap_or(now);
        let successor = self.schedule.next_after(self.anchor, due);
        let is_missed = successor.is_some_and(|successor| successor <= seen);
        let allows = self.policy.overlap == Overlap::Allow;
        match self.policy.misfire {
            _ if !is_missed && !allows => Occurrence::Run,
            _ if !is_missed => self.spread(vec![due], run_count, due, 0),
            Misfire::Skip => self.skip(due, run_count, now),
            Misfire::RunOnce => {
                let at = self.last_missed(due, seen);
                let missed = self.missed(due, seen) - 1;
                if allows {
                    self.spread(vec![at], run_count, seen, missed)
                } else {
                    Occurrence::RunLast { at, missed }
                }
            }
            Misfire::CatchUp(most) => self.catch_up(due, most, run_count, seen),
        }
    }

    /// Answers when the series runs again after the run of the occurrence `due`, which is one of the
    /// `run_count` runs and ended at `now`.
    ///
    /// What came due while the run was going on is treated as the [policy](Overlap) says; what comes
    /// due as it ends is not late.
    pub fn after(&self, due: Timestamp, run_count: u32, now: Timestamp) -> Next {
        let just_before = now - TimeDelta::microseconds(1);
        let buffered = match self.policy.overlap {
            Overlap::BufferOne => {
                let last = self.schedule.last_until(self.anchor, due, now);
                last.filter(|last| self.ends(*last, run_count).is_none())
            }
            Overlap::Skip | Overlap::Allow => None,
        };
        let next = buffered.or_else(|| self.schedule.next_after(self.anchor, due.max(just_before)));
        self.leaving_out(due, run_count, next, now)
    }

    /// Answers when the series goes on if the occurrence `due` is left out and there is no budget for
    /// another one before `slot`: with the first that is not before it.
    pub fn after_refusal(&self, due: Timestamp, run_count: u32, slot: Timestamp) -> Next {
        let just_before = slot - TimeDelta::microseconds(1);
        let next = self.schedule.next_after(self.anchor, due.max(just_before));
        self.leaving_out(due, run_count, next, slot)
    }

    /// Goes on with `next`, and counts what is left out between `due` and that.
    fn leaving_out(
        &self,
        due: Timestamp,
        run_count: u32,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Next {
        let missed = if self.max_runs.is_some_and(|most| run_count >= most) {
            // There is none after the last of its runs that it would have run.
            0
        } else {
            let until = next.map_or(now, |next| next - TimeDelta::microseconds(1));
            self.schedule
                .count(self.anchor, due, self.before_end(until))
        };
        self.next(next, run_count, missed)
    }

    /// The instants of its schedule from `from` to `to`, both included and also before it was
    /// registered, at most so many.
    pub fn within(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Timestamp> {
        let next = |after: Timestamp| self.schedule.next_ever(self.anchor, after);
        let first = next(from - TimeDelta::microseconds(1));
        let instants = std::iter::successors(first, |last| next(*last));
        instants.take(most).take_while(|at| *at <= to).collect()
    }

    fn skip(&self, due: Timestamp, run_count: u32, now: Timestamp) -> Occurrence {
        let missed = self.missed(due, now);
        let next = self.schedule.next_after(self.anchor, now);
        match (next, next.and_then(|next| self.ends(next, run_count))) {
            (Some(to), None) => Occurrence::Skip { to, missed },
            (Some(_), Some(end)) => Occurrence::Over { end, missed },
            (None, _) => Occurrence::Over {
                end: SeriesEnd::NoOccurrence,
                missed,
            },
        }
    }

    fn catch_up(&self, due: Timestamp, most: u32, run_count: u32, now: Timestamp) -> Occurrence {
        let left = self.max_runs.map_or(u32::MAX, |runs| runs - run_count);
        let most = most.min(MOST_CAUGHT_UP).min(left);
        let mut at = Vec::new();
        let mut until = now;
        while at.len() < usize::try_from(most).unwrap_or_default() {
            let last = self.last_missed(due, until);
            at.push(last);
            if last == due {
                break;
            }
            until = last - TimeDelta::microseconds(1);
        }
        at.reverse();
        let caught_up = u64::try_from(at.len()).unwrap_or_default();
        let missed = self.missed(due, now).saturating_sub(caught_up);
        self.spread(at, run_count, now, missed)
    }

    /// Has occurrences run as tasks of their own, and goes on after `after`.
    fn spread(
        &self,
        at: Vec<Timestamp>,
        run_count: u32,
        after: Timestamp,
        missed: u64,
    ) -> Occurrence {
        let runs = u32::try_from(at.len()).unwrap_or(u32::MAX);
        let next = self.schedule.next_after(self.anchor, after);
        let next = self.next(next, run_count.saturating_add(runs), missed);
        Occurrence::Spread { at, next }
    }

    fn next(&self, next: Option<Timestamp>, run_count: u32, missed: u64) -> Next {
        let end = match next {
            Some(next) => self.ends(next, run_count),
            None => Some(SeriesEnd::NoOccurrence),
        };
        Next {
            at: next.filter(|_| end.is_none()),
            end,
            missed,
        }
    }

    /// The last occurrence from `due` on that is not after `until`.
    fn last_missed(&self, due: Timestamp, until: Timestamp) -> Timestamp {
        let until = self.before_end(until);
        let last = self.schedule.last_until(self.anchor, due, until);
        last.unwrap_or(due)
    }

    /// How many occurrences there are from `due` on and not after `until`.
    fn missed(&self, due: Timestamp, until: Timestamp) -> u64 {
        1 + self
            .schedule
            .count(self.anchor, due, self.before_end(until))
    }

    /// The instant itself, or the last before the end of the series: what is beyond that is not missed.
    fn before_end(&self, until: Timestamp) -> Timestamp {
        let end = self.run_until.map(|end| end - TimeDelta::microseconds(1));
        end.map_or(until, |end| until.min(end))
    }

    /// Why an occurrence does not run, if the series is over with it.
    fn ends(&self, at: Timestamp, run_count: u32) -> Option<SeriesEnd> {
        let runs = self.max_runs.filter(|most| run_count >= *most);
        let until = self.run_until.filter(|until| at >= *until);
        runs.map(SeriesEnd::MaxRuns)
            .or(until.map(SeriesEnd::RunUntil))
    }
}

#[cfg(test)]
mod tests;
