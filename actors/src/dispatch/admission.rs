//! From a dispatch to a stored row with a place, or without one.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::audit::AuditLevel;
use evertask_core::key::KeptReason;
use evertask_core::schedule::Recurrence;
use evertask_core::storage::{Answer, InsertAnswer, NewTask, Write};
use evertask_core::task::{
    Generation, IdSource, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord,
};
use evertask_core::time::{Clock, LATEST, Timestamp, later, to_micros};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::answer::{DispatchOutcome, Dispatched};
use super::check::{check, deadline_of, key_of, recurrence_of, series_of};
use super::error::DispatchError;
use super::message::{Dispatch, When};
use super::route::{Route, Routed, Wanted};
use super::turns::KeyTurns;
use crate::delivery::{Delivery, DeliveryRegistry};
use crate::persistence::{Patience, PersistenceClient, WriteError};
use crate::pool::{Deliver, SweepOrphans};
use crate::queue::{Gate, Gates, Queue, Waiting};
use crate::runtime::Lifecycle;
use crate::scheduler::{Scheduler, WakeAt};
use crate::supervision::tell;
use crate::task::{HandlerCatalog, Payload, RegisteredTask, TaskOptions};

/// What admitting a dispatch needs.
#[derive(Clone)]
pub(crate) struct AdmissionDeps {
    pub(crate) catalog: Arc<HandlerCatalog>,
    pub(crate) gates: Gates,
    pub(crate) registry: DeliveryRegistry,
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
    pub(crate) key_turns: KeyTurns,
}

/// A dispatch that was found good, with everything taken that it needs.
pub(crate) struct Admitted {
    pub(super) deps: AdmissionDeps,
    task: RegisteredTask,
    pub(super) gate: Arc<Gate>,
    payload: Payload,
    pub(super) row: NewTask,
    recurrence: Option<Recurrence>,
    route: Route,
    caller_gone: Option<CancellationToken>,
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
    let key = key_of(&dispatch)?;
    if let Some(retry) = &dispatch.retry {
        deps.catalog.check_retry(retry)?;
    }
    let audit_level = dispatch.audit_level.or(task.options.audit_level);
    let named = dispatch.queue.as_deref().or(task.options.queue.as_deref());
    let unnamed = match dispatch.series {
        Some(_) => Queue::RECURRING,
        None => Queue::DEFAULT,
    };
    let gate = deps.gates.get(named.unwrap_or(unnamed));
    let declared = gate.ok_or(DispatchError::ShuttingDown)?;
    let under_way = Arc::clone(&deps.under_way).try_acquire_owned();
    let under_way = under_way.map_err(|_| DispatchError::Overloaded {
        limit: deps.max_under_way,
    })?;
    let now = deps.clock.now();
    let id = dispatch.id.unwrap_or_else(|| TaskId(deps.ids.next(now)));
    let due = due_at(dispatch.when, now);
    let series = series_of(&dispatch, due.unwrap_or(now))?;
    let held = dispatch
        .key_for
        .filter(|_| key.is_some() && series.is_none());
    let deadline = deadline_of(&dispatch, task.options.start_within, due.unwrap_or(now));
    let recurrence = recurrence_of(series.as_ref())?;
    let priority = dispatch.priority.or(task.options.priority).unwrap_or(0);
    let wanted = Wanted {
        gate: declared,
        id,
        now,
        priority,
        later: due.filter(|due| *due > now),
        is_series: series.is_some(),
        is_from_handler: dispatch.caller.is_handler,
    };
    let Routed { gate, route } = wanted.route(deps)?;
    let payload = Arc::clone(&dispatch.payload);
    let caller_gone = dispatch.caller.gone.clone();
    let mut definition = TaskDefinition {
        queue: gate.name().to_owned(),
        scheduled_at: due,
        priority,
        audit_level: audit_level.unwrap_or(deps.audit_level),
        key,
        key_until: held.map(|time| later(now, time)),
        deadline,
        series,
        ..define(dispatch, id, &encoded, now)
    };
    if !Arc::ptr_eq(declared, &gate) {
        keep_defaults(&mut definition, &task.options, declared);
    }
    let row = row(definition, &route, deps.process, now);
    Ok(Admitted {
        deps: deps.clone(),
        task: task.clone(),
        gate,
        payload,
        row,
        recurrence,
        route,
        caller_gone,
        _under_way: under_way,
    })
}

/// Has a task that goes to another queue keep what its own one says.
fn keep_defaults(definition: &mut TaskDefinition, options: &TaskOptions, declared: &Gate) {
    let config = &declared.config;
    if definition.retry.is_none() && options.retry.is_none() {
        definition.retry.clone_from(&config.retry);
    }
    if definition.timeout.is_none() && options.timeout.is_none() {
        definition.timeout = config.timeout;
    }
}

fn due_at(when: When, now: Timestamp) -> Option<Timestamp> {
    match when {
        When::Now => None,
        When::After(delay) => Some(later(now, delay)),
        When::At(instant) => Some(to_micros(instant.min(LATEST))),
    }
}

fn define(dispatch: Dispatch, id: TaskId, encoded: &str, now: Timestamp) -> TaskDefinition {
    TaskDefinition {
        payload_version: dispatch.version,
        tags: dispatch.tags,
        correlation_id: dispatch.correlation_id,
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
        Route::Spilled(..) => RowState::waiting(now),
        Route::Later(at) => RowState::waiting(*at),
    };
    let state = RowState {
        next_run_at: definition.series.as_ref().map(|series| series.anchor),
        active_key: definition.key.clone(),
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
    /// Stores the row, hands it over and waits for its place if its queue says so. Runs to its end even
    /// if the caller has gone.
    pub(crate) async fn store(mut self) -> Result<Dispatched, DispatchError> {
        let now = self.row.record.definition.created_at;
        let waiting = self.route.take_waiting();
        let caller_gone = self.caller_gone.take();
        let lifecycle = self.deps.lifecycle.clone();
        let answer = self.insert().await?;
        let waiting = waiting.filter(|_| waits_for_a_place(&answer, now));
        if let Some(waiting) = &waiting {
            waiting.note_stored();
        }
        let dispatched = match answer {
            InsertAnswer::Stored => self.hand_over(DispatchOutcome::Created),
            InsertAnswer::Exists(found) => self.recognise(*found),
            InsertAnswer::KeyTaken(holder) => self.come_to_terms(*holder).await,
        }?;
        if let Some(waiting) = waiting {
            wait_for_place(&waiting, caller_gone, &lifecycle).await;
        }
        Ok(dispatched)
    }

    pub(super) async fn insert(&self) -> Result<InsertAnswer, DispatchError> {
        let insert = Write::Insert(Box::new(self.row.clone()));
        match self.write(insert).await? {
            Answer::Insert(answer) => Ok(answer),
            _ => Err(self.unknown()),
        }
    }

    /// Commits a write of this dispatch.
    pub(super) async fn write(&self, write: Write) -> Result<Answer, DispatchError> {
        let patience = Patience::For(self.deps.patience);
        match self.deps.persistence.apply_one(write, patience).await {
            Ok(answer) => Ok(answer),
            Err(WriteError::Lost) => Err(self.unknown()),
            Err(WriteError::Ended) => Err(DispatchError::Unknown { id: self.id() }),
            Err(error @ (WriteError::Rejected(_) | WriteError::Unavailable(_))) => {
                let reason = error.to_string();
                Err(DispatchError::Storage { reason })
            }
        }
    }

    /// Nobody knows what became of a write: should it be stored, its row is nobody's.
    pub(super) fn unknown(&self) -> DispatchError {
        tell(&self.gate.pool, SweepOrphans);
        DispatchError::Unknown { id: self.id() }
    }

    fn id(&self) -> TaskId {
        self.row.record.id()
    }

    /// The id was stored before: by this very insert, whose answer was lost, or by an earlier one.
    pub(super) fn recognise(self, found: TaskRecord) -> Result<Dispatched, DispatchError> {
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

    pub(super) fn hand_over(self, outcome: DispatchOutcome) -> Result<Dispatched, DispatchError> {
        let record = self.row.record;
        let id = record.definition.id;
        match self.route {
            Route::Window(place, registration) => {
                if !self.gate.pool.connected() {
                    return Err(DispatchError::NotHandedOver { id });
                }
                let live = (!self.deps.round_trip_payloads).then_some(self.payload);
                let gate = &self.gate;
                let mut delivery =
                    Delivery::new(record, live, &self.task, gate, registration, place);
                delivery.recurrence = self.recurrence;
                tell(&gate.pool, Deliver(Box::new(delivery)));
            }
            Route::Spilled(spill, _) => drop(spill),
            Route::Later(at) => {
                let gate = self.gate;
                tell(&self.deps.scheduler, WakeAt { gate, at });
            }
        }
        Ok(Dispatched::new(id, outcome))
    }
}

/// Whether the stored row waits for a place, and not for its time or for nothing any more.
fn waits_for_a_place(answer: &InsertAnswer, now: Timestamp) -> bool {
    match answer {
        InsertAnswer::Stored => true,
        InsertAnswer::Exists(found) => {
            let state = &found.state;
            let is_due = state.available_at.is_some_and(|at| at <= now);
            is_due && state.owner.is_none() && state.wait_reason.is_none()
        }
        InsertAnswer::KeyTaken(_) => false,
    }
}

/// Waits until the task has its place, or until there is nobody or nothing to wait for: a caller that
/// has gone, a runtime that begins to shut down. The task is stored and runs in any case.
async fn wait_for_place(
    waiting: &Waiting,
    caller_gone: Option<CancellationToken>,
    lifecycle: &Lifecycle,
) {
    let caller_gone = async {
        match caller_gone {
            Some(gone) => gone.cancelled_owned().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = waiting.granted() => {}
        () = caller_gone => {}
        () = lifecycle.left_running() => {}
    }
}
