//! Mistakes with which tasks are purged.

use async_trait::async_trait;
use evertask_core::retention::{
    EndedTasks, HistoryCutoffs, LogGuard, PurgeTasks, RetentionBatch, RetentionCursor,
    RetentionStep, RetentionTarget,
};
use evertask_core::storage::{StorageError, TaskStorage, WriteGroup};
use evertask_core::task::TaskRecord;
use evertask_core::time::Timestamp;

use crate::wrong::bent::{Applied, Batched, Mistake};
use crate::wrong::reads::edited;

fn cutoffs_at(instant: Timestamp) -> HistoryCutoffs {
    HistoryCutoffs {
        successes: instant,
        errors: instant,
    }
}

/// Purges by other rules than those that were given.
#[derive(Debug)]
pub(super) struct PurgesBy(fn(&mut PurgeTasks));

impl PurgesBy {
    /// Does not wait for the longest window.
    pub(super) const ANY_AGE: Self = Self(|purge| purge.before = Timestamp::MAX_UTC);

    /// Lets no line keep its task.
    pub(super) const ITS_AGE_ALONE: Self = Self(|purge| {
        let every_line_goes = Some(cutoffs_at(Timestamp::MAX_UTC));
        purge.status_audit = every_line_goes;
        purge.runs = every_line_goes;
        purge.attempts = None;
        purge.logs = LogGuard::None;
    });

    /// Lets attempts and log lines keep their task, though neither has a window.
    pub(super) const WHAT_NEVER_GOES: Self = Self(|purge| {
        let every_line_holds = cutoffs_at(Timestamp::MIN_UTC);
        purge.attempts.get_or_insert(every_line_holds);
        if purge.logs == LogGuard::None {
            purge.logs = LogGuard::Any;
        }
    });

    /// Takes every end of a one-shot for a success.
    pub(super) const SUCCESS: Self = Self(|purge| {
        if purge.ended != EndedTasks::Series {
            purge.ended = EndedTasks::Completed;
        }
    });
}

#[async_trait]
impl Mistake for PurgesBy {
    async fn step(
        &self,
        _: &dyn TaskStorage,
        step: &RetentionStep,
    ) -> Result<RetentionStep, StorageError> {
        let mut step = step.clone();
        if let RetentionTarget::Tasks(purge) = &mut step.target {
            (self.0)(purge);
        }
        Ok(step)
    }
}

/// Purges series that are over together with tasks that completed.
#[derive(Debug)]
pub(super) struct PurgesSeriesUnasked;

fn series_too(step: &RetentionStep) -> Option<RetentionStep> {
    let mut step = step.clone();
    let RetentionTarget::Tasks(purge) = &mut step.target else {
        return None;
    };
    let ended = std::mem::replace(&mut purge.ended, EndedTasks::Series);
    (ended == EndedTasks::Completed).then_some(step)
}

#[async_trait]
impl Mistake for PurgesSeriesUnasked {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let batch = inner.retain(step, from, limit).await?;
        let Some(series) = series_too(step).filter(|_| batch.next.is_none()) else {
            return Ok(batch);
        };
        let unasked = inner.retain(&series, None, limit).await?;
        let rows = batch.rows + unasked.rows;
        Ok(RetentionBatch { rows, ..batch })
    }

    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        let part = inner.preview(step, from).await?;
        let Some(series) = series_too(step).filter(|_| part.next.is_none()) else {
            return Ok(part);
        };
        let unasked = inner.preview(&series, None).await?;
        let rows = part.rows + unasked.rows;
        Ok(RetentionBatch { rows, ..part })
    }
}

/// Counts the age of a task from its creation, though it ran later.
#[derive(Debug)]
pub(super) struct AgesFromCreation;

#[async_trait]
impl Mistake for AgesFromCreation {
    async fn apply(&self, inner: &dyn TaskStorage, group: &WriteGroup) -> Applied {
        let age = |record: &mut TaskRecord| {
            if record.state.is_over() {
                record.state.last_execution_at = Some(record.definition.created_at);
            }
        };
        inner.apply(&edited(group, age)).await
    }
}
