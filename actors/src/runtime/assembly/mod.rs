//! Wiring the actors of a runtime.
//!
//! All addresses are made first, then everything that is shared, then the actors: so that no actor
//! has to do without the address of another.

mod guard;
mod slots;
mod wiring;

use std::sync::Arc;

use evertask_core::limit::SharedLimiter;
use evertask_core::storage::ProcessStart;
use evertask_core::task::ProcessId;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::slots::Slots;
use self::wiring::Wiring;
use super::client::Client;
use super::faults::FaultSwitch;
use super::lifecycle::Lifecycle;
use super::settings::{Settings, StartError};
use crate::delivery::{DeliveryRegistry, StopSignals};
use crate::monitor::{Publisher, Subscribers};
use crate::persistence::{HealthSignal, PersistenceClient};
use crate::queue::{Gates, QueueConfig, QueueError, TurnKeeper};
use crate::retention::{Retention, RetentionDeps};
use crate::task::HandlerCatalog;
use crate::throttle::{Notices, RateLimitDeps, RateLimits, Rates, StateFile};
use crate::waiting::Ends;

/// What a runtime's thread hands out once it takes tasks.
pub(super) struct Ready {
    pub(super) client: Client,
    #[cfg(feature = "testing")]
    pub(super) provoker: super::provoke::Provoker,
}

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
    let gates_by_name = Gates::new(&gates, publisher.clone());
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
    let limit_state = limit_state(&settings).await?;
    let limits = rate_limits(
        &settings,
        limit_state.as_ref(),
        (&catalog, &queues),
        publisher,
        &handlers,
    );
    let wiring = Wiring {
        limits,
        limit_state,
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

/// What was spent before, if that is kept.
async fn limit_state(settings: &Settings) -> Result<Option<StateFile>, StartError> {
    let Some(path) = settings.limit_state.clone() else {
        return Ok(None);
    };
    let begun = StateFile::begin(path.clone(), settings.clock.now()).await;
    let failed = |source| StartError::LimitState { path, source };
    begun.map(Some).map_err(failed)
}

/// The limits of all types and queues, and who decides about them.
fn rate_limits(
    settings: &Settings,
    state: Option<&StateFile>,
    (catalog, queues): (&HandlerCatalog, &[QueueConfig]),
    publisher: Publisher,
    handlers: &Handle,
) -> RateLimits {
    let of_queues = queues.iter();
    let of_queues = of_queues.filter_map(|queue| Some((queue.name.clone(), queue.rate?)));
    let clock = Arc::clone(&settings.clock);
    RateLimits::new(RateLimitDeps {
        limiter: settings.limiter.clone().unwrap_or_else(|| match state {
            Some(state) => Arc::<SharedLimiter>::clone(state.limiter()),
            None => Arc::new(SharedLimiter::default()),
        }),
        rates: Rates::new(catalog.rates(), of_queues),
        max_parked: settings.max_throttled,
        notices: Notices::new(publisher, Arc::clone(&clock), handlers.clone()),
        clock,
        threads: handlers.clone(),
    })
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
