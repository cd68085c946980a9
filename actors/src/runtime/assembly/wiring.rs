use std::sync::Arc;

use evertask_core::storage::{ReconsiderWaiting, TaskStorage, Write};
use evertask_core::task::ProcessId;
use evertask_core::time::Clock;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::Ready;
use super::guard::{Guard, crash_sink};
use super::slots::Slots;
use crate::delivery::{DeliveryRegistry, RunDeps, SoloGate, StopSignals};
use crate::dispatch::{AdmissionDeps, KeyTurns};
use crate::monitor::{Monitor, MonitorDeps, Publisher, Subscribers};
use crate::persistence::{
    HealthSignal, Patience, Persistence, PersistenceClient, PersistenceDeps, WriteQueue,
};
use crate::pool::{ClaimLimits, PoolDeps, WorkerPool};
use crate::queue::{Gate, Gates, TurnKeeper};
use crate::retention::{Housekeeper, HousekeeperDeps, Retention};
use crate::runtime::client::Client;
use crate::runtime::faults::FaultSwitch;
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::settings::Settings;
use crate::scheduler::{Scheduler, SchedulerDeps};
use crate::supervision::GuardedSlot;
use crate::supervisor::{ShutdownDeps, ShutdownTimes, Shutdowns, Supervisor, SupervisorDeps};
use crate::task::HandlerCatalog;
use crate::throttle::{RateLimits, StateFile};
use crate::waiting::Ends;

/// How long one claim's payloads may be, together.
const MAX_CLAIM_BYTES: usize = 4 * 1024 * 1024;

/// What the actors share.
pub(super) struct Wiring {
    pub(super) settings: Settings,
    pub(super) catalog: Arc<HandlerCatalog>,
    pub(super) process: ProcessId,
    pub(super) storage: Arc<dyn TaskStorage>,
    pub(super) lifecycle: Lifecycle,
    pub(super) gates: Vec<Arc<Gate>>,
    pub(super) gates_by_name: Gates,
    pub(super) persistence: PersistenceClient,
    pub(super) subscribers: Subscribers,
    pub(super) health: HealthSignal,
    pub(super) registry: DeliveryRegistry,
    pub(super) turns: TurnKeeper,
    pub(super) ends: Ends,
    pub(super) signals: StopSignals,
    pub(super) faults: FaultSwitch,
    pub(super) retention: Option<Retention>,
    pub(super) limits: RateLimits,
    pub(super) limit_state: Option<StateFile>,
}

impl Wiring {
    pub(super) fn start(self, slots: Slots, handlers: Handle) -> Ready {
        let admission = self.admission(&slots);
        let client = self.client(&slots, &admission);
        let ready = Ready {
            client: client.clone(),
            #[cfg(feature = "testing")]
            provoker: slots.provoker(&self.faults),
        };
        let pools = self.pools(&self.run(&slots, client, handlers));
        let guard = Guard {
            clock: self.clock(),
            reports: crash_sink(self.lifecycle.clone()),
        };
        let persistence = Persistence::new(self.persistence(&slots));
        let supervisor = Supervisor::new(self.supervisor(&slots, admission));
        guard.start(slots.monitor, Monitor::new(self.monitor()));
        guard.start(slots.persistence, persistence);
        self.reconsider_waiting();
        guard.start(slots.scheduler, Scheduler::new(self.scheduler()));
        for (slot, deps) in slots.pools.into_iter().zip(pools) {
            guard.start(slot, WorkerPool::new(deps));
        }
        if let Some((slot, deps)) = slots.housekeeper.zip(self.housekeeper()) {
            guard.start(slot, Housekeeper::new(deps));
        }
        guard.start(slots.supervisor, supervisor);
        ready
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.settings.clock)
    }

    fn client(&self, slots: &Slots, admission: &AdmissionDeps) -> Client {
        Client {
            supervisor: slots.supervisor.addr(),
            subscribers: self.subscribers.clone(),
            health: self.health.watch(),
            ends: self.ends.clone(),
            lifecycle: self.lifecycle.clone(),
            clock: self.clock(),
            ids: Arc::clone(&self.settings.ids),
            admission: Arc::new(admission.clone()),
            parent: None,
        }
    }

    fn run(&self, slots: &Slots, client: Client, handlers: Handle) -> Arc<RunDeps> {
        Arc::new(RunDeps {
            process: self.process,
            clock: self.clock(),
            ids: Arc::clone(&self.settings.ids),
            randomness: Arc::clone(&self.settings.randomness),
            storage: Arc::clone(&self.storage),
            persistence: self.persistence.clone(),
            scheduler: slots.scheduler.addr(),
            handlers,
            client,
            signals: self.signals.clone(),
            limits: self.limits.clone(),
            abort_after: self.settings.abort_after,
            probation: self.settings.probation,
            decode_failures: self.settings.decode_failures,
            max_snoozes: self.settings.max_snoozes,
            max_result: self.settings.max_result,
            data: self.catalog.data().clone(),
            logs: self.settings.logs.clone(),
        })
    }

    fn admission(&self, slots: &Slots) -> AdmissionDeps {
        AdmissionDeps {
            catalog: Arc::clone(&self.catalog),
            gates: self.gates_by_name.clone(),
            registry: self.registry.clone(),
            turns: self.turns.clone(),
            persistence: self.persistence.clone(),
            scheduler: slots.scheduler.addr(),
            clock: self.clock(),
            ids: Arc::clone(&self.settings.ids),
            process: self.process,
            lifecycle: self.lifecycle.clone(),
            under_way: Arc::new(Semaphore::new(self.settings.max_dispatches)),
            max_under_way: self.settings.max_dispatches,
            max_payload: self.settings.max_payload,
            patience: self.settings.patience,
            round_trip_payloads: self.settings.round_trip_payloads,
            audit_level: self.settings.audit_level,
            key_turns: KeyTurns::default(),
            limits: self.limits.clone(),
        }
    }

    fn pools(&self, run: &Arc<RunDeps>) -> Vec<PoolDeps> {
        let solo = SoloGate::default();
        let pool = |gate: &Arc<Gate>| PoolDeps {
            gate: Arc::clone(gate),
            gates: self.gates_by_name.clone(),
            catalog: Arc::clone(&self.catalog),
            registry: self.registry.clone(),
            turns: self.turns.clone(),
            persistence: self.persistence.clone(),
            storage: Arc::clone(&self.storage),
            run: Arc::clone(run),
            solo: solo.clone(),
            process: self.process,
            clock: self.clock(),
            limits: ClaimLimits {
                max_bytes: MAX_CLAIM_BYTES,
                quarantine_after: self.settings.quarantine_after,
            },
            lifecycle: self.lifecycle.clone(),
            faults: self.faults.clone(),
            lane: Arc::new(Semaphore::new(1)),
        };
        self.gates.iter().map(pool).collect()
    }

    fn persistence(&self, slots: &Slots) -> PersistenceDeps {
        PersistenceDeps {
            storage: Arc::clone(&self.storage),
            waiting: WriteQueue::default(),
            lane: Arc::new(Semaphore::new(1)),
            clock: self.clock(),
            publisher: Publisher::new(slots.monitor.addr(), self.subscribers.clone()),
            registry: self.registry.clone(),
            ends: self.ends.clone(),
            health: self.health.clone(),
            faults: self.faults.clone(),
        }
    }

    fn monitor(&self) -> MonitorDeps {
        MonitorDeps {
            subscribers: self.subscribers.clone(),
            faults: self.faults.clone(),
        }
    }

    fn scheduler(&self) -> SchedulerDeps {
        SchedulerDeps {
            gates: self.gates.clone(),
            parked: Arc::default(),
            persistence: self.persistence.clone(),
            lifecycle: self.lifecycle.clone(),
            clock: self.clock(),
            faults: self.faults.clone(),
        }
    }

    fn housekeeper(&self) -> Option<HousekeeperDeps> {
        Some(HousekeeperDeps {
            retention: self.retention.clone()?,
            clock: self.clock(),
            faults: self.faults.clone(),
        })
    }

    fn supervisor(&self, slots: &Slots, admission: AdmissionDeps) -> SupervisorDeps {
        let times = ShutdownTimes {
            drain: self.settings.drain,
            grace: self.settings.grace,
            record: self.settings.abort_after,
        };
        let shutdowns = Shutdowns::new(ShutdownDeps {
            admission: admission.clone(),
            storage: Arc::clone(&self.storage),
            retention: self.retention.clone(),
            limit_state: self.limit_state.clone(),
            lifecycle: self.lifecycle.clone(),
            signals: self.signals.clone(),
            times,
            clock: self.clock(),
        });
        SupervisorDeps {
            admission,
            storage: Arc::clone(&self.storage),
            subscribers: self.subscribers.clone(),
            housekeeper: slots.housekeeper.as_ref().map(GuardedSlot::addr),
            shutdowns,
            patience: self.settings.patience,
            faults: self.faults.clone(),
        }
    }

    /// Lets rows be looked at again that an earlier start could not run. Posted before any claim, so
    /// the first one finds them.
    fn reconsider_waiting(&self) {
        let known_tasks = self.catalog.stored_names().map(str::to_owned).collect();
        let reconsider = Write::Reconsider(ReconsiderWaiting { known_tasks });
        drop(
            self.persistence
                .post(vec![reconsider], Patience::Endless, false),
        );
    }
}
