//! From a dispatch to a stored row with a place, or without one.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::audit::AuditLevel;
use evertask_core::schedule::Recurrence;
use evertask_core::storage::{Answer, InsertAnswer, NewTask, Write};
use evertask_core::task::{
    Generation, IdSource, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord,
};
use evertask_core::time::{Clock, LATEST, Timestamp, later, to_micros};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::answer::{DispatchOutcome, Dispatched, KeptReason};
use super::check::{check, deadline_of, recurrence_of, series_of};
use super::error::DispatchError;
use super::message::{Dispatch, When};
use super::route::{Route, Routed, Wanted};
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
}

/// A dispatch that was found good; nothing is taken for it yet.
pub(crate) struct Inspected {
    task: RegisteredTask,
    /// The queue it is for.
    declared: Arc<Gate>,
    encoded: Arc<str>,
    audit_level: AuditLevel,
    dispatch: Dispatch,
}

/// What a dispatch comes to at an instant.
pub(crate) struct Plan {
    definition: TaskDefinition,
    recurrence: Option<Recurrence>,
    /// When it is due, if that is later.
    later: Option<Timestamp>,
    now: Timestamp,
}

/// A dispatch with everything taken that it needs.
pub(crate) struct Admitted {
    deps: AdmissionDeps,
    task: RegisteredTask,
    gate: Arc<Gate>,
    payload: Payload,
    row: NewTask,
    recurrence: Option<Recurrence>,
    route: Route,
    caller_gone: Option<CancellationToken>,
}

/// Checks a dispatch; nothing is stored and nothing taken.
pub(crate) fn inspect(
    deps: &AdmissionDeps,
    dispatch: Dispatch,
) -> Result<Inspected, DispatchError> {
    let Some(task) = deps.catalog.get(dispatch.task) else {
        let task = dispatch.task.to_owned();
        return Err(DispatchError::UnknownTask { task });
    };
    let encoded = check(&dispatch, deps.max_payload)?;
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
    Ok(Inspected {
        task: task.clone(),
        declared: Arc::clone(gate.ok_or(DispatchError::ShuttingDown)?),
        encoded,
        audit_level: audit_level.unwrap_or(deps.audit_level),
        dispatch,
    })
}

/// Checks a dispatch that is to be stored by this runtime, which must be able to.
fn inspect_live(deps: &AdmissionDeps, dispatch: Dispatch) -> Result<Inspected, DispatchError> {
    if deps.lifecycle.is_stopped() {
        return Err(DispatchError::ShuttingDown);
    }
    inspect(deps, dispatch)
}

/// Checks a dispatch and takes a place for it; nothing is stored yet.
pub(crate) fn admit(
    deps: &AdmissionDeps,
    dispatch: Dispatch,
) -> Result<(Admitted, OwnedSemaphorePermit), DispatchError> {
    let inspected = inspect_live(deps, dispatch)?;
    let under_way = hold_under_way(deps, 1)?;
    let may_wait = !inspected.dispatch.caller.is_handler;
    Ok((inspected.place(deps, may_wait)?, under_way))
}

/// Counts dispatches among those that are waiting for their commit, of which there is a limit.
fn hold_under_way(
    deps: &AdmissionDeps,
    dispatches: usize,
) -> Result<OwnedSemaphorePermit, DispatchError> {
    let wanted = u32::try_from(dispatches.min(deps.max_under_way)).unwrap_or(u32::MAX);
    let under_way = Arc::clone(&deps.under_way).try_acquire_many_owned(wanted);
    under_way.map_err(|_| DispatchError::Overloaded {
        limit: deps.max_under_way,
    })
}

impl Inspected {
    /// How long its payload is.
    pub(crate) fn payload_size(&self) -> usize {
        self.encoded.len()
    }

    /// Says what the dispatch comes to at `now`.
    pub(crate) fn plan(&self, id: TaskId, now: Timestamp) -> Result<Plan, DispatchError> {
        let due = due_at(self.dispatch.when, now);
        let first = due.unwrap_or(now);
        let series = series_of(&self.dispatch, first)?;
        let deadline = deadline_of(&self.dispatch, self.task.options.start_within, first);
        let recurrence = recurrence_of(series.as_ref())?;
        let priority = self.dispatch.priority.or(self.task.options.priority);
        let definition = TaskDefinition {
            queue: self.declared.name().to_owned(),
            scheduled_at: due,
            priority: priority.unwrap_or(0),
            audit_level: self.audit_level,
            deadline,
            series,
            ..define(self.dispatch.clone(), id, &self.encoded, now)
        };
        Ok(Plan {
            definition,
            recurrence,
            later: due.filter(|due| *due > now),
            now,
        })
    }

    /// Takes a place for the dispatch, unless its queue refuses it or has its caller wait.
    pub(crate) fn place(
        self,
        deps: &AdmissionDeps,
        may_wait: bool,
    ) -> Result<Admitted, DispatchError> {
        let now = deps.clock.now();
        let id = self.dispatch.id;
        let id = id.unwrap_or_else(|| TaskId(deps.ids.next(now)));
        let plan = self.plan(id, now)?;
        let routed = self.wanted(&plan, may_wait).route(deps)?;
        Ok(self.admit(deps, plan, routed))
    }

    /// Takes a place if there is one; a task that follows another is never refused.
    ///
    /// `is_fresh` says that nobody can have stored its id before. Only such a task may get a place:
    /// of any other, nobody knows when its commit is answered whether the row is this one.
    pub(crate) fn follow(self, deps: &AdmissionDeps, plan: Plan, is_fresh: bool) -> Admitted {
        let routed = self.wanted(&plan, false).follow(deps, is_fresh);
        self.admit(deps, plan, routed)
    }

    fn wanted(&self, plan: &Plan, may_wait: bool) -> Wanted<'_> {
        Wanted {
            gate: &self.declared,
            id: plan.definition.id,
            now: plan.now,
            priority: plan.definition.priority,
            later: plan.later,
            is_series: plan.definition.series.is_some(),
            may_wait,
        }
    }

    fn admit(self, deps: &AdmissionDeps, plan: Plan, routed: Routed) -> Admitted {
        let Routed { gate, route } = routed;
        let mut definition = plan.definition;
        gate.name().clone_into(&mut definition.queue);
        if !Arc::ptr_eq(&self.declared, &gate) {
            keep_defaults(&mut definition, &self.task.options, &self.declared);
        }
        Admitted {
            deps: deps.clone(),
            row: row(definition, &route, deps.process, plan.now),
            task: self.task,
            gate,
            payload: self.dispatch.payload,
            recurrence: plan.recurrence,
            route,
            caller_gone: self.dispatch.caller.gone,
        }
    }
}

impl Plan {
    /// The row of a task that nobody holds a place for.
    pub(crate) fn unowned(self) -> NewTask {
        let available_at = self.later.unwrap_or(self.now);
        new_task(self.definition, RowState::waiting(available_at))
    }
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

/// Whether a task that is stored is the one that is wanted under its id.
pub(super) fn is_same_task(
    catalog: &HandlerCatalog,
    wanted: &TaskDefinition,
    stored: &TaskDefinition,
) -> bool {
    let renamed = catalog.stored_as(&stored.task);
    let same_task = renamed.is_some_and(|task| task.name == wanted.task);
    // Payloads of two versions can't be compared: whoever repeats a dispatch after an update means
    // the task that is stored.
    let same_payload =
        stored.payload_version != wanted.payload_version || stored.payload == wanted.payload;
    same_task && same_payload
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
    new_task(definition, state)
}

fn new_task(definition: TaskDefinition, state: RowState) -> NewTask {
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
    /// The id of the task.
    pub(crate) fn id(&self) -> TaskId {
        self.row.record.definition.id
    }

    /// The queue it runs in.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// What is to be stored.
    pub(crate) fn row(&self) -> &NewTask {
        &self.row
    }

    /// Stores the row, hands it over and waits for its place if its queue says so. Runs to its end even
    /// if the caller has gone.
    pub(crate) async fn store(
        mut self,
        under_way: OwnedSemaphorePermit,
    ) -> Result<Dispatched, DispatchError> {
        let now = self.row.record.definition.created_at;
        let waiting = self.route.take_waiting();
        let caller_gone = self.caller_gone.take();
        let lifecycle = self.deps.lifecycle.clone();
        let insert = Write::Insert(Box::new(self.row.clone()));
        let patience = Patience::For(self.deps.patience);
        let answer = match self.deps.persistence.apply_one(insert, patience).await {
            Ok(Answer::Insert(answer)) => answer,
            Ok(_) => return Err(self.fail(&WriteError::Lost)),
            Err(error) => return Err(self.fail(&error)),
        };
        let waiting = waiting.filter(|_| waits_for_a_place(&answer, now));
        if let Some(waiting) = &waiting {
            waiting.note_stored();
        }
        let dispatched = self.settle(answer)?;
        drop(under_way);
        if let Some(waiting) = waiting {
            wait_for_place(&waiting, caller_gone, &lifecycle).await;
        }
        Ok(dispatched)
    }

    /// Goes on from what became of the insert.
    pub(crate) fn settle(self, answer: InsertAnswer) -> Result<Dispatched, DispatchError> {
        match answer {
            InsertAnswer::Stored => self.hand_over(DispatchOutcome::Created),
            InsertAnswer::Exists(found) => self.recognise(*found),
            InsertAnswer::KeyTaken(holder) => {
                let reason = format!("the task {} holds its key", holder.definition.id);
                Err(DispatchError::Storage { reason })
            }
        }
    }

    /// Gives back what was taken: the insert has no answer.
    pub(crate) fn fail(self, error: &WriteError) -> DispatchError {
        let id = self.id();
        match error {
            WriteError::Lost => {
                let gate = Arc::clone(&self.gate);
                drop(self);
                tell(&gate.pool, SweepOrphans);
                DispatchError::Unknown { id }
            }
            WriteError::Ended => DispatchError::Unknown { id },
            WriteError::Rejected(_) | WriteError::Unavailable(_) => DispatchError::Storage {
                reason: error.to_string(),
            },
        }
    }

    /// The id was stored before: by this very insert, whose answer was lost, or by an earlier one.
    fn recognise(self, found: TaskRecord) -> Result<Dispatched, DispatchError> {
        let id = found.definition.id;
        let wanted = &self.row.record.definition;
        if !is_same_task(&self.deps.catalog, wanted, &found.definition) {
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

    /// The row is stored: the task goes where it was to go.
    pub(crate) fn hand_over(self, outcome: DispatchOutcome) -> Result<Dispatched, DispatchError> {
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
