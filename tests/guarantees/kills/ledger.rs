//! Holds what children report against what was promised.

use std::collections::{HashMap, HashSet};

use evertask::{Status, TaskId};
use evertask_entities::{Instant, task};

use super::database::{Rows, is_series, status};
use super::report::{Answered, How, Report, Run, What};

/// What is known of every task of a test; fed with reports in order, it fails at the first that
/// breaks a promise.
#[derive(Default)]
pub(super) struct Ledger {
    known: Known,
    /// Where handlers run.
    running: HashMap<TaskId, u32>,
    /// Which child started an attempt last.
    started: HashMap<Run, u32>,
    /// Which child came to the end of an attempt last.
    left: HashMap<Run, u32>,
    /// How many attempts of a task were stored when the rows were read last.
    stored_attempts: HashMap<TaskId, i64>,
    gone: HashSet<u32>,
    /// What dispatches answered, in order.
    pub(super) answers: Vec<Answered>,
    /// The numbers of all works that a handler had in hand.
    pub(super) works: HashSet<u64>,
    /// How many tasks of a child others brought to their end.
    served: HashMap<u32, u32>,
    /// What was started again because that child was killed.
    again: HashMap<u32, HashSet<TaskId>>,
}

/// What was reported of tasks and has to be in the database ever after.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) given: HashSet<TaskId>,
    pub(super) over: HashSet<TaskId>,
    /// Every id that a dispatch answered, also of a task that was there before.
    answered: HashSet<TaskId>,
    pub(super) cancelled: HashSet<TaskId>,
}

impl Ledger {
    pub(super) fn note(&mut self, Report { by, what }: Report) {
        match what {
            What::Given(id) => self.give(id),
            What::Answered(answered) => {
                if answered.how == How::Created {
                    self.give(answered.id);
                }
                self.known.answered.insert(answered.id);
                self.answers.push(answered);
            }
            What::Cancelled(id) => {
                self.known.cancelled.insert(id);
            }
            What::Worked(work) => {
                self.works.insert(work);
            }
            What::Entered(run) => self.enter(by, run),
            What::Left(run) => {
                self.running.remove(&run.id);
                self.left.insert(run, by);
            }
            What::Over(id) => {
                self.known.over.insert(id);
            }
            What::Served(child) => *self.served.entry(child).or_default() += 1,
            What::Gone => {
                self.gone.insert(by);
                self.running.retain(|_, child| *child != by);
            }
            What::Panicked => panic!("child {by} panicked"),
            What::InProgress(_) | What::Quiet | What::Closed | What::Mark => {}
        }
    }

    fn give(&mut self, id: TaskId) {
        assert!(self.known.given.insert(id), "{id} was given twice");
    }

    fn enter(&mut self, by: u32, run: Run) {
        let id = run.id;
        // A series may begin anew after its end.
        let is_over = run.occurrence.is_none() && self.known.over.contains(&id);
        assert!(!is_over, "{id} starts after its end");
        let stored = self.stored_attempts.get(&id).copied().unwrap_or_default();
        assert!(i64::from(run.attempt) > stored, "{run:?} is stored already");
        if let Some(other) = self.running.insert(id, by) {
            panic!("{id} starts in child {by} while it runs in child {other}");
        }
        if let Some(before) = self.started.insert(run, by) {
            assert!(
                self.gone.contains(&before),
                "{run:?} starts in child {by}, but child {before} started it and still lives"
            );
            self.again.entry(before).or_default().insert(id);
        }
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    /// Holds rows against what was known before they were read, and learns from them.
    pub(super) fn compare(&mut self, known: &Known, rows: &Rows) {
        for id in &known.given {
            assert!(rows.contains_key(id), "{id} was given and is not stored");
        }
        for id in &known.answered {
            let is_stored = rows.contains_key(id);
            assert!(is_stored, "{id} was answered and is not stored");
        }
        // A series may begin anew after its end.
        for row in known.over.iter().map(|id| &rows[id]) {
            let is_over = is_series(row) || status(row).is_terminal();
            assert!(is_over, "it was over: {row:?}");
        }
        for row in known.cancelled.iter().map(|id| &rows[id]) {
            let is_cancelled = is_series(row) || status(row) == Status::Cancelled;
            assert!(is_cancelled, "it was cancelled: {row:?}");
        }
        for (id, row) in rows.iter().filter(|(_, row)| !is_series(row)) {
            self.stored_attempts.insert(*id, row.attempts);
            if status(row).is_terminal() {
                self.known.over.insert(*id);
            }
        }
    }

    /// How many attempts came to their end in that child without a trace in these rows.
    pub(super) fn unstored_ends(&self, child: u32, rows: &Rows) -> usize {
        let left = self.left.iter().filter(|(_, by)| **by == child);
        left.filter(|(run, _)| is_open(run, &rows[&run.id])).count()
    }

    /// What that child had started and not brought to an end that is in these rows.
    pub(super) fn in_progress(&self, child: u32, rows: &Rows) -> HashSet<TaskId> {
        let started = self.started.iter().filter(|(_, by)| **by == child);
        let open = started.filter(|(run, _)| is_open(run, &rows[&run.id]));
        open.map(|(run, _)| run.id).collect()
    }

    /// How many tasks of that child others brought to their end.
    pub(super) fn served(&self, child: u32) -> u32 {
        self.served.get(&child).copied().unwrap_or_default()
    }

    /// How many tasks started again because that child was killed.
    pub(super) fn started_again(&self, child: u32) -> usize {
        self.duplicates(child).count()
    }

    /// Which tasks started again because that child was killed.
    pub(super) fn duplicates(&self, child: u32) -> impl Iterator<Item = TaskId> {
        self.again.get(&child).into_iter().flatten().copied()
    }
}

/// Whether nothing in its row says that an attempt has come to its end.
fn is_open(run: &Run, row: &task::Model) -> bool {
    let goes_on = match run.occurrence {
        None => !status(row).is_terminal(),
        Some(occurrence) => {
            let due = Some(Instant(occurrence.timestamp_micros()));
            status(row) != Status::Cancelled && row.next_run_at == due
        }
    };
    goes_on && row.attempts < i64::from(run.attempt)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ID: TaskId = TaskId(Uuid::nil());
    const RUN: Run = Run {
        id: ID,
        attempt: 1,
        occurrence: None,
    };

    fn note(reports: &[(u32, What)]) -> Ledger {
        let mut ledger = Ledger::default();
        for &(by, what) in reports {
            ledger.note(Report { by, what });
        }
        ledger
    }

    #[test]
    fn a_run_that_a_kill_cut_short_may_start_again() {
        let ledger = note(&[
            (1, What::Entered(RUN)),
            (1, What::Gone),
            (2, What::Entered(RUN)),
        ]);
        assert_eq!(ledger.started_again(1), 1);
    }

    #[test]
    #[should_panic(expected = "while it runs in child 1")]
    fn two_runs_of_one_task_at_once_are_found() {
        note(&[(1, What::Entered(RUN)), (2, What::Entered(RUN))]);
    }

    #[test]
    #[should_panic(expected = "still lives")]
    fn a_second_start_without_a_kill_is_found() {
        let once = [What::Entered(RUN), What::Left(RUN)].map(|what| (1, what));
        note(&[once, once].concat());
    }

    #[test]
    #[should_panic(expected = "starts after its end")]
    fn a_start_after_the_end_is_found() {
        note(&[
            (1, What::Entered(RUN)),
            (1, What::Over(ID)),
            (1, What::Gone),
            (2, What::Entered(RUN)),
        ]);
    }

    #[test]
    #[should_panic(expected = "is not stored")]
    fn a_lost_task_is_found() {
        let mut ledger = note(&[(1, What::Given(ID))]);
        let known = ledger.known().clone();
        ledger.compare(&known, &Rows::new());
    }
}
