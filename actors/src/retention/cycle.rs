use std::sync::Arc;

use evertask_core::retention::{
    RetentionBatch, RetentionCursor, RetentionPolicy, RetentionStep, plan,
};
use evertask_core::storage::{StorageError, TaskStorage};
use evertask_core::time::Clock;
use tokio::sync::Semaphore;

use super::report::{RetentionReport, RetentionStepReport};
use crate::runtime::Lifecycle;

/// How many rows a batch deletes at most. What else wants to write waits for no more than that.
const BATCH: u32 = 100;

/// Does cycles, one at a time; clones share the turn.
#[derive(Clone)]
pub(crate) struct Retention(Arc<RetentionDeps>);

pub(crate) struct RetentionDeps {
    pub(crate) policy: RetentionPolicy,
    pub(crate) storage: Arc<dyn TaskStorage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifecycle: Lifecycle,
    /// Held by the cycle that runs.
    pub(crate) turn: Semaphore,
}

/// What is done with each step.
#[derive(Clone, Copy)]
enum Doing {
    Delete,
    Count,
}

impl Retention {
    pub(crate) fn new(deps: RetentionDeps) -> Self {
        Self(Arc::new(deps))
    }

    pub(crate) fn policy(&self) -> &RetentionPolicy {
        &self.0.policy
    }

    /// Does a cycle.
    pub(crate) async fn run(&self) -> Result<RetentionReport, StorageError> {
        let deps = &self.0;
        // An error would mean that it is closed, which nobody does.
        let _turn = deps.turn.acquire().await.ok();
        let report = deps.all_steps(Doing::Delete).await?;
        for warning in &report.warnings {
            tracing::warn!("retention: {warning}");
        }
        tracing::info!(
            status_audit = report.status_audit(),
            runs = report.runs(),
            logs = report.logs(),
            tasks = report.tasks(),
            interrupted = report.interrupted,
            "deleted what its windows have passed"
        );
        Ok(report)
    }

    /// Waits until no cycle runs.
    pub(crate) async fn turn_ended(&self) {
        drop(self.0.turn.acquire().await.ok());
    }

    /// Counts what a cycle would delete.
    pub(crate) async fn preview(&self) -> Result<RetentionReport, StorageError> {
        self.0.all_steps(Doing::Count).await
    }
}

impl RetentionDeps {
    async fn all_steps(&self, doing: Doing) -> Result<RetentionReport, StorageError> {
        let now = self.clock.now();
        let plan = plan(&self.policy, now);
        let mut report = RetentionReport::new(now, plan.warnings);
        for step in plan.steps {
            report.interrupted = self.step(doing, step, &mut report.steps).await?;
            if report.interrupted {
                break;
            }
        }
        Ok(report)
    }

    /// Does a step and answers whether a shutdown interrupted it.
    async fn step(
        &self,
        doing: Doing,
        step: RetentionStep,
        done: &mut Vec<RetentionStepReport>,
    ) -> Result<bool, StorageError> {
        let begun = self.clock.elapsed();
        let (mut rows, mut batches, mut from) = (0, 0, None);
        let interrupted = loop {
            if !self.lifecycle.is_running() {
                break true;
            }
            let batch = self.batch(doing, &step, from).await?;
            rows += batch.rows;
            batches += u64::from(batch.rows > 0);
            from = batch.next;
            if from.is_none() {
                break false;
            }
            // A storage in memory answers at once, and others want this thread too.
            tokio::task::yield_now().await;
        };
        let duration = self.clock.elapsed().saturating_sub(begun);
        tracing::debug!(%step, rows, batches, ?duration, "did a step of retention");
        done.push(RetentionStepReport {
            step,
            rows,
            batches,
            duration,
        });
        Ok(interrupted)
    }

    async fn batch(
        &self,
        doing: Doing,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        match doing {
            Doing::Delete => self.storage.retain(step, from, BATCH).await,
            Doing::Count => self.storage.preview(step, from).await,
        }
    }
}
