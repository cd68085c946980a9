//! Asking for budget before a delivery starts, and what becomes of one that has none.
//!
//! It is asked at the last moment, when the delivery is next and a slot is free: budget that is spent
//! while a task still waits for a worker would bunch with what is spent later.

use std::sync::Arc;

use actix::{Handler, Message};
use evertask_core::limit::OwnedScope;

use super::actor::{LookAtQueues, WorkerPool};
use super::arrivals::Then;
use crate::delivery::{Budget, Delivery, Held, RunDeps, SoloTurn, Throttled, run};
use crate::queue::Slot;
use crate::scheduler::Park;
use crate::supervision::tell;
use crate::throttle::{Asked, Booking, Verdict};

/// The slot of a delivery that waited for budget has come.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Redeem(pub(crate) Box<Throttled>);

/// A limiter that had to be asked elsewhere has answered.
#[derive(Message)]
#[rtype(result = "()")]
struct Answered {
    delivery: Box<Delivery>,
    turn: Option<SoloTurn>,
    slot: Slot,
    verdict: Verdict,
}

impl WorkerPool {
    /// Starts a delivery, unless it has to wait for budget.
    pub(super) fn begin_or_park(&self, mut delivery: Delivery, turn: Option<SoloTurn>, slot: Slot) {
        match self.ask(&mut delivery) {
            Asked::Now(verdict) => self.conclude(delivery, turn, slot, verdict),
            Asked::Later(answer) => {
                let pool = self.deps.gate.pool.clone();
                actix_rt::spawn(async move {
                    let verdict = answer.await;
                    let delivery = Box::new(delivery);
                    tell(
                        &pool,
                        Answered {
                            delivery,
                            turn,
                            slot,
                            verdict,
                        },
                    );
                });
            }
        }
    }

    /// What has been asked for, or is cancelled and only has to say so, needs nothing.
    fn ask(&self, delivery: &mut Delivery) -> Asked {
        let is_cancelled = delivery.registration.cancelled().is_cancelled();
        let booking = match std::mem::take(&mut delivery.budget) {
            _ if is_cancelled => return Asked::Now(Verdict::Go),
            Budget::Spent => return Asked::Now(Verdict::Go),
            Budget::Refused(refusal) => return Asked::Now(Verdict::Refused(refusal)),
            Budget::Booked(booking) => Some(booking),
            Budget::Unasked => None,
        };
        let limits = &self.deps.run.limits;
        let (id, is_retry) = (delivery.lease.id(), delivery.is_retry());
        limits.ask(id, delivery.subject(), is_retry, booking)
    }

    fn conclude(
        &self,
        mut delivery: Delivery,
        turn: Option<SoloTurn>,
        slot: Slot,
        verdict: Verdict,
    ) {
        match verdict {
            Verdict::Go => delivery.budget = Budget::Spent,
            Verdict::Refused(refusal) => delivery.budget = Budget::Refused(refusal),
            Verdict::Wait(booking) => {
                slot.return_unused();
                self.park(delivery, booking);
                return;
            }
        }
        if delivery.has_waited && self.deps.gates.begin_look(self.deps.clock.elapsed()) {
            // Another process may have decided something since its claim. Not asked before: a deferral sends
            // no statement.
            tell(&self.deps.gate.pool, LookAtQueues);
        }
        // Here and not by the handler's thread, which may be busy: a shutdown that begins now has to
        // wait for this one.
        delivery.registration.start();
        let run_deps = Arc::clone(&self.deps.run);
        // Spawned on the runtime of the handlers: user code never runs on the actors' thread.
        let running = run(delivery, turn, slot, run_deps);
        drop(self.deps.run.handlers.spawn(running));
    }

    /// Has a delivery wait for its slot, without a place, a turn or a write; if too many do, its row goes
    /// back to the storage.
    fn park(&self, delivery: Delivery, booking: Booking) {
        let scope = booking.scope.clone();
        match delivery.park(booking, &self.deps.run.limits) {
            Ok(throttled) => tell(&self.deps.run.scheduler, Park(Held::Throttled(throttled))),
            Err(delivery) => self.put_back(*delivery, scope),
        }
    }

    /// The row is claimed again when there would be budget.
    fn put_back(&self, delivery: Delivery, scope: OwnedScope) {
        let Delivery {
            mut lease,
            registration,
            place,
            turn,
            ..
        } = delivery;
        let change = lease.release(self.deps.clock.now());
        drop(turn);
        let RunDeps {
            limits, scheduler, ..
        } = &*self.deps.run;
        let awaits = limits.awaits(scope, &self.deps.gate, scheduler);
        if let Some(place) = place {
            self.put_aside(change, Then::AwaitBudget(awaits), registration, place);
        }
    }
}

impl Handler<Redeem> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Redeem(throttled): Redeem, _: &mut Self::Context) {
        let Throttled {
            mut delivery,
            concerned,
            place,
            ..
        } = *throttled;
        drop(place);
        let place = self.deps.gate.take_place_of_due();
        if let Some(concerned) = concerned {
            let Some(turn) = self.deps.turns.take(&concerned) else {
                // Others of its type took it meanwhile.
                let awaits = self.deps.turns.awaits(concerned, &self.deps.gate);
                let change = delivery.lease.release(self.deps.clock.now());
                let then = Then::AwaitTurn(awaits);
                self.put_aside(change, then, delivery.registration, place);
                return;
            };
            delivery.turn = Some(turn);
        }
        delivery.place = Some(place);
        self.accept(delivery);
        self.start_ready();
    }
}

impl Handler<Answered> for WorkerPool {
    type Result = ();

    fn handle(&mut self, answered: Answered, _: &mut Self::Context) {
        let Answered {
            delivery,
            turn,
            slot,
            verdict,
        } = answered;
        if self.is_draining() || self.deps.gate.is_paused() {
            // What it has spent is lost; it is asked for again when the row is claimed the next time.
            slot.return_unused();
            self.accept(*delivery);
        } else {
            self.conclude(*delivery, turn, slot, verdict);
        }
        self.start_ready();
    }
}
