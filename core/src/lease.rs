//! The right to move one row on.
//!
//! A delivery holds the [`RowLease`] of its row: what it believes the row to say and the generation
//! at which it said so. Each transition of a task is one method here and nowhere else; it moves the
//! lease on and returns the write that does the same to the row. Writes made from one lease form a
//! chain, so a storage that refuses one refuses all that follow.

use std::time::Duration;

use crate::storage::{AuditEntry, RowChange};
use crate::task::{
    AttemptRecord, Failure, Generation, ProcessId, RowState, Status, TaskId, TaskRecord,
    WaitReason, fingerprint,
};
use crate::time::Timestamp;

/// What a delivery believes about its row.
#[derive(Clone, Debug)]
pub struct RowLease {
    id: TaskId,
    task: String,
    generation: Generation,
    state: RowState,
}

impl RowLease {
    /// Takes the lease of a row that was just stored or claimed for this process.
    pub fn new(record: &TaskRecord) -> Self {
        Self {
            id: record.definition.id,
            task: record.definition.task.clone(),
            generation: record.generation,
            state: record.state.clone(),
        }
    }

    /// The row.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// The generation the row will have once everything written so far is committed.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What the row will say then.
    pub fn state(&self) -> &RowState {
        &self.state
    }

    /// A handler is about to be entered.
    ///
    /// `alone` says that it was interrupted by a crash and runs alone, on probation. A delivery that
    /// returns for a later attempt is in progress already, and its audit does not say so again.
    pub fn start(&mut self, owner: ProcessId, alone: bool, now: Timestamp) -> RowChange {
        let state = RowState {
            status: Status::InProgress,
            owner: Some(owner),
            on_probation: alone,
            recovery_failures: 0,
            failure: None,
            error_fingerprint: None,
            ..self.state.clone()
        };
        self.advance(state, vec![AuditEntry::of(Status::InProgress, now)], None)
    }

    /// A handler that ran alone has outlived its probation: it is not what killed the process.
    pub fn outlive_probation(&mut self) -> RowChange {
        let state = RowState {
            on_probation: false,
            interruptions: 0,
            ..self.state.clone()
        };
        self.advance(state, Vec::new(), None)
    }

    /// An attempt failed and the next one follows in the same slot.
    ///
    /// It did not take the process down, so nothing is suspected of it any more; how often an earlier
    /// one may have is forgotten only after a success.
    pub fn retry_in_slot(&mut self, attempt: AttemptRecord) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            on_probation: false,
            ..self.state.clone()
        };
        self.advance(state, Vec::new(), Some(attempt))
    }

    /// An attempt failed and the next one is due later: the row leaves its slot and its owner.
    pub fn park(&mut self, attempt: AttemptRecord, due: Timestamp) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            owner: None,
            available_at: Some(due),
            on_probation: false,
            ..self.state.clone()
        };
        self.advance(state, Vec::new(), Some(attempt))
    }

    /// The task succeeded.
    pub fn complete(&mut self, attempt: AttemptRecord, now: Timestamp) -> RowChange {
        let state = RowState {
            interruptions: 0,
            ..self.over(Status::Completed, None, now, Some(attempt.ran))
        };
        self.advance(
            state,
            vec![AuditEntry::of(Status::Completed, now)],
            Some(attempt),
        )
    }

    /// The task failed for good; `failure` lists all its attempts, the attempt only its own.
    pub fn fail(
        &mut self,
        failure: Failure,
        attempt: Option<AttemptRecord>,
        now: Timestamp,
    ) -> RowChange {
        let ran = attempt.as_ref().map(|attempt| attempt.ran);
        let state = RowState {
            attempts: attempt
                .as_ref()
                .map_or(self.state.attempts, |attempt| attempt.number),
            ..self.over(Status::Failed, Some(failure.clone()), now, ran)
        };
        let audit = AuditEntry {
            failure: Some(failure),
            ..AuditEntry::of(Status::Failed, now)
        };
        self.advance(state, vec![audit], attempt)
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
        let audit = AuditEntry {
            failure,
            ..AuditEntry::of(Status::ServiceStopped, now)
        };
        self.advance(state, vec![audit], attempt)
    }

    /// An attempt ended that no longer decides anything; it is recorded and the row is left as it is.
    pub fn note(&mut self, attempt: AttemptRecord) -> RowChange {
        self.advance(self.state.clone(), Vec::new(), Some(attempt))
    }

    /// The delivery ends before its handler was entered: the row is as good as never claimed.
    pub fn release(&mut self, now: Timestamp) -> RowChange {
        let (status, audit) = if self.state.status == Status::Queued {
            let status = Status::WaitingQueue;
            (status, vec![AuditEntry::of(status, now)])
        } else {
            (self.state.status, Vec::new())
        };
        let state = RowState {
            status,
            owner: None,
            available_at: Some(self.state.available_at.unwrap_or(now)),
            ..self.state.clone()
        };
        self.move_to(self.generation.superseded(), state, audit, None)
    }

    /// The row can't run here; it waits, visibly, until the next start looks at it again.
    pub fn wait(
        &mut self,
        owner: ProcessId,
        reason: WaitReason,
        failure: Failure,
        now: Timestamp,
    ) -> RowChange {
        let decoding = u32::from(reason == WaitReason::Undecodable);
        let state = RowState {
            status: Status::WaitingQueue,
            owner: Some(owner),
            wait_reason: Some(reason),
            recovery_failures: self.state.recovery_failures.saturating_add(decoding),
            failure: Some(failure),
            ..self.state.clone()
        };
        let audit = AuditEntry::of(Status::WaitingQueue, now);
        self.advance(state, vec![audit], None)
    }

    fn over(
        &self,
        status: Status,
        failure: Option<Failure>,
        now: Timestamp,
        ran: Option<Duration>,
    ) -> RowState {
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
            ..self.state.clone()
        }
    }

    fn advance(
        &mut self,
        state: RowState,
        audit: Vec<AuditEntry>,
        attempt: Option<AttemptRecord>,
    ) -> RowChange {
        self.move_to(self.generation.next(), state, audit, attempt)
    }

    fn move_to(
        &mut self,
        generation: Generation,
        state: RowState,
        audit: Vec<AuditEntry>,
        attempt: Option<AttemptRecord>,
    ) -> RowChange {
        let expected = self.generation;
        self.generation = generation;
        self.state = state.clone();
        RowChange {
            id: self.id,
            expected,
            generation: self.generation,
            state,
            audit,
            attempts: attempt.into_iter().collect(),
        }
    }
}
