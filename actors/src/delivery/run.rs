//! The steps of a delivery, from the start of its handler to its recorded outcome.

use std::sync::Arc;

use evertask_core::outcome::{AttemptEnd, NextStep, expired, next_step};
use evertask_core::storage::RowChange;
use evertask_core::task::{AttemptRecord, DeliveryId, Failure, FailureKind, Status};

use super::run_deps::RunDeps;
use super::solo::SoloTurn;
use super::trip::{Budget, Delivery};
use crate::log::DeliveryLog;
use crate::persistence::{ChangeChain, Settled};
use crate::pool::SweepOrphans;
use crate::queue::{Gate, Slot};
use crate::supervision::tell;
use crate::task::{DeliveryContext, Hook, Payload, TaskContext};
use crate::throttle::Booking;

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
    let (settled, run) = Run::new(delivery, turn, deps).live().await;
    let settled = run.leave(settled).await;
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
    /// The slot that its next attempt waits for.
    pub(super) deferred: Option<Booking>,
    pub(super) delivery: Delivery,
}

/// An attempt that has ended.
pub(super) struct Ended {
    pub(super) end: AttemptEnd,
    pub(super) record: AttemptRecord,
    pub(super) context: TaskContext,
}

impl Run {
    fn new(mut delivery: Delivery, turn: Option<SoloTurn>, deps: Arc<RunDeps>) -> Self {
        let id = delivery.lease.id();
        let options = delivery.task.options.logs.as_ref().unwrap_or(&deps.logs);
        let new_id = || DeliveryId(deps.ids.next(deps.clock.now()));
        let run = delivery.lease.state().run_count.saturating_add(1);
        let log = DeliveryLog::new(options, id, run, new_id, &deps.clock);
        let (name, handlers) = (delivery.task.name, &deps.handlers);
        let occurrence = delivery.series_run();
        let context = DeliveryContext::new(
            id,
            name,
            occurrence,
            &deps.client,
            handlers,
            log,
            &deps.data,
        );
        let context = context.limited(&delivery.gate, delivery.counted.key.clone());
        Self {
            chain: ChangeChain::default(),
            context: Arc::new(context),
            turn,
            failures: std::mem::take(&mut delivery.failures),
            deferred: None,
            deps,
            delivery,
        }
    }

    /// Comes to an outcome, and writes what is logged meanwhile and by the hook after it.
    async fn live(self) -> (Settled, Self) {
        let Some(log) = self.context.log().cloned() else {
            return self.execute().await;
        };
        let persistence = self.deps.persistence.clone();
        let writing = log.write_while_running(&persistence);
        // What the run holds is given back after its last line is written.
        let ended = tokio::select! {
            biased;
            ended = self.execute() => ended,
            never = writing => match never {},
        };
        log.finish(&persistence).await;
        ended
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
        if let Budget::Refused(refusal) = std::mem::take(&mut self.delivery.budget) {
            return self.refuse(&refusal, None).await;
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
        if self.delivery.is_retry() && self.failures.is_empty() {
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
                    let stored = match self.wait_in_slot(ended, delay, &payload).await {
                        Ok(stored) => stored,
                        Err(settled) => return settled,
                    };
                    if let Some(settled) = self.throttle_retry(stored, &payload).await {
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

    /// The number of the attempt that is next or running.
    pub(super) fn number(&self) -> u32 {
        self.delivery.lease.state().attempts.saturating_add(1)
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

/// What stands for the failure before a retry that a crash interrupted, if the audit level keeps none.
fn forgotten() -> Failure {
    Failure::new(
        FailureKind::Other,
        "the failure of the attempt before was not kept",
    )
}
