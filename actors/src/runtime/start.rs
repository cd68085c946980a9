//! Building the actors of a runtime on a thread of its own.

use std::fmt;
use std::sync::Arc;
use std::thread;

use actix::Addr;
use evertask_core::storage::{ProcessStart, QueueSelector, ReconsiderWaiting, Write};
use evertask_core::task::ProcessId;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, oneshot};

use super::client::Client;
use super::faults::FaultSwitch;
use super::lifecycle::{Lifecycle, RuntimeFault};
use super::settings::{Settings, StartError};
use crate::delivery::{DeliveryRegistry, RunDeps, SoloGate, StopSignals};
use crate::dispatch::{AdmissionDeps, Gates};
use crate::monitor::{Monitor, MonitorDeps, Publisher, Subscribers};
use crate::persistence::{Patience, Persistence, PersistenceClient, PersistenceDeps, WriteQueue};
use crate::pool::{ClaimLimits, PoolDeps, WorkerPool};
use crate::queue::{Gate, Queue};
use crate::scheduler::{Scheduler, SchedulerDeps};
use crate::supervision::{ActorName, CrashReport, CrashSink, GuardedSlot, RestartBudget, Verdict};
use crate::supervisor::{ShutdownDeps, ShutdownTimes, Shutdowns, Supervisor, SupervisorDeps};
use crate::task::HandlerCatalog;

/// A running runtime.
///
/// Dropping it without a shutdown is like a crash of the process: nothing more is stored, and the
/// next start picks the tasks up.
pub struct Runtime {
    client: Client,
    #[cfg(feature = "testing")]
    provoker: super::provoke::Provoker,
}

/// What a runtime's thread hands out once it is ready.
struct Ready {
    client: Client,
    #[cfg(feature = "testing")]
    provoker: super::provoke::Provoker,
}

/// How long one claim's payloads may be, together.
const MAX_CLAIM_BYTES: usize = 4 * 1024 * 1024;

/// No part of the design relies on a mailbox being bounded, so none is.
const MAILBOX: u16 = 0;

/// Starts a runtime and waits until it takes tasks.
///
/// # Errors
///
/// See [`StartError`]; nothing runs and nothing is stored then.
pub async fn start(settings: Settings) -> Result<Runtime, StartError> {
    settings.validate()?;
    let (ready, wait) = oneshot::channel();
    let lifecycle = Lifecycle::new();
    let ended = EndOnDrop(lifecycle.clone());
    thread::Builder::new()
        .name("evertask".to_owned())
        .spawn(move || {
            let _ended = ended;
            live(settings, lifecycle, ready);
        })?;
    let ready = wait.await.unwrap_or(Err(StartError::Ended))?;
    Ok(Runtime {
        client: ready.client,
        #[cfg(feature = "testing")]
        provoker: ready.provoker,
    })
}

/// The life of the thread.
fn live(
    settings: Settings,
    lifecycle: Lifecycle,
    ready: oneshot::Sender<Result<Ready, StartError>>,
) {
    let handlers = match handler_runtime(&settings) {
        Ok(handlers) => handlers,
        Err(error) => {
            ready.send(Err(error.into())).ok();
            return;
        }
    };
    let handle = handlers.handle().clone();
    actix_rt::System::new().block_on(async move {
        match assemble(settings, handle, lifecycle.clone()).await {
            Ok(started) => {
                if ready.send(Ok(started)).is_ok() {
                    lifecycle.closed().await;
                }
            }
            Err(error) => {
                ready.send(Err(error)).ok();
            }
        }
    });
    // Handlers that still run are left to themselves: a blocking one may never end.
    handlers.shutdown_background();
}

fn handler_runtime(settings: &Settings) -> std::io::Result<tokio::runtime::Runtime> {
    let parallelism: usize = settings.queues.iter().map(|queue| queue.parallelism).sum();
    let mut builder = Builder::new_multi_thread();
    if settings.handler_threads > 0 {
        builder.worker_threads(settings.handler_threads);
    }
    // Every slot may run a blocking body, and handlers may want some for themselves.
    builder.max_blocking_threads(parallelism.saturating_add(512));
    builder.thread_name("evertask-handler").enable_all().build()
}

async fn assemble(
    mut settings: Settings,
    handlers: Handle,
    lifecycle: Lifecycle,
) -> Result<Ready, StartError> {
    let catalog = Arc::new(std::mem::take(&mut settings.catalog).build()?);
    add_default_queue(&mut settings.queues);
    warn_of_unknown_queues(&catalog, &settings.queues);
    let now = settings.clock.now();
    let process = ProcessId(settings.ids.next(now));
    let start = ProcessStart {
        id: process,
        at: now,
    };
    let storage = settings.storage.open(start).await?;

    let faults = FaultSwitch::default();
    let slots = Slots::new(&settings.queues);
    let gates = slots.gates(&settings.queues);
    let subscribers = Subscribers::new();
    let persistence = PersistenceClient::new(slots.persistence.addr(), Arc::clone(&settings.clock));
    let client = Client {
        supervisor: slots.supervisor.addr(),
        subscribers: subscribers.clone(),
        lifecycle: lifecycle.clone(),
        clock: Arc::clone(&settings.clock),
        ids: Arc::clone(&settings.ids),
        parent: None,
    };
    let signals = StopSignals::default();
    let registry = DeliveryRegistry::new();
    let run = Arc::new(RunDeps {
        process,
        clock: Arc::clone(&settings.clock),
        ids: Arc::clone(&settings.ids),
        storage: Arc::clone(&storage),
        persistence: persistence.clone(),
        scheduler: slots.scheduler.addr(),
        handlers,
        client: client.clone(),
        signals: signals.clone(),
        abort_after: settings.abort_after,
        probation: settings.probation,
        decode_failures: settings.decode_failures,
    });
    let admission = AdmissionDeps {
        catalog: Arc::clone(&catalog),
        gates: Gates::new(&gates),
        registry: registry.clone(),
        persistence: persistence.clone(),
        scheduler: slots.scheduler.addr(),
        clock: Arc::clone(&settings.clock),
        ids: Arc::clone(&settings.ids),
        process,
        lifecycle: lifecycle.clone(),
        under_way: Arc::new(Semaphore::new(settings.max_dispatches)),
        max_under_way: settings.max_dispatches,
        max_payload: settings.max_payload,
        patience: settings.patience,
        round_trip_payloads: settings.round_trip_payloads,
    };
    let ready = Ready {
        client,
        #[cfg(feature = "testing")]
        provoker: slots.provoker(&faults),
    };
    let supervisor = SupervisorDeps {
        shutdowns: Shutdowns::new(ShutdownDeps {
            admission: admission.clone(),
            storage: Arc::clone(&storage),
            lifecycle: lifecycle.clone(),
            signals,
            times: ShutdownTimes {
                drain: settings.drain,
                grace: settings.grace,
                record: settings.abort_after,
            },
            clock: Arc::clone(&settings.clock),
        }),
        admission,
        storage: Arc::clone(&storage),
        subscribers: subscribers.clone(),
        patience: settings.patience,
        faults: faults.clone(),
    };
    let solo = SoloGate::default();
    let pools = gates.iter().map(|gate| PoolDeps {
        gate: Arc::clone(gate),
        catalog: Arc::clone(&catalog),
        registry: registry.clone(),
        persistence: persistence.clone(),
        storage: Arc::clone(&storage),
        run: Arc::clone(&run),
        solo: solo.clone(),
        process,
        clock: Arc::clone(&settings.clock),
        limits: ClaimLimits {
            max_bytes: MAX_CLAIM_BYTES,
            quarantine_after: settings.quarantine_after,
        },
        lifecycle: lifecycle.clone(),
        faults: faults.clone(),
    });
    let pools: Vec<_> = pools.collect();
    let persistence_deps = PersistenceDeps {
        storage,
        waiting: WriteQueue::default(),
        lane: Arc::new(Semaphore::new(1)),
        clock: Arc::clone(&settings.clock),
        publisher: Publisher::new(slots.monitor.addr(), subscribers.clone()),
        faults: faults.clone(),
    };
    let guard = Guard {
        clock: Arc::clone(&settings.clock),
        reports: crash_sink(lifecycle),
    };
    guard.start(
        slots.monitor,
        Monitor::new(MonitorDeps {
            subscribers,
            faults: faults.clone(),
        }),
    );
    guard.start(slots.persistence, Persistence::new(persistence_deps));
    let reconsider = Write::Reconsider(ReconsiderWaiting {
        known_tasks: catalog.names().map(str::to_owned).collect(),
    });
    // Posted before any claim: what waited for this start is there for the first one.
    drop(persistence.post(vec![reconsider], Patience::Endless, false));
    let scheduler = SchedulerDeps {
        gates,
        clock: Arc::clone(&settings.clock),
        faults,
    };
    guard.start(slots.scheduler, Scheduler::new(scheduler));
    for (slot, deps) in slots.pools.into_iter().zip(pools) {
        guard.start(slot, WorkerPool::new(deps));
    }
    guard.start(slots.supervisor, Supervisor::new(supervisor));
    Ok(ready)
}

fn add_default_queue(queues: &mut Vec<Queue>) {
    if !queues.iter().any(|queue| queue.name == Queue::DEFAULT) {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        queues.push(Queue::default_queue(cores));
    }
}

fn warn_of_unknown_queues(catalog: &HandlerCatalog, queues: &[Queue]) {
    for task in catalog.tasks() {
        let Some(wanted) = &task.options.queue else {
            continue;
        };
        if !queues.iter().any(|queue| queue.name == *wanted) {
            let (task, queue) = (task.name, wanted);
            tracing::warn!(
                task,
                queue,
                "the queue is not configured, using the default one"
            );
        }
    }
}

/// The addresses of all actors, before any of them exists.
struct Slots {
    supervisor: GuardedSlot<Supervisor>,
    persistence: GuardedSlot<Persistence>,
    scheduler: GuardedSlot<Scheduler>,
    monitor: GuardedSlot<Monitor>,
    pools: Vec<GuardedSlot<WorkerPool>>,
}

impl Slots {
    fn new(queues: &[Queue]) -> Self {
        let pool = |queue: &Queue| {
            GuardedSlot::new(ActorName::from(format!("pool {}", queue.name)), MAILBOX)
        };
        Self {
            supervisor: GuardedSlot::new(ActorName::from("supervisor"), MAILBOX),
            persistence: GuardedSlot::new(ActorName::from("persistence"), MAILBOX),
            scheduler: GuardedSlot::new(ActorName::from("scheduler"), MAILBOX),
            monitor: GuardedSlot::new(ActorName::from("monitor"), MAILBOX),
            pools: queues.iter().map(pool).collect(),
        }
    }

    fn gates(&self, queues: &[Queue]) -> Vec<Arc<Gate>> {
        let others: Vec<_> = queues.iter().map(|queue| queue.name.clone()).collect();
        let others: Vec<_> = others
            .into_iter()
            .filter(|name| name != Queue::DEFAULT)
            .collect();
        let gate = |(queue, slot): (&Queue, &GuardedSlot<WorkerPool>)| {
            let selector = if queue.name == Queue::DEFAULT {
                QueueSelector::AllExcept(others.clone())
            } else {
                QueueSelector::Only(queue.name.clone())
            };
            Arc::new(Gate::new(queue.clone(), selector, slot.addr()))
        };
        queues.iter().zip(&self.pools).map(gate).collect()
    }
}

/// What all actors are guarded with.
struct Guard {
    clock: Arc<dyn evertask_core::time::Clock>,
    reports: CrashSink,
}

impl Guard {
    fn start<A>(&self, slot: GuardedSlot<A>, actor: A) -> Addr<A>
    where
        A: actix::Actor<Context = actix::Context<A>> + actix::Supervised,
    {
        let addr = slot.addr();
        let clock = Arc::clone(&self.clock);
        let reports = Arc::clone(&self.reports);
        drop(slot.start(actor, RestartBudget::default(), clock, reports));
        addr
    }
}

/// Reports crashes to the log, and ends the runtime when an actor is given up.
fn crash_sink(lifecycle: Lifecycle) -> CrashSink {
    Arc::new(move |report: CrashReport| {
        let CrashReport {
            actor,
            life,
            panic,
            verdict,
            ..
        } = report;
        let first = lifecycle.note_panic(&panic);
        tracing::error!(%actor, life, panic, ?verdict, "an actor crashed");
        if verdict == Verdict::GiveUp {
            lifecycle.end(Err(RuntimeFault::ActorGaveUp {
                actor,
                panic: first,
            }));
        }
    })
}

/// Marks the runtime as ended when its thread ends, for whatever reason.
struct EndOnDrop(Lifecycle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(Err(RuntimeFault::Abandoned));
    }
}

impl Runtime {
    /// The client of this runtime.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let lifecycle = &self.client.lifecycle;
        if !lifecycle.has_ended() {
            tracing::warn!(
                "the last handle was dropped without a shutdown; running tasks are interrupted as \
                 by a crash and run again after the next start"
            );
            lifecycle.end(Err(RuntimeFault::Abandoned));
        }
        lifecycle.close();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Runtime").finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl Slots {
    fn provoker(&self, faults: &FaultSwitch) -> super::provoke::Provoker {
        super::provoke::Provoker {
            supervisor: self.supervisor.addr(),
            persistence: self.persistence.addr(),
            scheduler: self.scheduler.addr(),
            monitor: self.monitor.addr(),
            pools: self.pools.iter().map(GuardedSlot::addr).collect(),
            faults: faults.clone(),
        }
    }
}

#[cfg(feature = "testing")]
impl Runtime {
    /// Makes one of the runtime's own actors crash.
    pub fn provoke(&self, provocation: super::faults::Provocation) {
        self.provoker.provoke(provocation);
    }
}
