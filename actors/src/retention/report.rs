use std::time::Duration;

use evertask_core::retention::{RetentionStep, RetentionTarget, RetentionWarning};
use evertask_core::time::Timestamp;

/// What a cycle of retention deleted, or would delete.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetentionReport {
    /// The instant from which all ages were counted.
    pub at: Timestamp,
    /// The steps that were done, in order.
    pub steps: Vec<RetentionStepReport>,
    /// Knobs of the policy that do nothing although they are set.
    pub warnings: Vec<RetentionWarning>,
    /// Whether a shutdown came before its end; what is missing is left to the next cycle.
    pub interrupted: bool,
}

/// What one step came to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetentionStepReport {
    /// What the step lets go of, and of which tasks.
    pub step: RetentionStep,
    /// How many rows that were.
    pub rows: u64,
    /// In how many batches.
    pub batches: u64,
    /// How long it took.
    pub duration: Duration,
}

impl RetentionReport {
    pub(super) fn new(at: Timestamp, warnings: Vec<RetentionWarning>) -> Self {
        Self {
            at,
            steps: Vec::new(),
            warnings,
            interrupted: false,
        }
    }

    /// Lines of the status audit.
    pub fn status_audit(&self) -> u64 {
        self.rows(|target| matches!(target, RetentionTarget::StatusAudit(_)))
    }

    /// Runs and attempts.
    pub fn runs(&self) -> u64 {
        self.rows(|target| {
            matches!(
                target,
                RetentionTarget::Runs(_) | RetentionTarget::Attempts(_)
            )
        })
    }

    /// Log lines.
    pub fn logs(&self) -> u64 {
        self.rows(|target| {
            matches!(
                target,
                RetentionTarget::LogsByAge { .. } | RetentionTarget::LogsByCount { .. }
            )
        })
    }

    /// Tasks, without what went with them.
    pub fn tasks(&self) -> u64 {
        self.rows(|target| matches!(target, RetentionTarget::Tasks(_)))
    }

    fn rows(&self, of: impl Fn(&RetentionTarget) -> bool) -> u64 {
        let steps = self.steps.iter().filter(|done| of(&done.step.target));
        steps.map(|done| done.rows).sum()
    }
}
