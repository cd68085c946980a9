//! One attempt after the other, for as long as they stay in their slot.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use evertask_core::outcome::{AttemptEnd, StopCause, after_failures, bound_snoozes, classify};
use evertask_core::storage::{Answer, ChangeAnswer};
use evertask_core::task::{AttemptId, AttemptOutcome, AttemptRecord, Failure, FailureKind};
use futures::future::{BoxFuture, OptionFuture, ready};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::progress::{Reporting, note_last};
use super::run::{Ended, Run};
use super::solo::SoloTurn;
use crate::persistence::{Posted, Settled};
use crate::task::{Hook, Payload, TaskContext};

impl Run {
    pub(super) async fn attempt(&mut self, payload: &Payload) -> Ended {
        let deps = Arc::clone(&self.deps);
        let number = self.number();
        let told = CancellationToken::new();
        let context = TaskContext::new(&self.context, number, told.clone());
        self.begin_attempt(number);
        let started_at = deps.clock.now();
        let begun = deps.clock.elapsed();
        let held = Arc::clone(&deps.storage);
        let body = self.delivery.task.handler.spawn(
            &deps.handlers,
            payload,
            context.clone(),
            deps.max_result,
            held,
        );
        let attempt = Attempt {
            id: self.delivery.lease.id(),
            task: self.delivery.task.name,
            clock: &*deps.clock,
            signals: &deps.signals,
            cancelled: self.delivery.registration.cancelled(),
            told: &told,
            timeout: self.delivery.timeout,
            abort_after: deps.abort_after,
            filter: &self.delivery.task.options.filter,
        };
        let said = self.context.progress();
        let mut running = pin!(attempt.run(body));
        let is_alone = self.turn.is_some();
        let over = unless_over(&mut running, async {
            if is_alone {
                deps.clock.sleep(deps.probation).await;
            } else {
                yield_now().await;
            }
        });
        let (body, fired) = if let Some(over) = over.await {
            over
        } else {
            let passed_on = if is_alone {
                let change = self.delivery.lease.outlive_probation();
                let stored = self.chain.post(&deps.persistence, change);
                Some(pass_on(self.turn.take(), stored))
            } else {
                self.chain.send_held(&deps.persistence);
                None
            };
            let reporting = Reporting {
                said: said.clone(),
                lease: &mut self.delivery.lease,
                chain: &mut self.chain,
                persistence: &deps.persistence,
                clock: &*deps.clock,
            };
            let passed_on = OptionFuture::from(passed_on);
            tokio::join!(reporting.until_over(running), passed_on).0
        };
        note_last(&said, &mut self.delivery.lease);
        let cancelled = self.delivery.registration.cancelled().is_cancelled();
        let snoozes = self.delivery.lease.state().snoozes;
        let end = bound_snoozes(classify(body, fired, cancelled), snoozes, deps.max_snoozes);
        let (outcome, failure) = recorded(&end, fired);
        let record = AttemptRecord {
            id: AttemptId(deps.ids.next(started_at)),
            number,
            process: deps.process,
            started_at,
            waited: (started_at - self.delivery.due_at)
                .to_std()
                .unwrap_or_default(),
            ran: deps.clock.elapsed().saturating_sub(begun),
            outcome,
            failure,
            is_counted: false,
        };
        Ended {
            end,
            record,
            context,
        }
    }

    /// Stores that an attempt failed and waits out the delay; answers what tells whether that is
    /// stored. An error says that the delivery ended.
    pub(super) async fn wait_in_slot(
        &mut self,
        ended: Ended,
        delay: Duration,
        payload: &Payload,
    ) -> Result<BoxFuture<'static, bool>, Settled> {
        self.failures.extend(ended.record.failure.clone());
        self.context.shelf().discard(ended.record.number);
        let change = self.delivery.lease.retry_in_slot(ended.record, delay);
        let stored = self.chain.post(&self.deps.persistence, change);
        let mut stored: BoxFuture<'static, bool> = Box::pin(is_applied(stored));
        if let Some(turn) = self.turn.take() {
            // Of two rows that say they are on probation, a crash would count against both.
            let is_stored = stored.await;
            drop(turn);
            stored = Box::pin(ready(is_stored));
        }
        let cancelled = self.delivery.registration.cancelled().clone();
        let (settled, kind, what) = tokio::select! {
            () = self.deps.clock.sleep(delay) => return Ok(stored),
            () = cancelled.cancelled() => {
                let settled = self.record_cancel(None).await;
                (settled, FailureKind::Cancelled, "the task was cancelled between two attempts")
            }
            () = self.deps.signals.stop.cancelled() => {
                let change = self.delivery.lease.stop(None, self.deps.clock.now());
                let settled = self.settle(change).await;
                (settled, FailureKind::Stopped, "the runtime was stopped between two attempts")
            }
        };
        if matches!(settled, Settled::Applied) {
            let attempts = self.delivery.lease.state().attempts;
            let failure = after_failures(kind, what, attempts, &self.failures);
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        Err(settled)
    }
}

/// Gives the turn to run alone to the next one, once it is stored that this one is off probation:
/// of two rows that say they are on probation, a crash would count against both.
async fn pass_on(turn: Option<SoloTurn>, stored: Posted) {
    // A lost answer changes nothing: the chain sends the change again with the outcome.
    stored.await.ok();
    drop(turn);
}

/// Whether what was posted is stored as it was meant.
async fn is_applied(posted: Posted) -> bool {
    let applied = |answer: &Answer| {
        let Answer::Change(answer) = answer else {
            return false;
        };
        matches!(
            answer,
            ChangeAnswer::Applied | ChangeAnswer::AppliedWithout(_)
        )
    };
    match posted.await {
        Ok(Ok(answers)) => answers.iter().all(applied),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Lets a body go on until `signal` comes; answers what it came to if it was over before.
async fn unless_over<B: Future>(
    body: &mut Pin<&mut B>,
    signal: impl Future<Output = ()>,
) -> Option<B::Output> {
    tokio::select! {
        biased;
        over = body => Some(over),
        () = signal => None,
    }
}

/// What the record of an attempt says of its end.
fn recorded(end: &AttemptEnd, fired: Option<StopCause>) -> (AttemptOutcome, Option<Failure>) {
    let failure = |kind, text: &str| Some(Failure::new(kind, text));
    match end {
        AttemptEnd::Succeeded(_) => (AttemptOutcome::Succeeded, None),
        AttemptEnd::Failed(failure, _) => (AttemptOutcome::Failed, Some(failure.clone())),
        AttemptEnd::Snoozed(_) => (AttemptOutcome::Snoozed, None),
        AttemptEnd::Cancelled => {
            let text = if fired.is_some() {
                "the task was cancelled"
            } else {
                "the task was cancelled while its handler came to its end"
            };
            (
                AttemptOutcome::Cancelled,
                failure(FailureKind::Cancelled, text),
            )
        }
        AttemptEnd::Stopped => (
            AttemptOutcome::Stopped,
            failure(FailureKind::Stopped, "the runtime was stopped"),
        ),
    }
}
