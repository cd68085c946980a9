use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture, Supervised};
use evertask_core::lease::RowLease;
use evertask_core::rank::Rank;
use evertask_core::storage::{TaskStorage, Write};
use evertask_core::task::ProcessId;
use evertask_core::time::{Clock, Timestamp};
use tokio::sync::Semaphore;

use super::claims::ClaimLimits;
use crate::delivery::{Delivery, DeliveryRegistry, RunDeps, SoloGate, SoloTurn};
use crate::persistence::{Patience, PersistenceClient};
use crate::queue::{Gate, Gates, TurnKeeper};
use crate::runtime::{FaultSwitch, Lifecycle};
use crate::supervision::tell;
use crate::task::HandlerCatalog;

/// Hands ready deliveries of one queue to free slots, and claims stored rows when there is room.
pub(crate) struct WorkerPool {
    pub(super) deps: PoolDeps,
    /// Which life of the actor this is; what an older one asked for is not for this one.
    pub(super) life: u64,
    pub(super) activity: Activity,
    pub(super) sweep_wanted: bool,
    /// Something has failed, so nothing is claimed for a while.
    pub(super) resting: bool,
    /// What waits for a slot, in the order in which it starts.
    pub(super) ready: BTreeMap<Rank, Delivery>,
    /// When the scheduler was told to have it look at the latest.
    pub(super) look_by: Option<Timestamp>,
}

/// What a pool is doing about stored rows; one thing at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Activity {
    None,
    Claiming,
    Sweeping,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct PoolDeps {
    pub(crate) gate: Arc<Gate>,
    pub(crate) gates: Gates,
    pub(crate) catalog: Arc<HandlerCatalog>,
    pub(crate) registry: DeliveryRegistry,
    pub(crate) turns: TurnKeeper,
    pub(crate) persistence: PersistenceClient,
    pub(crate) storage: Arc<dyn TaskStorage>,
    pub(crate) run: Arc<RunDeps>,
    pub(crate) solo: SoloGate,
    pub(crate) process: ProcessId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: ClaimLimits,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) faults: FaultSwitch,
    /// Held by a claim until its rows are registered, and by a sweep, which would take such rows for
    /// orphans: those of all lives take turns.
    pub(crate) lane: Arc<Semaphore>,
}

/// Something about the window has changed: start and claim what can be.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct CheckWindow;

/// The time after a failure is over.
#[derive(Message)]
#[rtype(result = "()")]
struct Rested {
    life: u64,
}

/// A stored task that has a place.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Deliver(pub(crate) Box<Delivery>);

/// Rows may be owned by this process without a delivery: let go of them.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct SweepOrphans;

/// Something else was decided about queues perhaps, by another process.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LookAtQueues;

/// Gives back every delivery that has not started; answers how many. Nothing is started any more, and
/// what still arrives waits for the next drain, or is given back, too, if the queue is paused.
#[derive(Message)]
#[rtype(result = "usize")]
pub(crate) struct Drain;

impl WorkerPool {
    pub(crate) fn new(deps: PoolDeps) -> Self {
        Self {
            deps,
            life: 0,
            activity: Activity::None,
            sweep_wanted: false,
            resting: false,
            ready: BTreeMap::new(),
            look_by: None,
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        !self.deps.lifecycle.is_running()
    }

    /// Takes a delivery into the window.
    pub(super) fn accept(&mut self, delivery: Delivery) {
        self.ready.insert(delivery.rank, delivery);
    }

    pub(super) fn start_ready(&mut self) {
        if self.is_draining() {
            return;
        }
        if self.deps.gate.is_paused() {
            self.return_window();
            return;
        }
        while let Some((rank, turn)) = self.next_startable() {
            let Some(slot) = self.deps.gate.take_slot() else {
                return;
            };
            let Some(delivery) = self.ready.remove(&rank) else {
                return;
            };
            self.begin_or_park(delivery, turn, slot);
        }
    }

    /// Gives back what has not started, in a task of its own.
    fn return_window(&mut self) {
        if self.ready.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.ready);
        let (deps, returning) = (self.deps.clone(), self.deps.gate.begin_return());
        actix_rt::spawn(async move {
            give_back(deps, waiting.into_values().collect()).await;
            drop(returning);
        });
    }

    /// Answers which delivery is next, with the turn to run alone if it needs one.
    ///
    /// That is the first by rank, except that those which a crash interrupted take turns, the least
    /// suspect first, and the others pass them while they wait.
    fn next_startable(&self) -> Option<(Rank, Option<SoloTurn>)> {
        let first = self.ready.first_key_value().map(|(_, first)| first)?;
        if !first.interrupted {
            return Some((first.rank, None));
        }
        let suspects = self.ready.values().filter(|delivery| delivery.interrupted);
        let suspect = suspects.min_by_key(|suspect| suspect.lease.state().interruptions)?;
        if let Some(turn) = self.deps.solo.take(&self.deps.gate.pool) {
            return Some((suspect.rank, Some(turn)));
        }
        let innocent = self.ready.values().find(|delivery| !delivery.interrupted)?;
        Some((innocent.rank, None))
    }
}

/// Clears the owner of rows that were not started, then lets go of their deliveries.
async fn give_back(deps: PoolDeps, mut deliveries: Vec<Delivery>) -> usize {
    let now = deps.clock.now();
    let release = |lease: &mut RowLease| Write::Change(Box::new(lease.release(now)));
    let writes: Vec<_> = deliveries
        .iter_mut()
        .map(|delivery| release(&mut delivery.lease))
        .collect();
    if writes.is_empty() {
        return 0;
    }
    match deps.persistence.apply(writes, Patience::Endless).await {
        Ok(_) => deps.gate.give_back(deliveries.len()),
        Err(error) => {
            // Of a shutdown their owner is about to be dead, and the next start takes them all the same.
            tracing::warn!(%error, "waiting tasks were not given back");
            if deps.lifecycle.is_running() {
                tell(&deps.gate.pool, SweepOrphans);
            }
            return 0;
        }
    }
    deliveries.len()
}

impl Actor for WorkerPool {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.deps.faults.started::<Self>();
        if self.life > 0 {
            // What the previous life had in its window is stored and owned, and nobody's any more.
            context.notify(SweepOrphans);
        }
        context.notify(CheckWindow);
    }
}

impl Supervised for WorkerPool {
    fn restarting(&mut self, _: &mut Self::Context) {
        let life = self.life + 1;
        // Drops the window: deliveries give back their places and entries.
        *self = Self::new(self.deps.clone());
        self.life = life;
        self.deps.gate.fail_claim();
        self.deps.faults.restarting::<Self>();
    }
}

impl Handler<CheckWindow> for WorkerPool {
    type Result = ();

    fn handle(&mut self, _: CheckWindow, context: &mut Self::Context) {
        self.start_ready();
        self.claim(context);
    }
}

impl Handler<Deliver> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Deliver(delivery): Deliver, _: &mut Self::Context) {
        self.accept(*delivery);
        self.start_ready();
    }
}

impl Handler<SweepOrphans> for WorkerPool {
    type Result = ();

    fn handle(&mut self, _: SweepOrphans, context: &mut Self::Context) {
        self.sweep_wanted = true;
        self.sweep(context);
    }
}

impl Handler<LookAtQueues> for WorkerPool {
    type Result = ();

    fn handle(&mut self, _: LookAtQueues, _: &mut Self::Context) {
        let deps = self.deps.clone();
        actix_rt::spawn(async move {
            match deps.storage.queries().queue_settings().await {
                Ok(settings) => deps.gates.apply_all(&settings),
                Err(error) => {
                    tracing::debug!(%error, "what was decided about queues can't be read");
                }
            }
        });
    }
}

impl Handler<Drain> for WorkerPool {
    type Result = ResponseFuture<usize>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let waiting = std::mem::take(&mut self.ready);
        let waiting = waiting.into_values().collect();
        Box::pin(give_back(self.deps.clone(), waiting))
    }
}

impl WorkerPool {
    /// Claims nothing for a while, because something failed just now.
    pub(super) fn rest(&mut self) {
        const PAUSE: Duration = Duration::from_secs(1);
        self.resting = true;
        let clock = Arc::clone(&self.deps.clock);
        let pool = self.deps.gate.pool.clone();
        let life = self.life;
        actix_rt::spawn(async move {
            clock.sleep(PAUSE).await;
            tell(&pool, Rested { life });
        });
    }
}

impl Handler<Rested> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Rested { life }: Rested, context: &mut Self::Context) {
        if life != self.life {
            return;
        }
        self.resting = false;
        self.sweep(context);
        self.claim(context);
    }
}
