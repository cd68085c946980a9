use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::process::Process;
use super::sample::{at, attempt, failure, id, series, task};
use crate::retention::{RetentionPolicy, RetentionRules, RetentionStep, Window, plan};
use crate::storage::{AuditEntry, ChangeAnswer, NewTask, RowChange, Write};
use crate::task::{
    AttemptId, AttemptOutcome, AttemptRecord, RowState, RunRecord, Status, TaskId, TaskRecord,
};
use crate::time::Timestamp;

/// How many rows a batch has at most, as in the runtime.
pub(super) const BATCH: u32 = 100;

/// The present of every case of retention: ages are counted from here.
pub(super) fn now() -> Timestamp {
    at(0)
}

pub(super) fn days_ago(days: i64) -> Timestamp {
    now() - TimeDelta::days(days)
}

pub(super) fn days(days: i64) -> Window {
    Window::days(days)
}

/// A task that ended so, when it last ran and when it was created.
pub(super) fn ended(number: u128, status: Status, at: Timestamp) -> TaskRecord {
    let mut record = task(number);
    record.definition.created_at = at;
    record.state = RowState {
        status,
        available_at: (!status.is_terminal()).then_some(at),
        last_execution_at: Some(at),
        ..RowState::waiting(at)
    };
    record
}

/// A series that ended so, and is over.
pub(super) fn ended_series(number: u128, status: Status, at: Timestamp) -> TaskRecord {
    let mut record = series(number, None);
    record.definition.created_at = at;
    record.state = ended(number, status, at).state;
    record
}

pub(super) fn run(at: Timestamp, status: Status) -> RunRecord {
    RunRecord {
        id: AttemptId(Uuid::now_v7()),
        number: 1,
        scheduled_at: Some(at),
        at,
        execution_time: Duration::ZERO,
        status,
        failure: (status == Status::Failed).then(|| failure("gone")),
    }
}

pub(super) fn success(at: Timestamp) -> AuditEntry {
    AuditEntry::of(Status::Completed, at)
}

pub(super) fn error(at: Timestamp) -> AuditEntry {
    AuditEntry {
        failure: Some(failure("gone")),
        ..AuditEntry::of(Status::Failed, at)
    }
}

/// What a cycle deleted: the pass, and how many rows each of its batches had.
pub(super) type Deleted = Vec<(&'static str, Vec<u64>)>;

impl Process<'_> {
    pub(super) async fn store_with_audit(&self, record: &TaskRecord, audit: Vec<AuditEntry>) {
        let record = record.clone();
        let insert = Write::Insert(Box::new(NewTask { record, audit }));
        self.apply(vec![insert]).await;
    }

    /// Adds attempts to a task that has not been written since its insert.
    pub(super) async fn add_attempts(&self, record: &TaskRecord, attempts: Vec<AttemptRecord>) {
        self.add_history(record, attempts, Vec::new()).await;
    }

    /// Adds runs likewise.
    pub(super) async fn add_runs(&self, record: &TaskRecord, runs: Vec<RunRecord>) {
        self.add_history(record, Vec::new(), runs).await;
    }

    pub(super) async fn add_history(
        &self,
        record: &TaskRecord,
        attempts: Vec<AttemptRecord>,
        runs: Vec<RunRecord>,
    ) {
        let change = RowChange {
            id: record.definition.id,
            expected: record.generation,
            generation: record.generation.next(),
            state: record.state.clone(),
            audit: Vec::new(),
            attempts,
            runs,
            follow_ups: Vec::new(),
            missed: 0,
            has_progressed: false,
            audit_level: record.definition.audit_level,
        };
        assert_eq!(self.change(change).await, ChangeAnswer::Applied);
    }

    pub(super) fn attempt_at(
        &self,
        started_at: Timestamp,
        outcome: AttemptOutcome,
    ) -> AttemptRecord {
        AttemptRecord {
            started_at,
            ..attempt(self.id, 1, outcome)
        }
    }

    /// Does a whole cycle and answers what it deleted; before, a preview must have said the same.
    pub(super) async fn cycle(&self, rules: &RetentionRules) -> Deleted {
        self.cycle_of(&RetentionPolicy::new(rules.clone())).await
    }

    pub(super) async fn cycle_of(&self, policy: &RetentionPolicy) -> Deleted {
        let steps = plan(policy, now()).steps;
        let mut announced = Vec::new();
        for step in &steps {
            announced.push(self.preview(step).await);
        }
        let mut deleted = Deleted::new();
        let mut counts = Vec::new();
        for step in &steps {
            let batches = self.step(step).await;
            counts.push(batches.iter().sum::<u64>());
            if !batches.is_empty() {
                deleted.push((step.target.name(), batches));
            }
        }
        assert_eq!(announced, counts, "the preview of {steps:#?}");
        deleted
    }

    pub(super) async fn preview(&self, step: &RetentionStep) -> u64 {
        let storage = self.storage();
        let (mut rows, mut from) = (0, None);
        loop {
            let part = storage.preview(step, from).await.unwrap();
            rows += part.rows;
            from = part.next;
            if from.is_none() {
                return rows;
            }
        }
    }

    /// Does a step and answers the sizes of those of its batches that deleted something.
    pub(super) async fn step(&self, step: &RetentionStep) -> Vec<u64> {
        let storage = self.storage();
        let (mut batches, mut from) = (Vec::new(), None);
        loop {
            let batch = storage.retain(step, from, BATCH).await.unwrap();
            assert!(batch.rows <= u64::from(BATCH), "{batch:?}");
            batches.extend((batch.rows > 0).then_some(batch.rows));
            from = batch.next;
            if from.is_none() {
                return batches;
            }
        }
    }

    pub(super) async fn audited_at(&self, number: u128) -> Vec<Timestamp> {
        let audit = self.audit(id(number)).await;
        audit.into_iter().map(|entry| entry.at).collect()
    }

    /// Which of these tasks there are.
    pub(super) async fn existing(&self, numbers: impl IntoIterator<Item = u128>) -> Vec<u128> {
        let mut existing = Vec::new();
        for number in numbers {
            let found: Option<TaskId> = self.find(id(number)).await.map(|task| task.definition.id);
            existing.extend(found.map(|_| number));
        }
        existing
    }
}
