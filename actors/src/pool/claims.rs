//! Loading stored rows: recovery, spilled tasks, due tasks and those of dead owners alike.

use std::sync::Arc;

use actix::{Addr, AsyncContext, Context, Handler, Message};
use evertask_core::concurrency::{ClaimQuota, Claiming, QuotaKeys};
use evertask_core::storage::{Answer, ClaimAnswer, ClaimedTask, Write};
use tokio::sync::OwnedSemaphorePermit;

use super::actor::{Activity, PoolDeps, WorkerPool};
use super::budgets::Budgets;
use super::look::{claim, is_open};
use crate::delivery::ClaimUnderWay;
use crate::persistence::{Patience, WriteError};
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
    reach: Reach,
    /// Kept until the rows are registered.
    under_way: ClaimUnderWay,
    lane: Option<OwnedSemaphorePermit>,
    /// What it was told of the turns.
    claiming: Option<Claiming>,
    /// What it was told of the budgets.
    budgets: Option<Budgets>,
    /// `None` if the queue is paused.
    result: Result<Option<ClaimAnswer>, WriteError>,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// What is due.
    Due,
    /// What is due within the horizon.
    Ahead,
}

/// A claim that is worth while.
struct Wanted {
    reach: Reach,
    /// How many rows.
    room: usize,
    budgets: Option<Budgets>,
}

/// Delivers the result of a claim; if it is dropped before, the claim counts as lost.
struct ClaimReply {
    pool: Addr<WorkerPool>,
    claimed: Option<Claimed>,
}

impl ClaimReply {
    fn new(pool: Addr<WorkerPool>, life: u64, reach: Reach, under_way: ClaimUnderWay) -> Self {
        let claimed = Claimed {
            life,
            reach,
            under_way,
            lane: None,
            claiming: None,
            budgets: None,
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

    /// Notes what the claim is told of the turns and of the budgets, and answers it.
    fn begin(&mut self, deps: &PoolDeps, budgets: Option<Budgets>) -> ClaimQuota {
        let claiming = deps.turns.begin_claim();
        let quota = claiming.quota.clone();
        let quota = match &budgets {
            Some(budgets) => budgets.restrict(quota, &deps.catalog),
            None => quota,
        };
        if let Some(claimed) = &mut self.claimed {
            claimed.claiming = Some(claiming);
            claimed.budgets = budgets;
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
                let quota = match reach {
                    Reach::Due => reply.begin(&deps, budgets),
                    // What is not due yet needs neither a turn nor budget yet.
                    Reach::Ahead => ClaimQuota::default(),
                };
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
        self.wanted_due().or_else(|| {
            let room = self.deps.gate.begin_claim_ahead(self.deps.clock.now())?;
            Some(Wanted {
                reach: Reach::Ahead,
                room,
                budgets: None,
            })
        })
    }

    fn wanted_due(&self) -> Option<Wanted> {
        let gate = &self.deps.gate;
        let last = self.ready.last_key_value().map(|(rank, _)| *rank);
        let room = gate.begin_claim(last)?;
        let budgets = Budgets::of(&self.deps.run.limits);
        match budgets.of_queue(gate.name(), room) {
            Ok(room) => Some(Wanted {
                reach: Reach::Due,
                room,
                budgets: Some(budgets),
            }),
            Err(at) => {
                // What is dispatched meanwhile is stored behind what is.
                gate.end_look();
                let gate = Arc::clone(gate);
                tell(&self.deps.run.scheduler, WakeAt { gate, at });
                None
            }
        }
    }

    fn take_all(
        &mut self,
        answer: ClaimAnswer,
        claiming: Option<Claiming>,
        budgets: Option<Budgets>,
    ) {
        let gate = &self.deps.gate;
        if let Some(budgets) = budgets {
            budgets.end(&self.deps, &answer);
        }
        let places = gate.end_claim(&answer);
        let passed_over = answer.passed_over;
        let claiming = claiming.map(|claiming| counted(claiming, &answer.tasks));
        for (task, place) in answer.tasks.into_iter().zip(places) {
            self.take(task, place);
        }
        if let Some(claiming) = claiming {
            let turns = &self.deps.turns;
            turns.end_claim(&self.deps.gate, &claiming, passed_over);
        }
    }

    fn hold_all(&mut self, answer: ClaimAnswer) {
        let places = self.deps.gate.end_claim_ahead(&answer);
        for (task, place) in answer.tasks.into_iter().zip(places) {
            self.hold(task, place);
        }
    }
}

/// What a claim has left of its quota.
fn counted(mut claiming: Claiming, tasks: &[ClaimedTask]) -> Claiming {
    for task in tasks {
        claiming.quota.take(QuotaKeys::of(&task.record.definition));
    }
    claiming
}

impl Handler<Claimed> for WorkerPool {
    type Result = ();

    fn handle(&mut self, claimed: Claimed, context: &mut Self::Context) {
        let Claimed {
            life,
            reach,
            under_way,
            lane,
            claiming,
            budgets,
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
            Ok(None) => match reach {
                Reach::Due => self.deps.gate.end_look(),
                Reach::Ahead => self.deps.gate.end_look_ahead(),
            },
            Ok(Some(answer)) => {
                if let Some(at) = answer.next_available_at {
                    let gate = Arc::clone(&self.deps.gate);
                    tell(&self.deps.run.scheduler, WakeAt { gate, at });
                }
                match reach {
                    Reach::Due => self.take_all(answer, claiming, budgets),
                    Reach::Ahead => self.hold_all(answer),
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
