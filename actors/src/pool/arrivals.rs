//! What becomes of a row that this process has taken, once it is due.

use std::sync::Arc;

use actix::{AsyncContext, Handler, Message};
use evertask_core::lease::RowLease;
use evertask_core::storage::{ClaimedTask, RowChange};
use evertask_core::task::{Failure, FailureKind, TaskId, WaitReason};
use evertask_core::time::Timestamp;

use super::actor::{LookAtQueues, SweepOrphans, WorkerPool};
use super::due::{Due, due_series};
use crate::delivery::{Arrival, Delivery, Held, Registration};
use crate::persistence::{ChangeChain, Settled};
use crate::queue::{AheadPlace, AwaitsTurn, Concerned, Place};
use crate::scheduler::{Park, WakeAt};
use crate::supervision::tell;
use crate::task::Payload;
use crate::throttle::AwaitsBudget;

/// A delivery that was held in memory is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Arrive(pub(crate) Box<Arrival>);

/// What follows when a row has been put aside.
pub(super) enum Then {
    Nothing,
    /// The queue looks for it when it is due.
    Look(Timestamp),
    /// The queue looks for it when it has a turn.
    AwaitTurn(AwaitsTurn),
    /// The queue looks for it when it has budget.
    AwaitBudget(AwaitsBudget),
}

impl WorkerPool {
    /// Takes a claimed row that is due.
    pub(super) fn take(&mut self, claimed: ClaimedTask, place: Place) {
        if let Some(registration) = self.register(&claimed) {
            self.begin(claimed, None, registration, place);
        }
    }

    /// Has a claimed row wait in memory until it is due.
    pub(super) fn hold(&mut self, claimed: ClaimedTask, place: AheadPlace) {
        let Some(registration) = self.register(&claimed) else {
            return;
        };
        registration.park();
        let arrival = Arrival {
            claimed,
            live: None,
            registration,
            place,
        };
        let held = Held::Arrival(Box::new(arrival));
        tell(&self.deps.run.scheduler, Park(held));
    }

    fn register(&self, claimed: &ClaimedTask) -> Option<Registration> {
        let definition = &claimed.record.definition;
        let id = definition.id;
        self.deps.gate.line.grant(id);
        if self.deps.gates.find(&definition.queue).is_none() {
            self.deps.gates.warn_of_unknown(&definition.queue);
        }
        let registration = self.deps.registry.register(id);
        if registration.is_none() {
            tracing::warn!(%id, "claimed a task whose delivery is still under way");
            self.sweep_after(id);
        }
        registration
    }

    /// Has a task that is due wait for a slot, unless it is not to run.
    fn begin(
        &mut self,
        claimed: ClaimedTask,
        live: Option<Payload>,
        registration: Registration,
        place: Place,
    ) {
        let record = claimed.record;
        let id = record.definition.id;
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
        let concerned = Concerned::of(&record.definition);
        let Some(turn) = self.deps.turns.take(&concerned) else {
            // A live dispatch took it while the claim was made.
            let awaits = self.deps.turns.awaits(concerned, &self.deps.gate);
            let release = lease.release(now);
            self.put_aside(release, Then::AwaitTurn(awaits), registration, place);
            return;
        };
        let mut delivery = Delivery::new(record, live, task, &self.deps.gate, registration, place);
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
    pub(super) fn put_aside(
        &self,
        change: RowChange,
        then: Then,
        registration: Registration,
        place: Place,
    ) {
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
                Then::AwaitBudget(awaits) => drop(awaits),
            }
            if !matches!(settled, Settled::Applied) {
                tell(&pool, SweepOrphans);
            }
        });
    }
}

impl Handler<Arrive> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Arrive(arrival): Arrive, context: &mut Self::Context) {
        let Arrival {
            claimed,
            live,
            registration,
            place,
        } = *arrival;
        // Its claim was some time ago, and another process may have decided something since.
        if self.deps.gates.begin_look(self.deps.clock.elapsed()) {
            context.notify(LookAtQueues);
        }
        self.begin(claimed, live, registration, place.into_window());
        self.start_ready();
    }
}
