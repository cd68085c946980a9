//! From a dispatch to a stored row with a place, or without one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::audit::AuditLevel;
use evertask_core::rank::Rank;
use evertask_core::schedule::Recurrence;
use evertask_core::storage::{Answer, InsertAnswer, NewTask, Write};
use evertask_core::task::{
    Generation, IdSource, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord,
};
use evertask_core::time::{Clock, LATEST, Timestamp, later, to_micros};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{DispatchOutcome, Dispatched, KeptReason};
use super::check::{check, deadline_of, recurrence_of, series_of};
use super::error::DispatchError;
use super::message::{Dispatch, When};
use crate::delivery::{Delivery, DeliveryRegistry, Registration};
use crate::persistence::{Patience, PersistenceClient, WriteError};
use crate::pool::{Deliver, SweepOrphans};
use crate::queue::{AwaitsTurn, Gate, Place, Queue, Spill, Turn, TurnKeeper, WhenFull};
use crate::runtime::Lifecycle;
use crate::scheduler::{Scheduler, WakeAt};
use crate::supervision::tell;
use crate::task::{HandlerCatalog, Payload, RegisteredTask};

/// What admitting a dispatch needs.
#[derive(Clone)]
pub(crate) struct AdmissionDeps {
    pub(crate) catalog: Arc<HandlerCatalog>,
    pub(crate) gates: Gates,
    pub(crate) registry: DeliveryRegistry,
    pub(crate) turns: TurnKeeper,
    pub(crate) persistence: PersistenceClient,
    pub(crate) scheduler: Addr<Scheduler>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) process: ProcessId,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) under_way: Arc<Semaphore>,
    pub(crate) max_under_way: usize,
    pub(crate) max_payload: usize,
    pub(crate) patience: Duration,
    pub(crate) round_trip_payloads: bool,
    pub(crate) audit_level: AuditLevel,
}

/// The queues by name.
#[derive(Clone)]
pub(crate) struct Gates(Arc<HashMap<String, Arc<Gate>>>);

impl Gates {
    pub(crate) fn new(gates: &[Arc<Gate>]) -> Self {
        let named = gates
            .iter()
            .map(|gate| (gate.name().to_owned(), Arc::clone(gate)));
        Self(Arc::new(named.collect()))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Gate>> {
        self.0.values()
    }

    /// The queue of that name, or the default one with a warning.
    fn get(&self, name: &str) -> Option<&Arc<Gate>> {
        self.0.get(name).or_else(|| {
            tracing::warn!(
                queue = name,
                "the queue is not configured, using the default one"
            );
            self.0.get(Queue::DEFAULT)
        })
    }
}

/// Where the row goes once it is stored.
enum Route {
    /// To its pool: a place, an entry in the registry and a turn are taken.
    Window(Place, Registration, Turn),
    /// It stays stored and is claimed when there is room; the claim waits for this insert.
    Spilled(Spill),
    /// It stays stored and is claimed when it has a turn; it is in nobody's way.
    AwaitsTurn(AwaitsTurn),
    /// It stays stored and is claimed when it is due.
    Later(Timestamp),
}

/// A dispatch that was found good, with everything taken that it needs.
pub(crate) struct Admitted {
    deps: AdmissionDeps,
    task: RegisteredTask,
    gate: Arc<Gate>,
    payload: Payload,
    row: NewTask,
    recurrence: Option<Recurrence>,
    route: Route,
    _under_way: OwnedSemaphorePermit,
}

/// Checks a dispatch and takes a place for it; nothing is stored yet.
pub(crate) fn admit(deps: &AdmissionDeps, dispatch: Dispatch) -> Result<Admitted, DispatchError> {
    if deps.lifecycle.is_stopped() {
        return Err(DispatchError::ShuttingDown);
    }
    let Some(task) = deps.catalog.get(dispatch.task) else {
        let task = dispatch.task.to_owned();
        return Err(DispatchError::UnknownTask { task });
    };
    let encoded = check(&dispatch, deps.max_payload)?;
    if let Some(retry) = &dispatch.retry {
        deps.catalog.check_retry(retry)?;
    }
    let audit_level = dispatch.audit_level.or(task.options.audit_level);
    let wanted = dispatch.queue.as_deref().or(task.options.queue.as_deref());
    let gate = deps.gates.get(wanted.unwrap_or(Queue::DEFAULT));
    let gate = Arc::clone(gate.ok_or(DispatchError::ShuttingDown)?);
    let under_way = Arc::clone(&deps.under_way).try_acquire_owned();
    let under_way = under_way.map_err(|_| DispatchError::Overloaded {
        limit: deps.max_under_way,
    })?;
    let now = deps.clock.now();
    let id = dispatch.id.unwrap_or_else(|| TaskId(deps.ids.next(now)));
    let due = due_at(dispatch.when, now);
    let series = series_of(&dispatch, due.unwrap_or(now))?;
    let deadline = deadline_of(&dispatch, task.options.start_within, due.unwrap_or(now));
    let recurrence = recurrence_of(series.as_ref())?;
    let priority = dispatch.priority.or(task.options.priority).unwrap_or(0);
    let rank = Rank::new(now, priority, id, gate.config.ageing);
    let payload = Arc::clone(&dispatch.payload);
    let definition = TaskDefinition {
        queue: gate.name().to_owned(),
        scheduled_at: due,
        priority,
        audit_level: audit_level.unwrap_or(deps.audit_level),
        deadline,
        series,
        ..define(dispatch, id, &encoded, now)
    };
    let route = route(deps, &gate, rank, &definition, due.filter(|due| *due > now))?;
    let row = row(definition, &route, deps.process, now);
    Ok(Admitted {
        deps: deps.clone(),
        task: task.clone(),
        gate,
        payload,
        row,
        recurrence,
        route,
        _under_way: under_way,
    })
}

fn due_at(when: When, now: Timestamp) -> Option<Timestamp> {
    match when {
        When::Now => None,
        When::After(delay) => Some(later(now, delay)),
        When::At(instant) => Some(to_micros(instant.min(LATEST))),
    }
}

fn route(
    deps: &AdmissionDeps,
    gate: &Arc<Gate>,
    rank: Rank,
    definition: &TaskDefinition,
    later: Option<Timestamp>,
) -> Result<Route, DispatchError> {
    let id = definition.id;
    if let Some(at) = later {
        return Ok(Route::Later(at));
    }
    // A draining runtime starts nothing, and an id that is under way is stored already: both only
    // have to reach the storage, however full the window is.
    if !deps.lifecycle.is_running() || deps.registry.contains(id) {
        return Ok(Route::Spilled(gate.begin_spill(rank)));
    }
    let Some(turn) = deps.turns.take_live(definition) else {
        return Ok(Route::AwaitsTurn(deps.turns.awaits(definition, gate)));
    };
    if let Some(place) = gate.take_place()
        && let Some(registration) = deps.registry.register(id)
    {
        return Ok(Route::Window(place, registration, turn));
    }
    match gate.config.when_full {
        WhenFull::Reject if gate.is_full() => Err(DispatchError::QueueFull {
            queue: gate.name().to_owned(),
        }),
        WhenFull::Spill | WhenFull::Reject => Ok(Route::Spilled(gate.begin_spill(rank))),
    }
}

fn define(dispatch: Dispatch, id: TaskId, encoded: &str, now: Timestamp) -> TaskDefinition {
    TaskDefinition {
        payload_version: dispatch.version,
        tags: dispatch.tags,
        correlation_id: dispatch.correlation_id,
        concurrency_key: dispatch.concurrency_key,
        parent_id: dispatch.parent_id,
        retry: dispatch.retry,
        timeout: dispatch.timeout,
        trace: dispatch.trace,
        ..TaskDefinition::new(id, dispatch.task, encoded, now)
    }
}

fn row(definition: TaskDefinition, route: &Route, process: ProcessId, now: Timestamp) -> NewTask {
    let state = match route {
        Route::Window(..) => RowState::queued(now, process),
        Route::Spilled(_) | Route::AwaitsTurn(_) => RowState::waiting(now),
        Route::Later(at) => RowState::waiting(*at),
    };
    let state = RowState {
        next_run_at: definition.series.as_ref().map(|series| series.anchor),
        start_by: definition.deadline,
        ..state
    };
    NewTask::new(TaskRecord {
        definition,
        generation: Generation::default(),
        state,
    })
}

impl Admitted {
    /// Stores the row and hands it over. Runs to its end even if the caller has gone.
    pub(crate) async fn store(self) -> Result<Dispatched, DispatchError> {
        let id = self.row.record.definition.id;
        let insert = Write::Insert(Box::new(self.row.clone()));
        let patience = Patience::For(self.deps.patience);
        let answer = match self.deps.persistence.apply_one(insert, patience).await {
            Ok(Answer::Insert(answer)) => answer,
            Ok(_) | Err(WriteError::Lost) => {
                tell(&self.gate.pool, SweepOrphans);
                return Err(DispatchError::Unknown { id });
            }
            Err(WriteError::Ended) => return Err(DispatchError::Unknown { id }),
            Err(error @ (WriteError::Rejected(_) | WriteError::Unavailable(_))) => {
                let reason = error.to_string();
                return Err(DispatchError::Storage { reason });
            }
        };
        match answer {
            InsertAnswer::Stored => self.hand_over(DispatchOutcome::Created),
            InsertAnswer::Exists(found) => self.recognise(*found),
            InsertAnswer::KeyTaken(holder) => {
                let reason = format!("the task {} holds its key", holder.definition.id);
                Err(DispatchError::Storage { reason })
            }
        }
    }

    /// The id was stored before: by this very insert, whose answer was lost, or by an earlier one.
    fn recognise(self, found: TaskRecord) -> Result<Dispatched, DispatchError> {
        let id = found.definition.id;
        let wanted = &self.row.record.definition;
        let stored = &found.definition;
        let renamed = self.deps.catalog.stored_as(&stored.task);
        let same_task = renamed.is_some_and(|task| task.name == wanted.task);
        // Payloads of two versions can't be compared: whoever repeats a dispatch after an update
        // means the task that is stored.
        let same_payload =
            stored.payload_version != wanted.payload_version || stored.payload == wanted.payload;
        if !(same_task && same_payload) {
            let task = found.definition.task;
            return Err(DispatchError::IdTaken { id, task });
        }
        // Owned by this process, never written since, and nobody but this dispatch has the entry of
        // the id: it is the row this dispatch stored.
        let untouched = found.generation == Generation::default();
        let own = found.state.owner == Some(self.deps.process) && untouched;
        if own && matches!(self.route, Route::Window(..)) {
            return self.hand_over(DispatchOutcome::Created);
        }
        if let (Some(at), true) = (found.state.available_at, untouched) {
            let gate = Arc::clone(&self.gate);
            tell(&self.deps.scheduler, WakeAt { gate, at });
        }
        let outcome = DispatchOutcome::Existing(KeptReason::SameId);
        Ok(Dispatched::new(id, outcome))
    }

    fn hand_over(self, outcome: DispatchOutcome) -> Result<Dispatched, DispatchError> {
        let record = self.row.record;
        let id = record.definition.id;
        match self.route {
            Route::Window(place, registration, turn) => {
                if !self.gate.pool.connected() {
                    return Err(DispatchError::NotHandedOver { id });
                }
                let live = (!self.deps.round_trip_payloads).then_some(self.payload);
                let gate = &self.gate;
                let mut delivery =
                    Delivery::new(record, live, &self.task, gate, registration, place);
                delivery.recurrence = self.recurrence;
                delivery.turn = Some(turn);
                tell(&gate.pool, Deliver(Box::new(delivery)));
            }
            Route::Spilled(spill) => drop(spill),
            Route::AwaitsTurn(awaits) => drop(awaits),
            Route::Later(at) => {
                let gate = self.gate;
                tell(&self.deps.scheduler, WakeAt { gate, at });
            }
        }
        Ok(Dispatched::new(id, outcome))
    }
}
