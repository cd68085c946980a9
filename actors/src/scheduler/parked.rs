//! What is held until it is due, and how it is got out before.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Handler, Message, ResponseFuture};
use evertask_core::limit::MovedSlot;
use evertask_core::storage::Write;
use evertask_core::task::TaskId;
use evertask_core::time::{Clock, Timestamp};

use super::actor::{Scheduler, SchedulerDeps};
use crate::delivery::{DeliveryRegistry, Held};
use crate::persistence::Patience;
use crate::pool::{Arrive, Redeem, SweepOrphans};
use crate::supervision::tell;

/// Holds a delivery until it is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Park(pub(crate) Held);

/// Hands a delivery over now, if it is held: its task was cancelled, and the delivery is to learn of it.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Hasten(pub(crate) TaskId);

/// Gives a delivery back to the storage, if it is held: somebody wants its row.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct GiveBack(TaskId);

/// The slots of tasks are others now, because their limit is.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct MoveSlots(pub(crate) Vec<MovedSlot>);

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
    pub(super) fn hand_over(&self, held: Held) {
        if !self.deps.lifecycle.is_running() || !held.registration().unpark() {
            self.give_back(held);
            return;
        }
        let pool = held.gate().pool.clone();
        match held {
            Held::Arrival(arrival) => tell(&pool, Arrive(arrival)),
            Held::Throttled(throttled) => tell(&pool, Redeem(throttled)),
        }
    }

    /// Hands over everything that is due.
    pub(super) fn hand_over_due(&self, now: Timestamp) {
        while let Some(held) = self.deps.take_due(now) {
            self.hand_over(held);
        }
    }

    fn give_back(&self, held: Held) {
        let deps = self.deps.clone();
        let (gate, due) = (Arc::clone(held.gate()), held.due());
        actix_rt::spawn(async move {
            give_back(&deps, vec![held]).await;
            // Not before: a claim ahead would take it from who wants it.
            deps.clock.sleep_until(due).await;
            gate.set_backlog();
        });
    }
}

impl SchedulerDeps {
    fn take(&self, id: TaskId) -> Option<Held> {
        self.parked.lock().remove(id)
    }

    fn take_due(&self, now: Timestamp) -> Option<Held> {
        self.parked.lock().pop_due(now)
    }
}

/// Clears the owner of rows, then lets go of their deliveries.
async fn give_back(deps: &SchedulerDeps, all: Vec<Held>) -> usize {
    let now = deps.clock.now();
    let release = |held: &Held| Write::Change(Box::new(held.lease().release(now)));
    let writes: Vec<_> = all.iter().map(release).collect();
    if writes.is_empty() {
        return 0;
    }
    match deps.persistence.apply(writes, Patience::Endless).await {
        Ok(_) => all.len(),
        Err(error) => {
            tracing::warn!(%error, "tasks that are due soon were not given back");
            let pools: Vec<_> = all.iter().map(|held| held.gate().pool.clone()).collect();
            drop(all);
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

    fn handle(&mut self, Park(held): Park, _: &mut Self::Context) {
        let registration = held.registration();
        let is_wanted = registration.cancelled().is_cancelled() || registration.is_recalled();
        if is_wanted || !self.deps.lifecycle.is_running() {
            self.hand_over(held);
            return;
        }
        let (id, due) = (held.id(), held.due());
        // Nothing waits under the id: it is registered once.
        self.deps.parked.lock().insert(id, due, held);
        self.set_alarm();
    }
}

impl Handler<Hasten> for Scheduler {
    type Result = ();

    fn handle(&mut self, Hasten(id): Hasten, _: &mut Self::Context) {
        if let Some(held) = self.deps.take(id) {
            self.hand_over(held);
        }
    }
}

impl Handler<GiveBack> for Scheduler {
    type Result = ();

    fn handle(&mut self, GiveBack(id): GiveBack, _: &mut Self::Context) {
        if let Some(held) = self.deps.take(id) {
            self.give_back(held);
        }
    }
}

impl Handler<GiveBackAll> for Scheduler {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, _: GiveBackAll, _: &mut Self::Context) -> Self::Result {
        let all = self.deps.parked.lock().drain();
        let deps = self.deps.clone();
        Box::pin(async move { give_back(&deps, all).await })
    }
}

impl Handler<MoveSlots> for Scheduler {
    type Result = ();

    fn handle(&mut self, MoveSlots(moved): MoveSlots, _: &mut Self::Context) {
        {
            let mut parked = self.deps.parked.lock();
            for MovedSlot { id, slot } in moved {
                let Some(held) = parked.remove(id) else {
                    continue;
                };
                let held = held.moved_to(slot);
                parked.insert(id, held.due(), held);
            }
        }
        self.set_alarm();
    }
}
