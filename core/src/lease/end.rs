//! A task ends, or a run of a series does.

use std::time::Duration;

use super::{History, RowLease, audited};
use crate::schedule::{Next, SeriesEnd};
use crate::storage::RowChange;
use crate::task::{
    AttemptRecord, Failure, MAX_RUN_COUNT, RowState, RunRecord, Status, fingerprint,
};
use crate::time::Timestamp;

impl RowLease {
    /// The task succeeded and returned nothing; see [`complete_with`](Self::complete_with).
    pub fn complete(
        &mut self,
        attempt: AttemptRecord,
        next: impl Into<Next>,
        now: Timestamp,
    ) -> RowChange {
        self.complete_with(None, attempt, next, now)
    }

    /// The task succeeded, or a run of a series did, which goes on at `next`; it returned `result`,
    /// as JSON.
    ///
    /// Completing a run and moving the series on is one write, so that no crash can come between
    /// them (storage edge case 29).
    pub fn complete_with(
        &mut self,
        result: Option<String>,
        attempt: AttemptRecord,
        next: impl Into<Next>,
        now: Timestamp,
    ) -> RowChange {
        let state = RowState {
            interruptions: 0,
            result,
            ..self.ended(Status::Completed, None, now, Some(attempt.ran))
        };
        self.end_run(state, attempt, next.into(), now)
    }

    /// The task failed for good, or a run of a series did, which goes on at `next`; `failure` lists
    /// all attempts, the attempt only its own.
    pub fn fail(
        &mut self,
        failure: Failure,
        attempt: AttemptRecord,
        next: impl Into<Next>,
        now: Timestamp,
    ) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            ..self.ended(Status::Failed, Some(failure), now, Some(attempt.ran))
        };
        self.end_run(state, attempt, next.into(), now)
    }

    /// The task can never run: it fails without an attempt, and a series ends with it.
    pub fn poison(&mut self, failure: Failure, now: Timestamp) -> RowChange {
        let state = self.ended(Status::Failed, Some(failure.clone()), now, None);
        self.advance(state, audited(Status::Failed, Some(failure), now))
    }

    /// The payload could not be decoded in this start either, which is one too many: the task fails
    /// without an attempt.
    pub fn give_up_decoding(&mut self, failure: Failure, now: Timestamp) -> RowChange {
        let recovery_failures = self.state.recovery_failures.saturating_add(1);
        let state = RowState {
            recovery_failures,
            ..self.ended(Status::Failed, Some(failure.clone()), now, None)
        };
        self.advance(state, audited(Status::Failed, Some(failure), now))
    }

    /// No occurrence of the series is left: it ends as if the last one had succeeded, without
    /// another run (storage edge case 22); `missed` were left out before.
    pub fn finish_series(&mut self, end: SeriesEnd, missed: u64, now: Timestamp) -> RowChange {
        self.missed += missed;
        let state = RowState {
            last_execution_at: self.state.last_execution_at,
            result: self.state.result.clone(),
            ..self.ended(Status::Completed, None, now, None)
        };
        self.advance(state, because(end, audited(Status::Completed, None, now)))
    }

    /// The task is over and the time is up for which it was to hold its key all the same.
    pub fn give_up_key(&mut self) -> RowChange {
        let state = RowState {
            active_key: None,
            ..self.state.clone()
        };
        self.move_to(self.generation.superseded(), state, History::default())
    }

    /// A run of a series counts and leaves a row; a task that runs once just ends.
    fn end_run(
        &mut self,
        mut state: RowState,
        attempt: AttemptRecord,
        next: Next,
        now: Timestamp,
    ) -> RowChange {
        let mut history = audited(state.status, state.failure.clone(), now);
        if self.is_series {
            let number = state.run_count.saturating_add(1).min(MAX_RUN_COUNT);
            history.run = Some(RunRecord {
                id: attempt.id,
                number,
                scheduled_at: self.state.next_run_at,
                at: now,
                execution_time: attempt.ran,
                status: state.status,
                failure: state.failure.clone(),
            });
            state.run_count = number;
            state.failures_in_row = if state.status == Status::Failed {
                state.failures_in_row.saturating_add(1)
            } else {
                0
            };
            state.attempts = 0;
            state.available_at = next.at.map(|at| self.policy.begins(self.id, at));
            state.next_run_at = next.at;
            self.missed += next.missed;
            if let Some(end) = next.end {
                history = because(end, history);
            }
        }
        history.attempt = Some(self.counted(attempt));
        self.advance(state, history)
    }

    /// The state of a task that ended so; one that runs once gives up its key, unless it holds it for
    /// a time.
    fn ended(
        &self,
        status: Status,
        failure: Option<Failure>,
        now: Timestamp,
        ran: Option<Duration>,
    ) -> RowState {
        let keeps_key = self.keeps_key(now);
        RowState {
            status,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            error_fingerprint: failure
                .as_ref()
                .map(|failure| fingerprint(&self.task, failure)),
            failure,
            last_execution_at: Some(now),
            execution_time: ran.or(self.state.execution_time),
            active_key: self.state.active_key.clone().filter(|_| keeps_key),
            next_run_at: None,
            retry_delay: None,
            snoozes: 0,
            snooze_reason: None,
            result: None,
            ..self.state.clone()
        }
    }
}

/// Says in the audit why the series is over.
fn because(end: SeriesEnd, mut history: History) -> History {
    if let Some(entry) = &mut history.audit {
        entry.reason = Some(end.to_string());
    }
    history
}
