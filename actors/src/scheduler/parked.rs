//! What is held until it is due, and how it is got out before.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Handler, Message, ResponseFuture};
use evertask_core::lease::RowLease;
use evertask_core::storage::Write;
use evertask_core::task::TaskId;
use evertask_core::time::{Clock, Timestamp};

use super::actor::{Scheduler, SchedulerDeps};
use crate::delivery::{Arrival, DeliveryRegistry};
use crate::persistence::Patience;
use crate::pool::{Arrive, SweepOrphans};
use crate::supervision::tell;

/// Holds a delivery until it is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Park(pub(crate) Box<Arrival>);

/// Hands a delivery over now, if it is held: its task was cancelled, and the delivery is to learn of it.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Hasten(pub(crate) TaskId);

/// Gives a delivery back to the storage, if it is held: somebody wants its row.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GiveBack(TaskId);

/// Gives back everything that is held; answers how much.
#[derive(Message)]
#[rtype(result = "usize")]
pub(crate) struct GiveBackAll;

/// Has the delivery of a task given back if it is held in memory, and waits for that, but not longer
/// than `patience`; `false` if it is not held.
///
/// Its queue looks for it when it is due, whatever becomes of the row until then.
pub(crate) async fn recall(
    id: TaskId,
    (scheduler, registry): (&Addr<Scheduler>, &DeliveryRegistry),
    (clock, patience): (&dyn Clock, Duration),
) -> bool {
    let ended = registry.ended(id);
    if !registry.recall(id) {
        return false;
    }
    tell(scheduler, GiveBack(id));
    tokio::select! {
        () = ended => {}
        () = clock.sleep(patience) => {}
    }
    true
}

impl Scheduler {
    /// Hands a delivery to its pool; if somebody wants its row, or the runtime drains, it goes back to the
    /// storage.
    pub(super) fn hand_over(&self, arrival: Box<Arrival>) {
        if !self.deps.lifecycle.is_running() || !arrival.registration.unpark() {
            self.give_back(arrival);
            return;
        }
        let pool = arrival.place.gate().pool.clone();
        tell(&pool, Arrive(arrival));
    }

    /// Hands over everything that is due.
    pub(super) fn hand_over_due(&self, now: Timestamp) {
        while let Some(arrival) = self.deps.take_due(now) {
            self.hand_over(arrival);
        }
    }

    fn give_back(&self, arrival: Box<Arrival>) {
        let deps = self.deps.clone();
        let (gate, due) = (Arc::clone(arrival.place.gate()), arrival.due());
        actix_rt::spawn(async move {
            give_back(&deps, vec![*arrival]).await;
            // Not before: a claim ahead would take it from who wants it.
            deps.clock.sleep_until(due).await;
            gate.set_backlog();
        });
    }
}

impl SchedulerDeps {
    fn take(&self, id: TaskId) -> Option<Box<Arrival>> {
        self.parked.lock().remove(id)
    }

    fn take_due(&self, now: Timestamp) -> Option<Box<Arrival>> {
        self.parked.lock().pop_due(now)
    }
}

/// Clears the owner of rows, then lets go of their deliveries.
async fn give_back(deps: &SchedulerDeps, arrivals: Vec<Arrival>) -> usize {
    let now = deps.clock.now();
    let release = |arrival: &Arrival| {
        let mut lease = RowLease::new(&arrival.claimed.record);
        Write::Change(Box::new(lease.release(now)))
    };
    let writes: Vec<_> = arrivals.iter().map(release).collect();
    if writes.is_empty() {
        return 0;
    }
    match deps.persistence.apply(writes, Patience::Endless).await {
        Ok(_) => arrivals.len(),
        Err(error) => {
            tracing::warn!(%error, "tasks that are due soon were not given back");
            let gates = arrivals.iter().map(|arrival| arrival.place.gate());
            let pools: Vec<_> = gates.map(|gate| gate.pool.clone()).collect();
            drop(arrivals);
            // Of a shutdown their owner is about to be dead, and the next start takes them all the same.
            if deps.lifecycle.is_running() {
                for pool in &pools {
                    tell(pool, SweepOrphans);
                }
            }
            0
        }
    }
}

impl Handler<Park> for Scheduler {
    type Result = ();

    fn handle(&mut self, Park(arrival): Park, _: &mut Self::Context) {
        let registration = &arrival.registration;
        let is_wanted = registration.cancelled().is_cancelled() || registration.is_recalled();
        if is_wanted || !self.deps.lifecycle.is_running() {
            self.hand_over(arrival);
            return;
        }
        let (id, due) = (arrival.id(), arrival.due());
        // Nothing waits under the id: it is registered once.
        self.deps.parked.lock().insert(id, due, arrival);
        self.set_alarm();
    }
}

impl Handler<Hasten> for Scheduler {
    type Result = ();

    fn handle(&mut self, Hasten(id): Hasten, _: &mut Self::Context) {
        if let Some(arrival) = self.deps.take(id) {
            self.hand_over(arrival);
        }
    }
}

impl Handler<GiveBack> for Scheduler {
    type Result = ();

    fn handle(&mut self, GiveBack(id): GiveBack, _: &mut Self::Context) {
        if let Some(arrival) = self.deps.take(id) {
            self.give_back(arrival);
        }
    }
}

impl Handler<GiveBackAll> for Scheduler {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, _: GiveBackAll, _: &mut Self::Context) -> Self::Result {
        let arrivals = self
            .deps
            .parked
            .lock()
            .drain()
            .into_iter()
            .map(|arrival| *arrival);
        let (deps, arrivals) = (self.deps.clone(), arrivals.collect());
        Box::pin(async move { give_back(&deps, arrivals).await })
    }
}
