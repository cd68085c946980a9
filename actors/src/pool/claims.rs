//! Loading stored rows: recovery, spilled tasks, due tasks and those of dead owners alike.

use std::sync::Arc;

use actix::{Addr, AsyncContext, Context, Handler, Message};
use evertask_core::concurrency::{ClaimQuota, Claiming};
use evertask_core::lease::RowLease;
use evertask_core::storage::{Answer, ClaimAnswer, ClaimedTask, RowChange, Write};
use evertask_core::task::{Failure, FailureKind, TaskId, WaitReason};
use evertask_core::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use super::actor::{Activity, SweepOrphans, WorkerPool};
use super::due::{Due, due_series};
use super::look::{claim, is_open};
use crate::delivery::{ClaimUnderWay, Delivery, Registration};
use crate::persistence::{ChangeChain, Patience, Settled, WriteError};
use crate::queue::{AwaitsTurn, Place};
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
    /// What it was told of the turns.
    claiming: Option<Claiming>,
    /// `None` if the queue is paused.
    result: Result<Option<ClaimAnswer>, WriteError>,
}

/// What follows when a row has been put aside.
enum Then {
    Nothing,
    /// The queue looks for it when it is due.
    Look(Timestamp),
    /// The queue looks for it when it has a turn.
    AwaitTurn(AwaitsTurn),
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
            claiming: None,
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

    /// Notes what the claim is told of the turns, and answers it.
    fn begin(&mut self, claiming: Claiming) -> ClaimQuota {
        let quota = claiming.quota.clone();
        if let Some(claimed) = &mut self.claimed {
            claimed.claiming = Some(claiming);
        }
        quota
    }

    fn deliver(mut self, result: Result<Option<ClaimAnswer>, WriteError>) {
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
        let last = self.ready.last_key_value().map(|(rank, _)| *rank);
        let Some(room) = self.deps.gate.begin_claim(last) else {
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
            let lane = Arc::clone(&deps.lane);
            reply.keep(lane.acquire_owned().await.ok());
            let answer = if is_open(&deps).await {
                let quota = reply.begin(deps.turns.begin_claim());
                claim(&deps, room, quota).await.map(Some)
            } else {
                Ok(None)
            };
            deps.faults.hit(FaultPoint::AfterClaim);
            reply.deliver(answer);
        });
    }

    fn take(&mut self, claimed: ClaimedTask, place: Place) {
        let record = claimed.record;
        let id = record.definition.id;
        self.deps.gate.line.grant(id);
        let queue = &record.definition.queue;
        if self.deps.gates.find(queue).is_none() {
            self.deps.gates.warn_of_unknown(queue);
        }
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
            self.put_aside(
                lease.poison(failure, now),
                Then::Nothing,
                registration,
                place,
            );
            return;
        }
        let Some(task) = self.deps.catalog.stored_as(&record.definition.task) else {
            let name = &record.definition.task;
            tracing::warn!(%id, task = name, "no handler is registered, the task waits");
            let text = format!("no handler is registered for the task {name:?}");
            let failure = Failure::new(FailureKind::Undecodable, text);
            let change = lease.wait(self.deps.process, WaitReason::NoHandler, failure, now);
            self.put_aside(change, Then::Nothing, registration, place);
            return;
        };
        let recurrence = match due_series(&record, &mut lease, now) {
            Due::Run(recurrence) => recurrence,
            Due::Aside(change) => {
                let look = change.follow_ups.first().map(|_| now);
                let then = look
                    .or(change.state.available_at)
                    .map_or(Then::Nothing, Then::Look);
                self.put_aside(*change, then, registration, place);
                return;
            }
        };
        let Some(turn) = self.deps.turns.take(&record.definition) else {
            // A live dispatch took it while the claim was made.
            let awaits = self.deps.turns.awaits(&record.definition, &self.deps.gate);
            let release = lease.release(now);
            self.put_aside(release, Then::AwaitTurn(awaits), registration, place);
            return;
        };
        let mut delivery = Delivery::new(record, None, task, &self.deps.gate, registration, place);
        delivery.interrupted = claimed.interrupted;
        delivery.recurrence = recurrence;
        // The schedule may have said which occurrence it is.
        delivery.lease = lease;
        delivery.turn = Some(turn);
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

    /// Ends a delivery that does not run; it keeps its place until that is stored.
    fn put_aside(&self, change: RowChange, then: Then, registration: Registration, place: Place) {
        let persistence = self.deps.persistence.clone();
        let gate = Arc::clone(&self.deps.gate);
        let scheduler = self.deps.run.scheduler.clone();
        let pool = gate.pool.clone();
        actix_rt::spawn(async move {
            let settled = ChangeChain::default().settle(&persistence, change).await;
            drop((registration, place));
            // Only now: a claim that came before the commit would not find the row.
            match then {
                Then::Nothing => {}
                Then::Look(at) => tell(&scheduler, WakeAt { gate, at }),
                Then::AwaitTurn(awaits) => drop(awaits),
            }
            if !matches!(settled, Settled::Applied) {
                tell(&pool, SweepOrphans);
            }
        });
    }
}

/// What a claim has left of its quota.
fn counted(mut claiming: Claiming, tasks: &[ClaimedTask]) -> Claiming {
    for task in tasks {
        let definition = &task.record.definition;
        let key = definition.concurrency_key.as_deref();
        claiming.quota.take(&definition.task, key);
    }
    claiming
}

impl Handler<Claimed> for WorkerPool {
    type Result = ();

    fn handle(&mut self, claimed: Claimed, context: &mut Self::Context) {
        let Claimed {
            life,
            under_way,
            lane,
            claiming,
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
            Ok(None) => self.deps.gate.end_look(),
            Ok(Some(answer)) => {
                let gate = &self.deps.gate;
                let places = gate.end_claim(&answer);
                if let Some(at) = answer.next_available_at {
                    let gate = Arc::clone(gate);
                    tell(&self.deps.run.scheduler, WakeAt { gate, at });
                }
                let passed_over = answer.passed_over;
                let claiming = claiming.map(|claiming| counted(claiming, &answer.tasks));
                for (task, place) in answer.tasks.into_iter().zip(places) {
                    self.take(task, place);
                }
                drop((under_way, lane));
                if let Some(claiming) = claiming {
                    let turns = &self.deps.turns;
                    turns.end_claim(&self.deps.gate, &claiming, passed_over);
                }
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
    pub(super) async fn once_claim(&self, claim: Write) -> Result<ClaimAnswer, WriteError> {
        let posted = self.post(vec![claim], Patience::Endless, false);
        let mut answers = posted.await.unwrap_or(Err(WriteError::Lost))?;
        match answers.pop() {
            Some(Answer::Claim(answer)) => Ok(answer),
            _ => Err(WriteError::Lost),
        }
    }
}
