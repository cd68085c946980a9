//! The steps of a delivery, from the start of its handler to its recorded outcome.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::outcome::{
    AttemptEnd, NextStep, StopCause, after_failures, aggregate, classify, next_step,
};
use evertask_core::storage::{CancelTask, RowChange, Write};
use evertask_core::task::{
    AttemptId, AttemptOutcome, AttemptRecord, Failure, FailureKind, Status, WaitReason,
};
use evertask_core::time::Timestamp;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::run_deps::RunDeps;
use super::solo::SoloTurn;
use super::trip::{Delivery, Input};
use crate::persistence::{ChangeChain, Patience, Settled};
use crate::pool::SweepOrphans;
use crate::queue::Slot;
use crate::scheduler::WakeAt;
use crate::supervision::tell;
use crate::task::{DeliveryContext, Hook, Payload, TaskContext};

/// Runs a delivery to its end; what it holds is given back on every path, a panic included.
pub(crate) async fn run(
    delivery: Delivery,
    turn: Option<SoloTurn>,
    slot: Slot,
    deps: Arc<RunDeps>,
) {
    let gate = Arc::clone(&delivery.gate);
    let settled = Run::new(delivery, turn, deps).execute().await;
    // The run and with it the registration and the place are gone here, the slot goes last.
    if !matches!(settled, Settled::Applied) {
        tell(&gate.pool, SweepOrphans);
    }
    drop(slot);
}

struct Run {
    chain: ChangeChain,
    deps: Arc<RunDeps>,
    context: Arc<DeliveryContext>,
    turn: Option<SoloTurn>,
    failures: Vec<Failure>,
    delivery: Delivery,
}

/// An attempt that has ended.
struct Ended {
    end: AttemptEnd,
    record: AttemptRecord,
    context: TaskContext,
}

impl Run {
    fn new(delivery: Delivery, turn: Option<SoloTurn>, deps: Arc<RunDeps>) -> Self {
        let id = delivery.lease.id();
        let context = DeliveryContext::new(id, delivery.task.name, &deps.client, &deps.handlers);
        Self {
            chain: ChangeChain::default(),
            context: Arc::new(context),
            turn,
            failures: Vec::new(),
            deps,
            delivery,
        }
    }

    async fn execute(mut self) -> Settled {
        if self.delivery.registration.cancelled().is_cancelled() {
            return self.record_cancel(None).await;
        }
        let payload = match self.decode() {
            Ok(payload) => payload,
            Err(failure) => return self.give_up_decoding(failure).await,
        };
        if !self.delivery.registration.begin() {
            return self.record_cancel(None).await;
        }
        let resumes = self.delivery.lease.state().status == Status::InProgress;
        if let Some(settled) = self.start(resumes).await {
            return settled;
        }
        if self.delivery.lease.state().attempts > 0 {
            self.recall_failures().await;
        }
        if !resumes {
            self.hook(Hook::Started, &payload, self.number()).await;
        }
        self.attempt_until_done(payload, resumes).await
    }

    async fn attempt_until_done(&mut self, payload: Payload, resumes: bool) -> Settled {
        let mut waited = if resumes { self.parked_delay() } else { None };
        loop {
            if let (Some(delay), Some(failure)) = (waited.take(), self.failures.last().cloned()) {
                self.hook(Hook::Retry(failure, delay), &payload, self.number())
                    .await;
            }
            let ended = self.attempt(&payload).await;
            match next_step(&ended.end, ended.record.number, &self.delivery.retry) {
                NextStep::RetryInSlot(delay) => {
                    match self.wait_in_slot(ended, delay, &payload).await {
                        Ok(()) => waited = Some(delay),
                        Err(settled) => return settled,
                    }
                }
                NextStep::Park(delay) => return self.park(ended.record, delay).await,
                NextStep::Complete => return self.complete(ended, &payload).await,
                NextStep::Fail => return self.fail(ended, &payload).await,
                NextStep::Cancel => return self.cancelled(ended, &payload).await,
                NextStep::Stop => return self.stop(ended, &payload).await,
            }
        }
    }

    fn decode(&mut self) -> Result<Payload, Failure> {
        match &self.delivery.input {
            Input::Live(payload) => Ok(Arc::clone(payload)),
            Input::Stored(json) => {
                let handler = &self.delivery.task.handler;
                let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| handler.decode(json)));
                let failure = |text: String| Failure::new(FailureKind::Undecodable, text);
                let payload = decoded
                    .map_err(|panic| failure(crate::supervision::panic_text(&*panic)))?
                    .map_err(|error| failure(format!("the payload can't be decoded: {error}")))?;
                self.delivery.input = Input::Live(Arc::clone(&payload));
                Ok(payload)
            }
        }
    }

    /// Records that a payload can't be decoded: it waits for another start, a bounded number of
    /// times.
    async fn give_up_decoding(&mut self, failure: Failure) -> Settled {
        let now = self.deps.clock.now();
        let lease = &mut self.delivery.lease;
        let change = if lease.state().recovery_failures + 1 >= self.deps.decode_failures {
            lease.fail(failure, None, now)
        } else {
            lease.wait(self.deps.process, WaitReason::Undecodable, failure, now)
        };
        self.settle(change).await
    }

    /// Records that the handler is about to be entered; answers only if it must not be.
    ///
    /// The commit is awaited only if a crash interrupted the task: should it be what kills the
    /// process, the row has to say that it was running.
    async fn start(&mut self, resumes: bool) -> Option<Settled> {
        let now = self.deps.clock.now();
        let alone = self.delivery.interrupted;
        let mut change = self.delivery.lease.start(self.deps.process, alone, now);
        if resumes {
            change.audit.clear();
        }
        if !alone {
            // Not awaited: the outcome follows in the same chain and brings the answer.
            drop(self.chain.post(&self.deps.persistence, change));
            return None;
        }
        match self.settle(change).await {
            Settled::Applied => None,
            refused @ (Settled::Superseded | Settled::Abandoned) => Some(refused),
        }
    }

    /// A task that was attempted in another delivery knows its failures from the storage.
    async fn recall_failures(&mut self) {
        match self.deps.storage.attempts(self.delivery.lease.id()).await {
            Ok(attempts) => {
                let failed = attempts.into_iter();
                let failed = failed.filter(|attempt| attempt.outcome == AttemptOutcome::Failed);
                self.failures = failed.filter_map(|attempt| attempt.failure).collect();
            }
            Err(error) => tracing::warn!(%error, "earlier failures can't be read"),
        }
    }

    fn parked_delay(&self) -> Option<Duration> {
        let last = self.failures.last()?;
        let failed = self.delivery.lease.state().attempts;
        self.delivery.retry.delay_after(failed, last.kind)
    }

    /// The number of the attempt that is next or running.
    fn number(&self) -> u32 {
        self.delivery.lease.state().attempts.saturating_add(1)
    }

    async fn attempt(&mut self, payload: &Payload) -> Ended {
        let deps = Arc::clone(&self.deps);
        let number = self.number();
        let told = CancellationToken::new();
        let context = TaskContext::new(&self.context, number, told.clone());
        let started_at = deps.clock.now();
        let begun = deps.clock.elapsed();
        let body = self
            .delivery
            .task
            .handler
            .spawn(&deps.handlers, payload, context.clone());
        let attempt = Attempt {
            id: self.delivery.lease.id(),
            task: self.delivery.task.name,
            clock: &*deps.clock,
            signals: &deps.signals,
            cancelled: self.delivery.registration.cancelled(),
            told: &told,
            timeout: self.delivery.timeout,
            abort_after: deps.abort_after,
        };
        let (body, fired) = if self.turn.is_some() {
            let running = attempt.run(body);
            tokio::pin!(running);
            tokio::select! {
                biased;
                ended = &mut running => ended,
                () = deps.clock.sleep(deps.probation) => {
                    self.turn = None;
                    let change = self.delivery.lease.outlive_probation();
                    drop(self.chain.post(&deps.persistence, change));
                    running.await
                }
            }
        } else {
            attempt.run(body).await
        };
        let cancelled = self.delivery.registration.cancelled().is_cancelled();
        let end = classify(body, fired, cancelled);
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
        };
        Ended {
            end,
            record,
            context,
        }
    }

    /// Stores that an attempt failed and waits out the delay; an error says that the delivery ended.
    async fn wait_in_slot(
        &mut self,
        ended: Ended,
        delay: Duration,
        payload: &Payload,
    ) -> Result<(), Settled> {
        self.failures.extend(ended.record.failure.clone());
        self.turn = None;
        let change = self.delivery.lease.retry_in_slot(ended.record);
        drop(self.chain.post(&self.deps.persistence, change));
        let cancelled = self.delivery.registration.cancelled().clone();
        let (settled, kind, what) = tokio::select! {
            () = self.deps.clock.sleep(delay) => return Ok(()),
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
            let failure = after_failures(kind, what, &self.failures);
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        Err(settled)
    }

    async fn park(&mut self, record: AttemptRecord, delay: Duration) -> Settled {
        let due = later(self.deps.clock.now(), delay);
        let change = self.delivery.lease.park(record, due);
        let settled = self.settle_outcome(change).await;
        let gate = Arc::clone(&self.delivery.gate);
        tell(&self.deps.scheduler, WakeAt { gate, at: due });
        settled
    }

    async fn complete(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let now = self.deps.clock.now();
        let change = self.delivery.lease.complete(ended.record, now);
        let settled = self.settle_outcome(change).await;
        if matches!(settled, Settled::Applied) {
            self.call(Hook::Completed, payload, ended.context).await;
        }
        settled
    }

    async fn fail(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let last = ended.record.failure.clone();
        let last = last.unwrap_or_else(|| Failure::new(FailureKind::Other, "unknown failure"));
        self.failures.push(last.clone());
        let now = self.deps.clock.now();
        let all = aggregate(&self.failures, &last);
        let change = self.delivery.lease.fail(all, Some(ended.record), now);
        let settled = self.settle_outcome(change).await;
        if matches!(settled, Settled::Applied) {
            self.call(Hook::Error(last), payload, ended.context).await;
        }
        settled
    }

    async fn cancelled(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let failure = ended.record.failure.clone();
        let settled = self.record_cancel(Some(ended.record)).await;
        if let Some(failure) = failure {
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        settled
    }

    async fn stop(&mut self, ended: Ended, payload: &Payload) -> Settled {
        let failure = ended.record.failure.clone();
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
    /// Whoever cancelled the task has posted the same write before; this one covers the case that
    /// theirs was lost.
    async fn record_cancel(&mut self, attempt: Option<AttemptRecord>) -> Settled {
        let id = self.delivery.lease.id();
        let by = self
            .delivery
            .registration
            .cancellation()
            .unwrap_or_default();
        let cancel = Write::Cancel(CancelTask {
            id,
            at: self.deps.clock.now(),
            actor: by.actor,
            reason: by.reason,
        });
        if let Err(error) = self
            .deps
            .persistence
            .apply_one(cancel, Patience::Endless)
            .await
        {
            tracing::error!(%error, %id, "a cancel can't be stored");
            return Settled::Abandoned;
        }
        let Some(attempt) = attempt else {
            return Settled::Applied;
        };
        match self.deps.storage.task(id).await {
            Ok(Some(record)) => {
                let mut lease = evertask_core::lease::RowLease::new(&record);
                let mut chain = ChangeChain::default();
                chain
                    .settle(&self.deps.persistence, lease.note(attempt))
                    .await
            }
            Ok(None) => Settled::Superseded,
            Err(error) => {
                tracing::warn!(%error, %id, "the attempt of a cancelled task is not recorded");
                Settled::Applied
            }
        }
    }

    async fn settle(&mut self, change: RowChange) -> Settled {
        self.chain.settle(&self.deps.persistence, change).await
    }

    async fn hook(&self, hook: Hook, payload: &Payload, attempt: u32) {
        let told = self.delivery.registration.cancelled().child_token();
        let context = TaskContext::new(&self.context, attempt, told);
        self.call(hook, payload, context).await;
    }

    async fn call(&self, hook: Hook, payload: &Payload, context: TaskContext) {
        let name = hook.name();
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.delivery.task.handler.hook(hook, payload, context)
        }));
        let result = match called {
            Ok(future) => AssertUnwindSafe(future).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        let _entered = self.context.span().enter();
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(hook = name, %error, "a hook failed"),
            Err(panic) => {
                let text = crate::supervision::panic_text(&*panic);
                tracing::error!(hook = name, panic = text, "a hook panicked");
            }
        }
    }
}

/// What the record of an attempt says of its end.
fn recorded(end: &AttemptEnd, fired: Option<StopCause>) -> (AttemptOutcome, Option<Failure>) {
    let failure = |kind, text: &str| Some(Failure::new(kind, text));
    match end {
        AttemptEnd::Succeeded => (AttemptOutcome::Succeeded, None),
        AttemptEnd::Failed(failure) => (AttemptOutcome::Failed, Some(failure.clone())),
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

fn later(now: Timestamp, delay: Duration) -> Timestamp {
    chrono::TimeDelta::from_std(delay)
        .ok()
        .and_then(|delay| now.checked_add_signed(delay))
        .unwrap_or(Timestamp::MAX_UTC)
}
