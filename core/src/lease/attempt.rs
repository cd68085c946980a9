//! An attempt ends, and the run it belongs to goes on or is interrupted.

use std::time::Duration;

use super::{History, RowLease, attempted, audited};
use crate::storage::RowChange;
use crate::task::{AttemptOutcome, AttemptRecord, RowState, Status};
use crate::time::Timestamp;

impl RowLease {
    /// An attempt failed and the next one follows after `delay` in the same slot.
    ///
    /// It did not take the process down, so nothing is suspected of it any more; how often an earlier
    /// one may have is forgotten only after a success.
    pub fn retry_in_slot(&mut self, attempt: AttemptRecord, delay: Duration) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            on_probation: false,
            retry_delay: Some(delay),
            snoozes: 0,
            ..self.state.clone()
        };
        self.advance(state, attempted(attempt))
    }

    /// An attempt failed and the next one is due after `delay`: the row leaves its slot and its owner,
    /// and says why it waits.
    pub fn park(&mut self, attempt: AttemptRecord, delay: Duration, due: Timestamp) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            owner: None,
            available_at: Some(due),
            on_probation: false,
            failure: attempt.failure.clone(),
            retry_delay: Some(delay),
            snoozes: 0,
            ..self.state.clone()
        };
        self.advance(state, attempted(attempt))
    }

    /// The handler asked to be called again later: the row leaves its slot and its owner as if it
    /// were parked, but nothing has failed and the attempt is not counted.
    pub fn snooze(&mut self, attempt: AttemptRecord, reason: String, due: Timestamp) -> RowChange {
        let state = RowState {
            owner: None,
            available_at: Some(due),
            on_probation: false,
            retry_delay: None,
            snoozes: self.state.snoozes.saturating_add(1),
            snooze_reason: Some(reason),
            ..self.state.clone()
        };
        self.advance(state, attempted(attempt))
    }

    /// A shutdown interrupted the task, in an attempt or between two: the attempt is not counted and
    /// the task runs again.
    pub fn stop(&mut self, attempt: Option<AttemptRecord>, now: Timestamp) -> RowChange {
        let failure = attempt.as_ref().and_then(|attempt| attempt.failure.clone());
        let ran = attempt.as_ref().map(|attempt| attempt.ran);
        let state = RowState {
            status: Status::ServiceStopped,
            owner: None,
            available_at: Some(now),
            on_probation: false,
            last_execution_at: Some(now),
            execution_time: ran.or(self.state.execution_time),
            failure: failure.clone(),
            ..self.state.clone()
        };
        let history = History {
            attempt: attempt.map(|attempt| self.counted(attempt)),
            ..audited(Status::ServiceStopped, failure, now)
        };
        self.advance(state, history)
    }

    /// An attempt ended that no longer decides anything; it is recorded and the row is left as it is.
    pub fn note(&mut self, attempt: AttemptRecord) -> RowChange {
        // A failure that was to be retried did not end the run; what cut it short does not count it.
        let attempt = match attempt.outcome {
            AttemptOutcome::Cancelled | AttemptOutcome::Stopped => self.counted(attempt),
            AttemptOutcome::Succeeded | AttemptOutcome::Failed | AttemptOutcome::Snoozed => attempt,
        };
        self.advance(self.state.clone(), attempted(attempt))
    }
}
