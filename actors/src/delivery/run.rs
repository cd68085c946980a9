//! The steps of a delivery, from the start of its handler to its recorded outcome.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use evertask_core::outcome::{
    AttemptEnd, NextStep, StopCause, after_failures, bound_snoozes, classify, expired, next_step,
};
use evertask_core::storage::RowChange;
use evertask_core::task::{
    AttemptId, AttemptOutcome, AttemptRecord, DeliveryId, Failure, FailureKind, Status, WaitReason,
};
use futures::future::OptionFuture;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::attempt::Attempt;
use super::progress::{Reporting, note_last};
use super::recall::failures_of_run;
use super::run_deps::RunDeps;
use super::solo::SoloTurn;
use super::trip::{Delivery, Input};
use crate::log::DeliveryLog;
use crate::persistence::{ChangeChain, Posted, Settled};
use crate::pool::SweepOrphans;
use crate::queue::{Gate, Slot};
use crate::supervision::tell;
use crate::task::{DeliveryContext, Hook, Payload, TaskContext};

/// Runs a delivery to its end; what it holds is given back on every path, a panic included.
pub(crate) async fn run(
    delivery: Delivery,
    turn: Option<SoloTurn>,
    slot: Slot,
    deps: Arc<RunDeps>,
) {
    let mut sweep = SweepUnlessSettled {
        gate: Arc::clone(&delivery.gate),
        settled: false,
    };
    let settled = Run::new(delivery, turn, deps).live().await;
    // The run and with it the registration and the place are gone here, the slot goes last.
    sweep.settled = matches!(settled, Settled::Applied);
    drop(sweep);
    drop(slot);
}

/// Has the pool look for the row of a delivery that ended without saying what became of it.
struct SweepUnlessSettled {
    gate: Arc<Gate>,
    settled: bool,
}

impl Drop for SweepUnlessSettled {
    fn drop(&mut self) {
        if !self.settled {
            tell(&self.gate.pool, SweepOrphans);
        }
    }
}

pub(super) struct Run {
    pub(super) chain: ChangeChain,
    pub(super) deps: Arc<RunDeps>,
    pub(super) context: Arc<DeliveryContext>,
    pub(super) turn: Option<SoloTurn>,
    pub(super) failures: Vec<Failure>,
    pub(super) delivery: Delivery,
}

/// An attempt that has ended.
pub(super) struct Ended {
    pub(super) end: AttemptEnd,
    pub(super) record: AttemptRecord,
    pub(super) context: TaskContext,
}

impl Run {
    fn new(delivery: Delivery, turn: Option<SoloTurn>, deps: Arc<RunDeps>) -> Self {
        let id = delivery.lease.id();
        let options = delivery.task.options.logs.as_ref().unwrap_or(&deps.logs);
        let new_id = || DeliveryId(deps.ids.next(deps.clock.now()));
        let run = delivery.lease.state().run_count.saturating_add(1);
        let log = DeliveryLog::new(options, id, run, new_id, &deps.clock);
        let (name, handlers) = (delivery.task.name, &deps.handlers);
        let context = DeliveryContext::new(id, name, &deps.client, handlers, log, &deps.data);
        Self {
            chain: ChangeChain::default(),
            context: Arc::new(context),
            turn,
            failures: Vec::new(),
            deps,
            delivery,
        }
    }

    /// Comes to an outcome, and writes what is logged meanwhile and by the hook after it.
    async fn live(self) -> Settled {
        let Some(log) = self.context.log().cloned() else {
            return self.execute().await.0;
        };
        let persistence = self.deps.persistence.clone();
        let writing = log.write_while_running(&persistence);
        // What the run holds is given back after its last line is written.
        let (settled, _run) = tokio::select! {
            biased;
            ended = self.execute() => ended,
            never = writing => match never {},
        };
        log.finish(&persistence).await;
        settled
    }

    async fn execute(mut self) -> (Settled, Self) {
        let settled = self.steps().await;
        (settled, self)
    }

    async fn steps(&mut self) -> Settled {
        if self.delivery.registration.cancelled().is_cancelled() {
            return self.record_cancel(None).await;
        }
        let start_by = self.delivery.lease.state().start_by;
        if let Some(failure) = expired(start_by, self.deps.clock.now()) {
            return self.expire(failure).await;
        }
        let payload = match self.decode() {
            Ok(payload) => payload,
            Err(failure) => return self.give_up_decoding(failure).await,
        };
        if !self.delivery.registration.begin() {
            return self.record_cancel(None).await;
        }
        let resumes = self.delivery.lease.state().status == Status::InProgress;
        let parked = self.delivery.lease.state().failure.clone();
        if let Some(settled) = self.start(resumes).await {
            return settled;
        }
        if self.delivery.lease.state().attempts > 0 {
            self.chain.send_held(&self.deps.persistence);
            self.recall_failures(parked).await;
        }
        if !resumes {
            let mut chain = std::mem::take(&mut self.chain);
            let hook = self.hook(Hook::Started, &payload, self.number());
            chain
                .send_held_unless_over(&self.deps.persistence, hook)
                .await;
            self.chain = chain;
        }
        self.attempt_until_done(payload).await
    }

    async fn attempt_until_done(&mut self, payload: Payload) -> Settled {
        loop {
            if let Some(delay) = self.delivery.lease.state().retry_delay {
                let last = self.failures.last().cloned();
                let failure = last.unwrap_or_else(forgotten);
                self.hook(Hook::Retry(failure, delay), &payload, self.number())
                    .await;
            }
            let mut ended = self.attempt(&payload).await;
            self.name_what_follows(&mut ended, &payload);
            let (retries, randomness) = (&self.delivery.retries, &*self.deps.randomness);
            match next_step(&ended.end, ended.record.number, retries, randomness) {
                NextStep::RetryInSlot(delay) => {
                    if let Err(settled) = self.wait_in_slot(ended, delay, &payload).await {
                        return settled;
                    }
                }
                NextStep::Park(delay) => return self.park(ended.record, delay).await,
                NextStep::Snooze(snooze) => return self.snooze(ended.record, snooze).await,
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
            Input::Stored { version, json } => {
                let handler = &self.delivery.task.handler;
                let decode = AssertUnwindSafe(|| handler.decode(*version, json));
                let decoded = std::panic::catch_unwind(decode);
                let failure = |text: String| Failure::new(FailureKind::Undecodable, text);
                let payload = decoded
                    .map_err(|panic| failure(crate::supervision::panic_text(&*panic)))?
                    .map_err(|error| failure(error.to_string()))?;
                self.delivery.input = Input::Live(Arc::clone(&payload));
                Ok(payload)
            }
        }
    }

    /// Records that the task came too late: its handler is never entered, and no hook is called.
    async fn expire(&mut self, failure: Failure) -> Settled {
        let (id, task) = (self.delivery.lease.id(), self.delivery.task.name);
        tracing::warn!(%id, task, "a task has expired: {}", failure.text);
        let change = self.delivery.lease.poison(failure, self.deps.clock.now());
        self.settle(change).await
    }

    /// Records that a payload can't be decoded: it waits for another start, a bounded number of
    /// times.
    async fn give_up_decoding(&mut self, failure: Failure) -> Settled {
        // The failure may quote the payload, which no log is shown.
        let (id, task) = (self.delivery.lease.id(), self.delivery.task.name);
        tracing::warn!(%id, task, "a stored payload can't be decoded");
        let now = self.deps.clock.now();
        let lease = &mut self.delivery.lease;
        let change = if lease.state().recovery_failures + 1 >= self.deps.decode_failures {
            lease.give_up_decoding(failure, now)
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
            self.chain.hold(change);
            return None;
        }
        match self.settle(change).await {
            Settled::Applied => None,
            refused @ (Settled::Superseded | Settled::Abandoned | Settled::Unfollowed(_)) => {
                Some(refused)
            }
        }
    }

    /// A task that was attempted in another delivery knows its failures from the storage: those of
    /// this run, as far as the audit level keeps attempts, and in any case the one it `parked` with.
    async fn recall_failures(&mut self, parked: Option<Failure>) {
        let (id, attempts) = (
            self.delivery.lease.id(),
            self.delivery.lease.state().attempts,
        );
        match failures_of_run(self.deps.storage.queries(), id, attempts).await {
            Ok(failures) => self.failures = failures,
            Err(error) => tracing::warn!(%error, "earlier failures can't be read"),
        }
        if self.failures.is_empty() {
            self.failures.extend(parked);
        }
    }

    /// The number of the attempt that is next or running.
    pub(super) fn number(&self) -> u32 {
        self.delivery.lease.state().attempts.saturating_add(1)
    }

    async fn attempt(&mut self, payload: &Payload) -> Ended {
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

    /// Stores that an attempt failed and waits out the delay; an error says that the delivery ended.
    async fn wait_in_slot(
        &mut self,
        ended: Ended,
        delay: Duration,
        payload: &Payload,
    ) -> Result<(), Settled> {
        self.failures.extend(ended.record.failure.clone());
        self.context.shelf().discard(ended.record.number);
        let change = self.delivery.lease.retry_in_slot(ended.record, delay);
        let stored = self.chain.post(&self.deps.persistence, change);
        if self.turn.is_some() {
            pass_on(self.turn.take(), stored).await;
        }
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
            let attempts = self.delivery.lease.state().attempts;
            let failure = after_failures(kind, what, attempts, &self.failures);
            self.call(Hook::Error(failure), payload, ended.context)
                .await;
        }
        Err(settled)
    }

    /// Says which attempt the next lines belong to.
    pub(super) fn begin_attempt(&self, number: u32) {
        if let Some(log) = self.context.log() {
            log.begin_attempt(number);
        }
    }

    /// Commits a change together with the lines that were logged so far.
    pub(super) async fn settle(&mut self, change: RowChange) -> Settled {
        let mut chain = std::mem::take(&mut self.chain);
        let settled = self.settle_in(&mut chain, change).await;
        self.chain = chain;
        settled
    }

    pub(super) async fn settle_in(&self, chain: &mut ChangeChain, change: RowChange) -> Settled {
        let persistence = &self.deps.persistence;
        let Some(log) = self.context.log() else {
            return chain.settle(persistence, change).await;
        };
        let logs = log.rest();
        let last = logs.lines.last().map(|line| line.sequence);
        chain.attach(logs);
        let settled = chain.settle(persistence, change).await;
        // An outcome that is refused for its follow-ups is followed by another one, with the lines.
        if let (Some(last), false) = (last, matches!(settled, Settled::Unfollowed(_))) {
            log.written(last);
        }
        settled
    }
}

/// Gives the turn to run alone to the next one, once it is stored that this one is off probation:
/// of two rows that say they are on probation, a crash would count against both.
async fn pass_on(turn: Option<SoloTurn>, stored: Posted) {
    // A lost answer changes nothing: the chain sends the change again with the outcome.
    stored.await.ok();
    drop(turn);
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

/// What stands for the failure before a retry that a crash interrupted, if the audit level keeps none.
fn forgotten() -> Failure {
    Failure::new(
        FailureKind::Other,
        "the failure of the attempt before was not kept",
    )
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
