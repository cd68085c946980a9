//! Recording how a delivery ended.

use std::sync::Arc;
use std::time::Duration;

use evertask_core::lease::RowLease;
use evertask_core::outcome::{AttemptEnd, Snooze, aggregate};
use evertask_core::schedule::Next;
use evertask_core::storage::RowChange;
use evertask_core::task::{AttemptRecord, Failure, FailureKind, Status};
use evertask_core::time::{Timestamp, later};

use super::follow_ups::Follows;
use super::progress::note_last;
use super::run::{Ended, Run};
use crate::persistence::{ChangeChain, Settled};
use crate::scheduler::WakeAt;
use crate::supervision::tell;
use crate::task::{Hook, Payload};

impl Run {
    pub(super) async fn park(&mut self, record: AttemptRecord, delay: Duration) -> Settled {
        let due = later(self.deps.clock.now(), delay);
        self.context.shelf().discard(record.number);
        let change = self.delivery.lease.park(record, delay, due);
        let settled = self.settle_outcome(change).await;
        self.wake_at(Some(due));
        settled
    }

    /// Lets go of the task until its handler wants to be called again.
    pub(super) async fn snooze(&mut self, record: AttemptRecord, snooze: Snooze) -> Settled {
        let due = later(self.deps.clock.now(), snooze.delay);
        self.context.shelf().discard(record.number);
        let change = self.delivery.lease.snooze(record, snooze.reason, due);
        let settled = self.settle_outcome(change).await;
        self.wake_at(Some(due));
        settled
    }

    /// Has the row looked for once it is due again.
    pub(super) fn wake_at(&self, due: Option<Timestamp>) {
        if let Some(at) = due {
            let gate = Arc::clone(&self.delivery.gate);
            tell(&self.deps.scheduler, WakeAt { gate, at });
        }
    }

    /// Has the next occurrence looked for when it may begin.
    fn wake_for(&self, next: Next) {
        if next.at.is_some() {
            self.wake_at(self.delivery.lease.state().available_at);
        }
    }

    pub(super) async fn complete(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let now = self.deps.clock.now();
        let next = self.delivery.next_run(false, now);
        let result = match &ended.end {
            AttemptEnd::Succeeded(result) => result.clone(),
            AttemptEnd::Failed(..)
            | AttemptEnd::Snoozed(_)
            | AttemptEnd::Cancelled
            | AttemptEnd::Stopped => None,
        };
        let follow_ups = self.decide(&ended, Follows::Success);
        let before = self.delivery.lease.clone();
        let record = ended.record.clone();
        let lease = &mut self.delivery.lease;
        let mut change = lease.complete_with(result, record, next, now);
        change.follow_ups = follow_ups.rows();
        let settled = self.settle_outcome(change).await;
        follow_ups.settle(&settled).await;
        if let Settled::Unfollowed(reason) = settled {
            self.delivery.lease = before;
            let what = format!("the storage refused what follows this task: {reason}");
            let failure = Failure::new(FailureKind::Permanent, what);
            return self.fail(ended.into_failed(failure), payload).await;
        }
        self.wake_for(next);
        if matches!(settled, Settled::Applied) {
            self.call(Hook::Completed, payload, ended.context).await;
        }
        settled
    }

    pub(super) async fn fail(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let last = ended.record.failure.clone();
        let last = last.unwrap_or_else(|| Failure::new(FailureKind::Other, "unknown failure"));
        self.failures.push(last.clone());
        let now = self.deps.clock.now();
        let all = aggregate(ended.record.number, &self.failures, &last);
        let next = self.delivery.next_run(true, now);
        self.name_what_follows_failure(&ended, &last, payload);
        let mut follow_ups = self.decide(&ended, Follows::Failure);
        let settled = loop {
            let before = self.delivery.lease.clone();
            let (all, record) = (all.clone(), ended.record.clone());
            let mut change = self.delivery.lease.fail(all, record, next, now);
            change.follow_ups = follow_ups.rows();
            let settled = self.settle_outcome(change).await;
            std::mem::take(&mut follow_ups).settle(&settled).await;
            let Settled::Unfollowed(reason) = &settled else {
                break settled;
            };
            tracing::error!(%reason, "the storage refused what follows a failed task");
            self.delivery.lease = before;
        };
        self.wake_for(next);
        if matches!(settled, Settled::Applied) {
            self.call(Hook::Error(last), payload, ended.context).await;
        }
        settled
    }

    pub(super) async fn cancelled(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let failure = ended.record.failure.clone();
        self.context.shelf().discard(ended.record.number);
        let settled = self.record_cancel(Some(ended.record)).await;
        if let Some(failure) = failure {
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        settled
    }

    pub(super) async fn stop(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let failure = ended.record.failure.clone();
        self.context.shelf().discard(ended.record.number);
        let now = self.deps.clock.now();
        let change = self.delivery.lease.stop(Some(ended.record), now);
        let settled = self.settle_outcome(change).await;
        if let (Settled::Applied, Some(failure)) = (&settled, failure) {
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        settled
    }

    /// Commits the outcome of an attempt; if the task was cancelled between the end of its body and
    /// this commit, the cancel stands and the attempt is kept beside it.
    async fn settle_outcome(&mut self, change: RowChange) -> Settled {
        let attempts = change.attempts.clone();
        let settled = self.settle(change).await;
        let cancelled = self.delivery.registration.cancelled().is_cancelled();
        if let (Settled::Superseded, true) = (&settled, cancelled) {
            for attempt in attempts {
                self.record_cancel(Some(attempt)).await;
            }
        }
        settled
    }

    /// Makes sure that the row says `Cancelled`, and keeps the attempt.
    ///
    /// Whoever cancelled the task has posted the same before; this covers the case that theirs was lost. A
    /// row that has moved on is left alone: another process may have retried it without knowing of this
    /// delivery, and its new life is not what was cancelled.
    pub(super) async fn record_cancel(&mut self, attempt: Option<AttemptRecord>) -> Settled {
        let registration = &self.delivery.registration;
        let by = registration.cancellation().unwrap_or_default();
        let now = self.deps.clock.now();
        let lease = &mut self.delivery.lease;
        let cancel = lease.cancel(by.actor, by.reason, now);
        match (self.settle(cancel).await, attempt) {
            (Settled::Applied, None) => Settled::Applied,
            (Settled::Applied | Settled::Superseded, attempt) => {
                self.note_in_cancelled(attempt).await
            }
            (settled @ (Settled::Abandoned | Settled::Unfollowed(_)), _) => settled,
        }
    }

    /// Keeps the attempt beside the cancel, whoever has stored that.
    async fn note_in_cancelled(&self, attempt: Option<AttemptRecord>) -> Settled {
        let id = self.delivery.lease.id();
        let record = match self.deps.storage.task(id).await {
            Ok(Some(record)) if record.state.status == Status::Cancelled => record,
            Ok(_) => return Settled::Superseded,
            Err(error) => {
                tracing::warn!(%error, %id, "the attempt of a cancelled task is not recorded");
                return Settled::Applied;
            }
        };
        let Some(attempt) = attempt else {
            return Settled::Applied;
        };
        let mut lease = RowLease::new(&record);
        note_last(&self.context.progress(), &mut lease);
        let mut chain = ChangeChain::default();
        self.settle_in(&mut chain, lease.note(attempt)).await
    }
}
