//! Mistakes with what the steps before a step let go of.

use async_trait::async_trait;
use evertask_core::retention::{
    HistoryCutoffs, LogGuard, RetentionBatch, RetentionCursor, RetentionStep, RetentionTarget,
};
use evertask_core::storage::TaskStorage;
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use crate::wrong::bent::{Batched, Mistake};

/// Counts what a step deletes by deleting it.
#[derive(Debug)]
pub(super) struct PreviewsByDoing;

#[async_trait]
impl Mistake for PreviewsByDoing {
    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        inner.retain(step, from, u32::MAX).await
    }
}

/// What a step comes to while the lines that those before it delete are still there.
fn done_alone(step: &RetentionStep) -> RetentionStep {
    const EVERY_LINE_HOLDS: HistoryCutoffs = HistoryCutoffs {
        successes: Timestamp::MIN_UTC,
        errors: Timestamp::MIN_UTC,
    };
    let mut step = step.clone();
    match &mut step.target {
        RetentionTarget::LogsByCount { aged_before, .. } => *aged_before = None,
        RetentionTarget::Tasks(purge) => {
            purge.status_audit = None;
            purge.runs = None;
            purge.attempts = purge.attempts.map(|_| EVERY_LINE_HOLDS);
            if purge.logs != LogGuard::None {
                purge.logs = LogGuard::Any;
            }
        }
        RetentionTarget::StatusAudit(_)
        | RetentionTarget::Runs(_)
        | RetentionTarget::Attempts(_)
        | RetentionTarget::LogsByAge { .. } => {}
    }
    step
}

/// Counts what a step would delete if those before it in its plan were not done.
#[derive(Debug)]
pub(super) struct PreviewsEachStepAlone;

#[async_trait]
impl Mistake for PreviewsEachStepAlone {
    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        inner.preview(&done_alone(step), from).await
    }
}

/// Purges nothing right after it let go of lines.
#[derive(Debug, Default)]
pub(super) struct PurgesInTheNextCycle(Mutex<bool>);

#[async_trait]
impl Mistake for PurgesInTheNextCycle {
    async fn retain(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Batched {
        let is_purge = matches!(step.target, RetentionTarget::Tasks(_));
        if is_purge && *self.0.lock() {
            *self.0.lock() = false;
            return Ok(RetentionBatch {
                rows: 0,
                next: None,
            });
        }
        let batch = inner.retain(step, from, limit).await?;
        *self.0.lock() |= !is_purge && batch.rows > 0;
        Ok(batch)
    }

    async fn preview(
        &self,
        inner: &dyn TaskStorage,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Batched {
        inner.preview(&done_alone(step), from).await
    }
}
