//! Mistakes with windows.

use async_trait::async_trait;
use chrono::TimeDelta;
use evertask_core::retention::{
    HistoryCutoffs, LogGuard, PurgeTasks, RetentionBatch, RetentionCursor, RetentionStep,
    RetentionTarget,
};
use evertask_core::storage::{AuditEntry, StorageError, TaskStorage, WriteGroup};
use evertask_core::task::{Status, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use super::tasks::Tasks;
use crate::wrong::bent::{Applied, Batched, Mistake};

/// Changes every cutoff of histories in a step.
fn with_cutoffs(step: &RetentionStep, edit: impl Fn(&mut HistoryCutoffs)) -> RetentionStep {
    let mut step = step.clone();
    match &mut step.target {
        RetentionTarget::StatusAudit(cutoffs)
        | RetentionTarget::Runs(cutoffs)
        | RetentionTarget::Attempts(cutoffs) => edit(cutoffs),
        RetentionTarget::Tasks(purge) => {
            let PurgeTasks {
                status_audit,
                runs,
                attempts,
                ..
            } = purge;
            let all = [status_audit, runs, attempts].into_iter();
            all.flatten().for_each(edit);
        }
        RetentionTarget::LogsByAge { .. } | RetentionTarget::LogsByCount { .. } => {}
    }
    step
}

/// Lets go of what is as old as its window, and not only of what is older.
#[derive(Debug)]
pub(super) struct TakesAtForBefore;

#[async_trait]
impl Mistake for TakesAtForBefore {
    async fn step(
        &self,
        _: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        let later = |instant: &mut Timestamp| *instant += TimeDelta::microseconds(1);
        let mut step = with_cutoffs(step, |cutoffs| {
            later(&mut cutoffs.successes);
            later(&mut cutoffs.errors);
        });
        match &mut step.target {
            RetentionTarget::LogsByAge { before } => later(before),
            RetentionTarget::LogsByCount { aged_before, .. } => {
                aged_before.iter_mut().for_each(later);
            }
            RetentionTarget::Tasks(purge) => {
                later(&mut purge.before);
                if let LogGuard::From(instant) = &mut purge.logs {
                    later(instant);
                }
            }
            RetentionTarget::StatusAudit(_)
            | RetentionTarget::Runs(_)
            | RetentionTarget::Attempts(_) => {}
        }
        Ok(step)
    }
}

/// Treats lines that tell of a failure like all others.
#[derive(Debug)]
pub(super) struct IgnoresTheWindowOfErrors;

#[async_trait]
impl Mistake for IgnoresTheWindowOfErrors {
    async fn step(
        &self,
        _: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        Ok(with_cutoffs(step, |cutoffs| {
            cutoffs.errors = cutoffs.successes;
        }))
    }
}

/// Takes a failed line of the audit for a success if it does not say why it failed.
#[derive(Debug, Default)]
pub(super) struct KnowsErrorsByTheirText(Mutex<Option<Timestamp>>);

#[async_trait]
impl Mistake for KnowsErrorsByTheirText {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        if let RetentionTarget::StatusAudit(cutoffs) = &step.target {
            *self.0.lock() = Some(cutoffs.successes);
        }
        inner.retain(step, from, limit).await
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let before = *self.0.lock();
        let mut audit = inner.audit(id).await?;
        audit.retain(|entry| {
            let is_silent = entry.status == Status::Failed && entry.failure.is_none();
            !is_silent || before.is_none_or(|before| entry.at >= before)
        });
        Ok(audit)
    }
}

/// Takes the lines of the audit for ordered by time, and ends with the first that may stay.
#[derive(Debug, Default)]
pub(super) struct StopsAtALineThatStays(Tasks);

impl StopsAtALineThatStays {
    /// Whether the line that was written first is one that stays.
    async fn is_at_its_end(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<bool, StorageError> {
        let RetentionTarget::StatusAudit(cutoffs) = &step.target else {
            return Ok(false);
        };
        for record in self.0.records(inner).await? {
            if let Some(entry) = inner.audit(record.definition.id).await?.first() {
                let failure = entry.failure.as_ref();
                return Ok(!cutoffs.lets_go_of_status(entry.at, entry.status, failure));
            }
        }
        Ok(true)
    }
}

const DONE: RetentionBatch = RetentionBatch {
    rows: 0,
    next: None,
};

#[async_trait]
impl Mistake for StopsAtALineThatStays {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        self.0.note(group);
        inner.apply(group).await
    }

    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        if self.is_at_its_end(inner, step).await? {
            return Ok(DONE);
        }
        inner.retain(step, from, limit).await
    }

    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        if self.is_at_its_end(inner, step).await? {
            return Ok(DONE);
        }
        inner.preview(step, from).await
    }
}

/// Shows nothing that is older than a month, as a database with a time to live would.
#[derive(Debug)]
pub(super) struct ExpiresByItself;

/// A month before the beginning of the cases.
fn a_month_ago() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_700_000_000) - TimeDelta::days(30)
}

#[async_trait]
impl Mistake for ExpiresByItself {
    async fn task(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Option<TaskRecord>, StorageError> {
        let is_young = |record: &TaskRecord| {
            let state = &record.state;
            let last_ran_at = state.last_execution_at;
            !state.is_over() || last_ran_at.is_none_or(|at| at >= a_month_ago())
        };
        Ok(inner.task(id).await?.filter(is_young))
    }

    async fn audit(
        &self,
        inner: &dyn TaskStorage,
        id: TaskId,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let mut audit = inner.audit(id).await?;
        audit.retain(|entry| entry.at >= a_month_ago());
        Ok(audit)
    }
}
