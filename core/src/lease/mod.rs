//! The right to move one row on.
//!
//! A delivery holds the [`RowLease`] of its row: what it believes the row to say and the generation
//! at which it said so. Each transition of a task is one method here and nowhere else; it moves the
//! lease on and returns the write that does the same to the row. Writes made from one lease form a
//! chain, so a storage that refuses one refuses all that follow.

mod attempt;
mod cancel;
mod delivery;
mod end;
mod handler;
mod series;

use crate::audit::AuditLevel;
use crate::schedule::SeriesPolicy;
use crate::storage::{AuditEntry, RowChange};
use crate::task::{
    AttemptRecord, Failure, Generation, RowState, RunRecord, Status, TaskId, TaskRecord,
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
    policy: SeriesPolicy,
    /// How many occurrences were left out that no write has told of yet.
    missed: u64,
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
            // One that can't be read never gets as far as a run.
            policy: policy_of(record),
            missed: 0,
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

    /// The attempt with which a run ended.
    fn counted(&self, attempt: AttemptRecord) -> AttemptRecord {
        AttemptRecord {
            is_counted: self.audit_level.counts_runs(),
            ..attempt
        }
    }

    /// Whether the task holds its key though it is over.
    fn keeps_key(&self, now: Timestamp) -> bool {
        self.is_series || self.key_until.is_some_and(|until| until > now)
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
            missed: std::mem::take(&mut self.missed),
            has_progressed: std::mem::take(&mut self.has_progressed),
        }
    }
}

fn policy_of(record: &TaskRecord) -> SeriesPolicy {
    let series = record.definition.series.as_ref();
    let policy = series.and_then(|series| series.read_policy().ok());
    policy.unwrap_or_default()
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

#[cfg(test)]
mod tests;
