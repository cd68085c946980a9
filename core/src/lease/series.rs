//! An occurrence of a series is due, and does not simply run.

use super::{RowLease, audited};
use crate::schedule::{Next, SeriesEnd};
use crate::storage::{NewTask, RowChange};
use crate::task::{MAX_RUN_COUNT, RowState, Status};
use crate::time::Timestamp;

impl RowLease {
    /// The due occurrence of the series was overtaken, and `missed` in all are left out: it goes on
    /// at `next`, and nothing is counted.
    pub fn skip_to(&mut self, next: Timestamp, missed: u64, now: Timestamp) -> RowChange {
        self.missed += missed;
        let state = self.going_on(next);
        let mut history = audited(Status::WaitingQueue, None, now);
        if let Some(entry) = &mut history.audit {
            entry.reason = Some(left_out(missed));
        }
        self.move_to(self.generation.superseded(), state, history)
    }

    /// The occurrence that is due was overtaken: the one of `at` runs for it and for `missed` more.
    /// Its first write says so.
    pub fn run_last(&mut self, at: Timestamp, missed: u64) {
        self.missed += missed;
        self.state.next_run_at = Some(at);
    }

    /// The occurrences that are due run as `tasks` of their own, which are stored with it and count
    /// as runs; the series itself goes on with `next`.
    pub fn spread(&mut self, tasks: Vec<NewTask>, next: Next, now: Timestamp) -> RowChange {
        let runs = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let run_count = self.state.run_count.saturating_add(runs).min(MAX_RUN_COUNT);
        self.state.run_count = run_count;
        let mut change = if let Some(at) = next.at {
            self.missed += next.missed;
            let state = self.going_on(at);
            let history = audited(Status::WaitingQueue, None, now);
            self.move_to(self.generation.superseded(), state, history)
        } else {
            let end = next.end.unwrap_or(SeriesEnd::NoOccurrence);
            self.finish_series(end, next.missed, now)
        };
        change.follow_ups = tasks;
        change
    }

    /// The state of the series that waits for an occurrence.
    fn going_on(&self, next: Timestamp) -> RowState {
        RowState {
            status: Status::WaitingQueue,
            owner: None,
            available_at: Some(self.policy.begins(self.id, next)),
            next_run_at: Some(next),
            // Which only the first run had to keep.
            start_by: None,
            // Those of the occurrence that is left out, if it was under way.
            attempts: 0,
            retry_delay: None,
            ..self.state.clone()
        }
    }
}

fn left_out(missed: u64) -> String {
    match missed {
        1 => "one occurrence was left out".to_owned(),
        missed => format!("{missed} occurrences were left out"),
    }
}
