//! Wiring the actors of a runtime.
//!
//! All addresses are made first, then everything that is shared, then the actors: so that no actor
//! has to do without the address of another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Supervised};
use evertask_core::storage::{ProcessStart, QueueSelector, ReconsiderWaiting, TaskStorage, Write};
use evertask_core::task::ProcessId;
use evertask_core::time::Clock;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::client::Client;
use super::faults::FaultSwitch;
use super::lifecycle::{Lifecycle, RuntimeFault};
use super::settings::{Settings, StartError};
use crate::delivery::{DeliveryRegistry, RunDeps, SoloGate, StopSignals};
use crate::dispatch::{AdmissionDeps, KeyTurns};
use crate::monitor::{Monitor, MonitorDeps, Publisher, Subscribers};
use crate::persistence::{
    HealthSignal, Patience, Persistence, PersistenceClient, PersistenceDeps, WriteQueue,
};
use crate::pool::{ClaimLimits, PoolDeps, WorkerPool};
use crate::queue::{Gate, Gates, Queue, QueueConfig, QueueError, TurnKeeper};
use crate::retention::{Housekeeper, HousekeeperDeps, Retention, RetentionDeps};
use crate::scheduler::{Scheduler, SchedulerDeps};
use crate::supervision::{ActorName, CrashReport, CrashSink, GuardedSlot, RestartBudget, Verdict};
use crate::supervisor::{ShutdownDeps, ShutdownTimes, Shutdowns, Supervisor, SupervisorDeps};
use crate::task::HandlerCatalog;
use crate::waiting::Ends;

/// What a runtime's thread hands out once it takes tasks.
pub(super) struct Ready {
    pub(super) client: Client,
    #[cfg(feature = "testing")]
    pub(super) provoker: super::provoke::Provoker,
}

/// How long one claim's payloads may be, together.
const MAX_CLAIM_BYTES: usize = 4 * 1024 * 1024;

/// No part of the design relies on a mailbox being bounded, so none is.
const MAILBOX: u16 = 0;

/// Opens the storage and starts all actors on the current arbiter.
pub(super) async fn assemble(
    mut settings: Settings,
    queues: Vec<QueueConfig>,
    handlers: Handle,
    lifecycle: Lifecycle,
) -> Result<Ready, StartError> {
    let catalog = Arc::new(std::mem::take(&mut settings.catalog).build()?);
    check_retries(&catalog, &settings, &queues)?;
    let at = settings.clock.now();
    let process = ProcessId(settings.ids.next(at));
    let storage = settings
        .storage
        .open(ProcessStart { id: process, at })
        .await?;
    let slots = Slots::new(&settings, &queues);
    let gates = slots.gates(&queues);
    let subscribers = Subscribers::new();
    let publisher = Publisher::new(slots.monitor.addr(), subscribers.clone());
    let gates_by_name = Gates::new(&gates, publisher);
    warn_of_unknown_queues(&catalog, &gates_by_name);
    // Before anything starts: what was paused stays paused.
    gates_by_name.begin_look(settings.clock.elapsed());
    gates_by_name.apply_all(&storage.queries().queue_settings().await?);
    let registry = DeliveryRegistry::new();
    let retention = settings.retention.take().map(|policy| {
        Retention::new(RetentionDeps {
            policy,
            storage: Arc::clone(&storage),
            clock: Arc::clone(&settings.clock),
            lifecycle: lifecycle.clone(),
            turn: Semaphore::new(1),
        })
    });
    let wiring = Wiring {
        turns: TurnKeeper::new(&catalog),
        gates,
        gates_by_name,
        persistence: PersistenceClient::new(slots.persistence.addr(), Arc::clone(&settings.clock)),
        catalog,
        process,
        storage,
        lifecycle,
        subscribers,
        health: HealthSignal::new(),
        ends: Ends::new(&registry),
        registry,
        signals: StopSignals::default(),
        faults: FaultSwitch::default(),
        retention,
        settings,
    };
    Ok(wiring.start(slots, handlers))
}

/// The addresses of all actors, before any of them exists.
struct Slots {
    supervisor: GuardedSlot<Supervisor>,
    persistence: GuardedSlot<Persistence>,
    scheduler: GuardedSlot<Scheduler>,
    monitor: GuardedSlot<Monitor>,
    /// There if a retention policy is set.
    housekeeper: Option<GuardedSlot<Housekeeper>>,
    pools: Vec<GuardedSlot<WorkerPool>>,
}

/// What the actors share.
struct Wiring {
    settings: Settings,
    catalog: Arc<HandlerCatalog>,
    process: ProcessId,
    storage: Arc<dyn TaskStorage>,
    lifecycle: Lifecycle,
    gates: Vec<Arc<Gate>>,
    gates_by_name: Gates,
    persistence: PersistenceClient,
    subscribers: Subscribers,
    health: HealthSignal,
    registry: DeliveryRegistry,
    turns: TurnKeeper,
    ends: Ends,
    signals: StopSignals,
    faults: FaultSwitch,
    retention: Option<Retention>,
}

impl Wiring {
    fn start(self, slots: Slots, handlers: Handle) -> Ready {
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

impl Slots {
    fn new(settings: &Settings, queues: &[QueueConfig]) -> Self {
        let pool = |queue: &QueueConfig| {
            GuardedSlot::new(ActorName::from(format!("pool {}", queue.name)), MAILBOX)
        };
        Self {
            supervisor: GuardedSlot::new(ActorName::from("supervisor"), MAILBOX),
            persistence: GuardedSlot::new(ActorName::from("persistence"), MAILBOX),
            scheduler: GuardedSlot::new(ActorName::from("scheduler"), MAILBOX),
            monitor: GuardedSlot::new(ActorName::from("monitor"), MAILBOX),
            housekeeper: settings
                .retention
                .as_ref()
                .map(|_| GuardedSlot::new(ActorName::from("housekeeper"), MAILBOX)),
            pools: queues.iter().map(pool).collect(),
        }
    }

    fn gates(&self, queues: &[QueueConfig]) -> Vec<Arc<Gate>> {
        let names = queues.iter().map(|queue| queue.name.clone());
        let others: Vec<_> = names.filter(|name| name != Queue::DEFAULT).collect();
        let gate = |(queue, slot): (&QueueConfig, &GuardedSlot<WorkerPool>)| {
            let selector = if queue.name == Queue::DEFAULT {
                QueueSelector::AllExcept(others.clone())
            } else {
                QueueSelector::Only(queue.name.clone())
            };
            Arc::new(Gate::new(queue.clone(), selector, slot.addr()))
        };
        queues.iter().zip(&self.pools).map(gate).collect()
    }

    #[cfg(feature = "testing")]
    fn provoker(&self, faults: &FaultSwitch) -> super::provoke::Provoker {
        super::provoke::Provoker {
            supervisor: self.supervisor.addr(),
            persistence: self.persistence.addr(),
            scheduler: self.scheduler.addr(),
            monitor: self.monitor.addr(),
            housekeeper: self.housekeeper.as_ref().map(GuardedSlot::addr),
            pools: self.pools.iter().map(GuardedSlot::addr).collect(),
            faults: faults.clone(),
        }
    }
}

/// Whether the names of retry policies stand for something.
fn check_retries(
    catalog: &HandlerCatalog,
    settings: &Settings,
    queues: &[QueueConfig],
) -> Result<(), StartError> {
    catalog.check_retry(&settings.retry)?;
    for queue in queues {
        if let Some(retry) = &queue.retry {
            let named = |source| QueueError::Retry {
                queue: queue.name.clone(),
                source,
            };
            catalog.check_retry(retry).map_err(named)?;
        }
    }
    Ok(())
}

fn warn_of_unknown_queues(catalog: &HandlerCatalog, gates: &Gates) {
    let wanted = catalog
        .tasks()
        .filter_map(|task| task.options.queue.as_deref());
    for name in wanted.filter(|name| gates.find(name).is_none()) {
        gates.warn_of_unknown(name);
    }
}

/// What all actors are guarded with.
struct Guard {
    clock: Arc<dyn Clock>,
    reports: CrashSink,
}

impl Guard {
    fn start<A>(&self, slot: GuardedSlot<A>, actor: A)
    where
        A: Actor<Context = Context<A>> + Supervised,
    {
        let clock = Arc::clone(&self.clock);
        let reports = Arc::clone(&self.reports);
        // The handle is not needed: whoever is given up is reported.
        drop(slot.start(actor, RestartBudget::default(), clock, reports));
    }
}

/// Reports crashes to the log, and ends the runtime when an actor is given up.
///
/// A fault says what the first of the panics said that spent the budget: later ones may be its
/// consequences, and what was survived before has nothing to do with it.
fn crash_sink(lifecycle: Lifecycle) -> CrashSink {
    let first_panics = Mutex::new(HashMap::<ActorName, String>::new());
    Arc::new(move |report: CrashReport| {
        let CrashReport {
            actor,
            life,
            panic,
            verdict,
            ..
        } = report;
        lifecycle.note_crash();
        let mut first_panics = first_panics.lock();
        if verdict == Verdict::RestartAfter(Duration::ZERO) {
            first_panics.remove(&actor);
        }
        let first = first_panics.entry(actor.clone());
        let first = first.or_insert_with(|| panic.clone()).clone();
        tracing::error!(%actor, life, panic, ?verdict, "an actor crashed");
        if verdict == Verdict::GiveUp {
            lifecycle.end(Err(RuntimeFault::ActorGaveUp {
                actor,
                panic: first,
            }));
        }
    })
}
