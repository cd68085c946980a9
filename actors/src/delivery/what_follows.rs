//! Asking a handler what follows its task, and deciding which of that an outcome stores.

use std::panic::{AssertUnwindSafe, catch_unwind};

use evertask_core::outcome::AttemptEnd;
use evertask_core::retry::Advice;
use evertask_core::task::{AttemptOutcome, Failure, FailureKind};

use super::follow_ups::{FollowUps, Follows};
use super::run::{Ended, Run};
use crate::supervision::panic_text;
use crate::task::{Payload, TaskError, TaskOutcome};

impl Run {
    /// Names what follows an attempt that succeeded. If that can't be said, the attempt has failed: to
    /// store the success alone would break the chain.
    pub(super) fn name_what_follows(&self, ended: &mut Ended, payload: &Payload) {
        if !matches!(ended.end, AttemptEnd::Succeeded(_)) {
            return;
        }
        if let Err(failure) = self.name(Follows::Success, TaskOutcome::Completed, ended, payload) {
            ended.turn_into_failed(failure);
        }
    }

    /// Names what follows a task that failed. Its failure is stored whatever comes of that.
    pub(super) fn name_what_follows_failure(
        &self,
        ended: &Ended,
        failure: &Failure,
        payload: &Payload,
    ) {
        let outcome = TaskOutcome::Failed(failure);
        if let Err(failure) = self.name(Follows::Failure, outcome, ended, payload) {
            tracing::error!(error = %failure, "what follows a failed task can't be said");
        }
    }

    /// Takes what was named for that outcome.
    pub(super) fn decide(&self, ended: &Ended, outcome: Follows) -> FollowUps {
        let admission = self.deps.client.admission();
        let named = self.context.shelf();
        named.decide(admission, ended.record.number, outcome)
    }

    fn name(
        &self,
        follows: Follows,
        outcome: TaskOutcome<'_>,
        ended: &Ended,
        payload: &Payload,
    ) -> Result<(), Failure> {
        let handler = &self.delivery.task.handler;
        let _entered = self.context.span().enter();
        let ask = AssertUnwindSafe(|| handler.follow_ups(payload, &ended.context, outcome));
        let named = catch_unwind(ask).map_err(|panic| {
            let what = format!("`follow_ups` panicked: {}", panic_text(&*panic));
            Failure::new(FailureKind::Panicked, what)
        })?;
        for dispatch in named.map_err(TaskError::into_failure)? {
            let named = ended.context.follow_up(follows, dispatch);
            named.map_err(|error| Failure::new(FailureKind::Permanent, error.to_string()))?;
        }
        Ok(())
    }
}

impl Ended {
    /// The same attempt, which has failed after all.
    pub(super) fn into_failed(mut self, failure: Failure) -> Self {
        self.turn_into_failed(failure);
        self
    }

    fn turn_into_failed(&mut self, failure: Failure) {
        self.record.outcome = AttemptOutcome::Failed;
        self.record.failure = Some(failure.clone());
        self.end = AttemptEnd::Failed(failure, Advice::default());
    }
}
