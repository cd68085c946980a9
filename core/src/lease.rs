//! The right to move one row on.
//!
//! A delivery holds the [`RowLease`] of its row: what it believes the row to say and the generation
//! at which it said so. Each transition of a task is one method here and nowhere else; it moves the
//! lease on and returns the write that does the same to the row. Writes made from one lease form a
//! chain, so a storage that refuses one refuses all that follow.

use std::time::Duration;

use crate::audit::AuditLevel;
use crate::storage::{AuditEntry, RowChange};
use crate::task::{
    AttemptOutcome, AttemptRecord, Failure, Generation, MAX_RUN_COUNT, ProcessId, Progress,
    RowState, RunRecord, Status, TaskId, TaskRecord, WaitReason, fingerprint,
};
use crate::time::Timestamp;

/// What a delivery believes about its row.
#[derive(Clone, Debug)]
pub struct RowLease {
    id: TaskId,
    task: String,
    is_series: bool,
    key_until: Option<Timestamp>,
    audit_level: AuditLevel,
    generation: Generation,
    state: RowState,
    /// Whether the progress is news that no write has told yet.
    has_progressed: bool,
}

/// What a transition leaves beside the row.
#[derive(Default)]
struct History {
    audit: Option<AuditEntry>,
    attempt: Option<AttemptRecord>,
    run: Option<RunRecord>,
}

impl RowLease {
    /// Takes the lease of a row that was just stored or claimed for this process.
    pub fn new(record: &TaskRecord) -> Self {
        Self {
            id: record.definition.id,
            task: record.definition.task.clone(),
            is_series: record.definition.series.is_some(),
            key_until: record.definition.key_until,
            audit_level: record.definition.audit_level,
            generation: record.generation,
            state: record.state.clone(),
            has_progressed: false,
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

    /// Whether the task runs again and again.
    pub fn is_series(&self) -> bool {
        self.is_series
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
            start_by: None,
            snooze_reason: None,
            progress: None,
            ..self.state.clone()
        };
        self.advance(state, audited(Status::InProgress, None, now))
    }

    /// A handler that ran alone has outlived its probation: it is not what killed the process.
    pub fn outlive_probation(&mut self) -> RowChange {
        let state = RowState {
            on_probation: false,
            interruptions: 0,
            ..self.state.clone()
        };
        self.advance(state, History::default())
    }

    /// The handler says how far it has come.
    pub fn report(&mut self, progress: Progress) -> RowChange {
        self.note_progress(progress);
        self.advance(self.state.clone(), History::default())
    }

    /// The handler says how far it has come; the next write takes it along.
    pub fn note_progress(&mut self, progress: Progress) {
        self.state.progress = Some(progress);
        self.has_progressed = true;
    }

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

    /// The task succeeded and returned nothing; see [`complete_with`](Self::complete_with).
    pub fn complete(
        &mut self,
        attempt: AttemptRecord,
        next: Option<Timestamp>,
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
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> RowChange {
        let state = RowState {
            interruptions: 0,
            result,
            ..self.ended(Status::Completed, None, now, Some(attempt.ran))
        };
        self.end_run(state, attempt, next, now)
    }

    /// The task failed for good, or a run of a series did, which goes on at `next`; `failure` lists
    /// all attempts, the attempt only its own.
    pub fn fail(
        &mut self,
        failure: Failure,
        attempt: AttemptRecord,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> RowChange {
        let state = RowState {
            attempts: attempt.number,
            ..self.ended(Status::Failed, Some(failure), now, Some(attempt.ran))
        };
        self.end_run(state, attempt, next, now)
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
    /// another run (storage edge case 22).
    pub fn finish_series(&mut self, now: Timestamp) -> RowChange {
        let state = RowState {
            last_execution_at: self.state.last_execution_at,
            result: self.state.result.clone(),
            ..self.ended(Status::Completed, None, now, None)
        };
        self.advance(state, audited(Status::Completed, None, now))
    }

    /// The due occurrence of the series was overtaken: it goes on at `next`, and nothing is counted.
    pub fn skip_to(&mut self, next: Timestamp, now: Timestamp) -> RowChange {
        let state = RowState {
            status: Status::WaitingQueue,
            owner: None,
            available_at: Some(next),
            next_run_at: Some(next),
            ..self.state.clone()
        };
        let audit = audited(Status::WaitingQueue, None, now);
        self.move_to(self.generation.superseded(), state, audit)
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

    /// The delivery ends before its handler was entered: the row is as good as never claimed.
    pub fn release(&mut self, now: Timestamp) -> RowChange {
        let (status, audit) = if self.state.status == Status::Queued {
            let status = Status::WaitingQueue;
            (status, audited(status, None, now))
        } else {
            (self.state.status, History::default())
        };
        let state = RowState {
            status,
            owner: None,
            available_at: Some(self.state.available_at.unwrap_or(now)),
            ..self.state.clone()
        };
        self.move_to(self.generation.superseded(), state, audit)
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
        self.advance(state, audited(Status::WaitingQueue, None, now))
    }

    /// The task is over and the time is up for which it was to hold its key all the same.
    pub fn give_up_key(&mut self) -> RowChange {
        let state = RowState {
            active_key: None,
            ..self.state.clone()
        };
        self.move_to(self.generation.superseded(), state, History::default())
    }

    /// The attempt with which a run ended.
    fn counted(&self, attempt: AttemptRecord) -> AttemptRecord {
        AttemptRecord {
            is_counted: self.audit_level.counts_runs(),
            ..attempt
        }
    }

    /// A run of a series counts and leaves a row; a task that runs once just ends.
    fn end_run(
        &mut self,
        mut state: RowState,
        attempt: AttemptRecord,
        next: Option<Timestamp>,
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
            state.attempts = 0;
            state.available_at = next;
            state.next_run_at = next;
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
        let keeps_key = self.is_series || self.key_until.is_some_and(|until| until > now);
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

    fn advance(&mut self, state: RowState, history: History) -> RowChange {
        self.move_to(self.generation.next(), state, history)
    }

    fn move_to(&mut self, generation: Generation, state: RowState, history: History) -> RowChange {
        let expected = self.generation;
        self.generation = generation;
        self.state = state.clone();
        RowChange {
            id: self.id,
            expected,
            generation: self.generation,
            state,
            audit_level: self.audit_level,
            audit: history.audit.into_iter().collect(),
            attempts: history.attempt.into_iter().collect(),
            runs: history.run.into_iter().collect(),
            follow_ups: Vec::new(),
            has_progressed: std::mem::take(&mut self.has_progressed),
        }
    }
}

fn audited(status: Status, failure: Option<Failure>, now: Timestamp) -> History {
    let entry = AuditEntry {
        failure,
        ..AuditEntry::of(status, now)
    };
    History {
        audit: Some(entry),
        ..History::default()
    }
}

fn attempted(attempt: AttemptRecord) -> History {
    History {
        attempt: Some(attempt),
        ..History::default()
    }
}
