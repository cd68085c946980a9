//! A rate limit refuses a task: it does not run.

use std::sync::Arc;

use evertask_core::limit::Refusal;
use evertask_core::outcome::after_failures;
use evertask_core::schedule::{Next, SeriesEnd};
use evertask_core::task::{Failure, FailureKind};

use super::run::Run;
use crate::persistence::Settled;
use crate::task::{Hook, Payload};

impl Run {
    /// Records that the task found no budget in time.
    ///
    /// A task that runs once has failed, and its handler is told. A series leaves the occurrence out: it
    /// goes on with the first one that is not before its slot, which is about one write for each time
    /// that budget comes back, however often it recurs.
    pub(super) async fn refuse(&mut self, refusal: &Refusal, payload: Option<&Payload>) -> Settled {
        let (id, task) = (self.delivery.lease.id(), self.delivery.task.name);
        tracing::warn!(%id, task, "{refusal}");
        let next = self.delivery.next_from_slot(refusal.slot);
        let is_series = next.is_some();
        let attempts = self.delivery.lease.state().attempts;
        let text = refusal.to_string();
        let failure = match attempts {
            0 => Failure::new(FailureKind::RateLimited, text),
            _ => after_failures(FailureKind::RateLimited, text, attempts, &self.failures),
        };
        let settled = self.leave_out(failure.clone(), next).await;
        if is_series || !matches!(settled, Settled::Applied) {
            return settled;
        }
        let payload = match payload {
            Some(payload) => Some(Arc::clone(payload)),
            None => self.decode().ok(),
        };
        if let Some(payload) = payload {
            self.hook(Hook::Error(failure), &payload, self.number())
                .await;
        }
        settled
    }

    /// Records that the task does not run: it has failed, or its series goes on with `next`.
    pub(super) async fn leave_out(&mut self, failure: Failure, next: Option<Next>) -> Settled {
        let now = self.deps.clock.now();
        let lease = &mut self.delivery.lease;
        let change = match (next, next.and_then(|next| next.at)) {
            (None, _) => lease.poison(failure, now),
            (Some(next), Some(at)) => lease.skip_to(at, next.missed + 1, now),
            (Some(next), None) => {
                let end = next.end.unwrap_or(SeriesEnd::NoOccurrence);
                lease.finish_series(end, next.missed + 1, now)
            }
        };
        let due = change.state.available_at;
        let settled = self.settle(change).await;
        self.wake_at(due);
        settled
    }
}
