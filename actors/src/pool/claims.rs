//! Loading stored rows: recovery, spilled tasks, due tasks and those of dead owners alike.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler};
use evertask_core::storage::{Answer, ClaimAnswer, Write};

use super::actor::{Activity, WorkerPool};
use super::budgets::Budgets;
use super::claim_reply::{ClaimReply, Claimed, Reach};
use super::look::{claim, is_open};
use super::told::Told;
use crate::persistence::{Patience, WriteError};
use crate::runtime::FaultPoint;
use crate::scheduler::{LookAgain, WakeAt};
use crate::supervision::tell;

/// What bounds a claim, and what it may bring up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimLimits {
    /// How many bytes of payload one claim loads at most.
    pub(crate) max_bytes: usize,
    /// How often in a row a task may be what died with its process.
    pub(crate) quarantine_after: u32,
}

/// A claim that is worth while.
struct Wanted {
    reach: Reach,
    /// How many rows.
    room: usize,
    budgets: Budgets,
}

impl WorkerPool {
    /// Claims stored rows if there is room and reason to.
    pub(super) fn claim(&mut self, context: &mut Context<Self>) {
        if self.activity != Activity::None || self.resting || self.is_draining() {
            return;
        }
        let wanted = self.wanted();
        self.tell_look_by();
        let Some(Wanted {
            reach,
            room,
            budgets,
        }) = wanted
        else {
            return;
        };
        self.activity = Activity::Claiming;
        let under_way = self.deps.registry.begin_claim();
        let mut reply = ClaimReply::new(context.address(), self.life, reach, under_way);
        let deps = self.deps.clone();
        actix_rt::spawn(async move {
            let lane = Arc::clone(&deps.lane);
            reply.keep(lane.acquire_owned().await.ok());
            let answer = if is_open(&deps).await {
                let quota = reply.begin(&deps, budgets);
                claim(&deps, reach, room, quota).await.map(Some)
            } else {
                Ok(None)
            };
            deps.faults.hit(FaultPoint::AfterClaim);
            reply.deliver(answer);
        });
    }

    /// What to claim now: what is due comes first.
    fn wanted(&self) -> Option<Wanted> {
        let gate = &self.deps.gate;
        let last = self.ready.last_key_value().map(|(rank, _)| *rank);
        if let Some(room) = gate.begin_claim(last) {
            return self.within_budget(Reach::Due, room);
        }
        let room = gate.begin_claim_ahead(self.deps.clock.now())?;
        self.within_budget(Reach::Ahead, room)
    }

    /// A claim for which places are held, unless the queue is short of budget: then what is dispatched
    /// meanwhile is stored behind what is.
    fn within_budget(&self, reach: Reach, room: usize) -> Option<Wanted> {
        let gate = &self.deps.gate;
        let budgets = Budgets::of(&self.deps.run.limits);
        match budgets.of_queue(gate.name(), room) {
            Ok(room) => Some(Wanted {
                reach,
                room,
                budgets,
            }),
            Err(at) => {
                self.end_look(reach);
                let gate = Arc::clone(gate);
                tell(&self.deps.run.scheduler, LookAgain { gate, at });
                None
            }
        }
    }

    /// There is no claim, because nothing may be started.
    fn end_look(&self, reach: Reach) {
        match reach {
            Reach::Due => self.deps.gate.end_look(),
            Reach::Ahead => self.deps.gate.end_look_ahead(),
        }
    }

    fn take_all(&mut self, answer: ClaimAnswer, told: Option<Told>) {
        let places = self.deps.gate.end_claim(&answer);
        let left = told.map(|told| told.end(&self.deps, &answer));
        for (task, place) in answer.tasks.into_iter().zip(places) {
            self.take(task, place);
        }
        if let Some(left) = left {
            left.tell(&self.deps);
        }
    }

    fn hold_all(&mut self, answer: ClaimAnswer, told: Option<Told>) {
        let places = self.deps.gate.end_claim_ahead(&answer);
        // One that left rows which it could have taken knows nothing of those behind them.
        let told = told.filter(|_| answer.exhausted);
        let left = told.map(|told| told.end(&self.deps, &answer));
        for (task, place) in answer.tasks.into_iter().zip(places) {
            self.hold(task, place);
        }
        if let Some(left) = left {
            left.tell(&self.deps);
        }
    }
}

impl Handler<Claimed> for WorkerPool {
    type Result = ();

    fn handle(&mut self, claimed: Claimed, context: &mut Self::Context) {
        let Claimed {
            life,
            reach,
            under_way,
            lane,
            told,
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
            Ok(None) => self.end_look(reach),
            Ok(Some(answer)) => {
                if let Some(at) = answer.next_available_at {
                    let gate = Arc::clone(&self.deps.gate);
                    tell(&self.deps.run.scheduler, WakeAt { gate, at });
                }
                match reach {
                    Reach::Due => self.take_all(answer, told),
                    Reach::Ahead => self.hold_all(answer, told),
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
    pub(super) async fn once_claim(&self, claim: Write) -> Result<ClaimAnswer, WriteError> {
        let posted = self.post(vec![claim], Patience::Endless, false);
        let mut answers = posted.await.unwrap_or(Err(WriteError::Lost))?;
        match answers.pop() {
            Some(Answer::Claim(answer)) => Ok(answer),
            _ => Err(WriteError::Lost),
        }
    }
}
