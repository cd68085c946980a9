//! Loading stored rows: recovery, spilled tasks, due tasks and those of dead owners alike.

use actix::{Addr, AsyncContext, Context, Handler, Message};
use evertask_core::lease::RowLease;
use evertask_core::storage::{Answer, ClaimAnswer, ClaimTasks, ClaimedTask, RowChange, Write};
use evertask_core::task::{Failure, FailureKind, TaskId, WaitReason};
use tokio::sync::OwnedSemaphorePermit;

use super::actor::{Activity, SweepOrphans, WorkerPool};
use crate::delivery::{ClaimUnderWay, Delivery, Registration};
use crate::persistence::{ChangeChain, Patience, Settled, WriteError};
use crate::queue::Place;
use crate::runtime::FaultPoint;
use crate::scheduler::WakeAt;
use crate::supervision::tell;

/// What bounds a claim, and what it may bring up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimLimits {
    /// How many bytes of payload one claim loads at most.
    pub(crate) max_bytes: usize,
    /// How often in a row a task may be what died with its process.
    pub(crate) quarantine_after: u32,
}

/// What a claim brought.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Claimed {
    life: u64,
    /// Kept until the rows are registered.
    under_way: ClaimUnderWay,
    lane: Option<OwnedSemaphorePermit>,
    result: Result<ClaimAnswer, WriteError>,
}

/// Delivers the result of a claim; if it is dropped before, the claim counts as lost.
struct ClaimReply {
    pool: Addr<WorkerPool>,
    claimed: Option<Claimed>,
}

impl ClaimReply {
    fn new(pool: Addr<WorkerPool>, life: u64, under_way: ClaimUnderWay) -> Self {
        let claimed = Claimed {
            life,
            under_way,
            lane: None,
            result: Err(WriteError::Lost),
        };
        Self {
            pool,
            claimed: Some(claimed),
        }
    }

    fn keep(&mut self, lane: Option<OwnedSemaphorePermit>) {
        if let Some(claimed) = &mut self.claimed {
            claimed.lane = lane;
        }
    }

    fn deliver(mut self, result: Result<ClaimAnswer, WriteError>) {
        if let Some(claimed) = &mut self.claimed {
            claimed.result = result;
        }
    }
}

impl Drop for ClaimReply {
    fn drop(&mut self) {
        if let Some(claimed) = self.claimed.take() {
            tell(&self.pool, claimed);
        }
    }
}

impl WorkerPool {
    /// Claims stored rows if there is room and reason to.
    pub(super) fn claim(&mut self, context: &mut Context<Self>) {
        if self.activity != Activity::None || self.resting || self.is_draining() {
            return;
        }
        let Some(room) = self.deps.gate.begin_claim() else {
            return;
        };
        self.activity = Activity::Claiming;
        let mut reply = ClaimReply::new(
            context.address(),
            self.life,
            self.deps.registry.begin_claim(),
        );
        let deps = self.deps.clone();
        actix_rt::spawn(async move {
            reply.keep(deps.lane.acquire_owned().await.ok());
            let claim = Write::Claim(ClaimTasks {
                queues: deps.gate.selector.clone(),
                limit: u32::try_from(room).unwrap_or(u32::MAX),
                max_bytes: deps.limits.max_bytes,
                now: deps.clock.now(),
            });
            // Not repeated by the client: a claim whose reply is lost has taken rows all the same,
            // and they are found as orphans.
            let answer = deps.persistence.once_claim(claim).await;
            deps.faults.hit(FaultPoint::AfterClaim);
            reply.deliver(answer);
        });
    }

    fn take(&mut self, claimed: ClaimedTask, place: Place) {
        let record = claimed.record;
        let id = record.definition.id;
        let Some(registration) = self.deps.registry.register(id) else {
            tracing::warn!(%id, "claimed a task whose delivery is still under way");
            self.sweep_after(id);
            return;
        };
        let now = self.deps.clock.now();
        let mut lease = RowLease::new(&record);
        if record.state.interruptions >= self.deps.limits.quarantine_after {
            let text = format!(
                "the process died {} times in a row right after this task had been started alone",
                record.state.interruptions
            );
            tracing::error!(%id, task = record.definition.task, "task quarantined: {text}");
            let failure = Failure::new(FailureKind::Quarantined, text);
            self.put_aside(lease.fail(failure, None, now), registration, place);
            return;
        }
        let Some(task) = self.deps.catalog.get(&record.definition.task) else {
            let name = &record.definition.task;
            tracing::warn!(%id, task = name, "no handler is registered, the task waits");
            let text = format!("no handler is registered for the task {name:?}");
            let failure = Failure::new(FailureKind::Undecodable, text);
            let change = lease.wait(self.deps.process, WaitReason::NoHandler, failure, now);
            self.put_aside(change, registration, place);
            return;
        };
        let mut delivery = Delivery::new(record, None, task, &self.deps.gate, registration, place);
        delivery.interrupted = claimed.interrupted;
        self.accept(delivery);
    }

    /// Lets go of a row once its earlier delivery has ended.
    ///
    /// That delivery need not find out that it is out of date: one that parked its row has nothing
    /// more to write. A sweep before its end would take the row for its own.
    fn sweep_after(&self, id: TaskId) {
        let ended = self.deps.registry.ended(id);
        let pool = self.deps.gate.pool.clone();
        actix_rt::spawn(async move {
            ended.await;
            tell(&pool, SweepOrphans);
        });
    }

    /// Ends a delivery that can't run; it keeps its place until that is stored.
    fn put_aside(&self, change: RowChange, registration: Registration, place: Place) {
        let persistence = self.deps.persistence.clone();
        let pool = self.deps.gate.pool.clone();
        actix_rt::spawn(async move {
            let settled = ChangeChain::default().settle(&persistence, change).await;
            drop((registration, place));
            if !matches!(settled, Settled::Applied) {
                tell(&pool, SweepOrphans);
            }
        });
    }
}

impl Handler<Claimed> for WorkerPool {
    type Result = ();

    fn handle(&mut self, claimed: Claimed, context: &mut Self::Context) {
        let Claimed {
            life,
            under_way,
            lane,
            result,
        } = claimed;
        if life != self.life {
            // Asked for by an earlier life, which gave the places back: nobody's rows.
            self.sweep_wanted = true;
            self.sweep(context);
            return;
        }
        self.activity = Activity::None;
        match result {
            Ok(answer) => {
                let gate = &self.deps.gate;
                let places = gate.end_claim(answer.tasks.len(), answer.exhausted);
                if let Some(at) = answer.next_available_at {
                    let gate = std::sync::Arc::clone(gate);
                    tell(&self.deps.run.scheduler, WakeAt { gate, at });
                }
                for (task, place) in answer.tasks.into_iter().zip(places) {
                    self.take(task, place);
                }
                drop((under_way, lane));
                self.start_ready();
            }
            Err(error) => {
                tracing::warn!(%error, queue = self.deps.gate.name(), "a claim failed");
                self.deps.gate.fail_claim();
                self.sweep_wanted = true;
                self.rest();
            }
        }
        self.sweep(context);
        self.claim(context);
    }
}

impl crate::persistence::PersistenceClient {
    /// Sends a claim once.
    async fn once_claim(&self, claim: Write) -> Result<ClaimAnswer, WriteError> {
        let posted = self.post(vec![claim], Patience::Endless, false);
        let mut answers = posted.await.unwrap_or(Err(WriteError::Lost))?;
        match answers.pop() {
            Some(Answer::Claim(answer)) => Ok(answer),
            _ => Err(WriteError::Lost),
        }
    }
}
