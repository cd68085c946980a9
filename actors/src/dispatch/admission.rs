//! From a dispatch to a row with a place, or without one.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::audit::AuditLevel;
use evertask_core::key::Revive;
use evertask_core::schedule::Recurrence;
use evertask_core::storage::NewTask;
use evertask_core::task::{
    Generation, IdSource, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord,
};
use evertask_core::time::{Clock, Timestamp, later};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::admitted::Admitted;
use super::batch::DispatchAll;
use super::check::{check, deadline_of, due_at, key_of, recurrence_of, series_of};
use super::error::DispatchError;
use super::message::Dispatch;
use super::route::{Route, Routed, Wanted};
use super::turns::KeyTurns;
use crate::delivery::DeliveryRegistry;
use crate::persistence::PersistenceClient;
use crate::queue::{Gate, Gates, Queue, TurnKeeper};
use crate::runtime::Lifecycle;
use crate::scheduler::Scheduler;
use crate::task::{HandlerCatalog, RegisteredTask, TaskOptions};
use crate::throttle::{Counted, RateLimits, Subject};

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
    pub(crate) key_turns: KeyTurns,
    pub(crate) limits: RateLimits,
}

/// A dispatch that was found good; nothing is taken for it yet.
pub(crate) struct Inspected {
    task: RegisteredTask,
    /// The queue it is for.
    declared: Arc<Gate>,
    encoded: Arc<str>,
    key: Option<String>,
    audit_level: AuditLevel,
    dispatch: Dispatch,
}

/// What a dispatch comes to at an instant.
pub(crate) struct Plan {
    definition: TaskDefinition,
    recurrence: Option<Box<Recurrence>>,
    /// When it is due, if that is later.
    later: Option<Timestamp>,
    now: Timestamp,
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
    let gate = gate.ok_or(DispatchError::ShuttingDown)?;
    check_cost(&dispatch, gate, &deps.limits)?;
    Ok(Inspected {
        task: task.clone(),
        declared: Arc::clone(gate),
        encoded,
        key,
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

/// What a batch holds while it is stored: of each of its tasks what was taken for it, or why it can't be.
pub(super) type AdmittedBatch = (Vec<Result<Admitted, DispatchError>>, OwnedSemaphorePermit);

/// Checks the dispatches of a batch and takes places for them; none of them waits for one.
pub(super) fn admit_all(
    deps: &AdmissionDeps,
    dispatches: Vec<Dispatch>,
) -> Result<AdmittedBatch, DispatchError> {
    let count = dispatches.len();
    let dispatches = dispatches.into_iter();
    let inspected: Vec<_> = dispatches.map(|it| inspect_live(deps, it)).collect();
    let sizes = inspected.iter().flatten().map(Inspected::payload_size);
    let (limit, bytes) = (DispatchAll::MAX_TASKS, DispatchAll::MAX_BYTES);
    if count > limit || sizes.sum::<usize>() > bytes {
        return Err(DispatchError::BatchTooLarge { limit, bytes });
    }
    let under_way = hold_under_way(deps, count)?;
    let inspected = inspected.into_iter();
    let admitted = inspected.map(|inspected| inspected?.place(deps, false));
    Ok((admitted.collect(), under_way))
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
        let (series, first) = series_of(&self.dispatch, now)?.unzip();
        let asked = self.dispatch.when.and_then(|when| due_at(when, now));
        let due = first
            .or(asked)
            .filter(|due| series.is_none() || *due != now);
        let first = due.unwrap_or(now);
        let deadline = deadline_of(&self.dispatch, self.task.options.start_within, first);
        // An instant that was asked for is kept to; only the schedule's own ones are delayed.
        let is_scheduled = self.dispatch.when.is_none();
        let recurrence = recurrence_of(id, series.as_ref())?;
        let delayed = recurrence.as_ref().filter(|_| is_scheduled);
        let begins = due.map(|due| delayed.map_or(due, |delayed| delayed.policy().begins(id, due)));
        let priority = self.dispatch.priority.or(self.task.options.priority);
        let held = self.dispatch.key_for;
        let held = held.filter(|_| self.key.is_some() && series.is_none());
        let definition = TaskDefinition {
            queue: self.declared.name().to_owned(),
            scheduled_at: due,
            priority: priority.unwrap_or(0),
            audit_level: self.audit_level,
            key: self.key.clone(),
            key_until: held.map(|time| later(now, time)),
            deadline,
            series,
            ..define(self.dispatch.clone(), id, &self.encoded, now)
        };
        Ok(Plan {
            definition,
            recurrence: recurrence.map(Box::new),
            later: begins.filter(|begins| *begins > now),
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
        self.warn(&plan, &deps.limits);
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

    /// Says what its rate limits will do that may not be meant.
    fn warn(&self, plan: &Plan, limits: &RateLimits) {
        let counted = Counted::of(&plan.definition);
        let subject = Subject {
            queue: self.declared.name(),
            task: self.task.name,
            counted: &counted,
        };
        limits.warn_of(subject, plan.recurrence.as_deref());
    }

    fn wanted<'a>(&'a self, plan: &'a Plan, may_wait: bool) -> Wanted<'a> {
        Wanted {
            gate: &self.declared,
            definition: &plan.definition,
            now: plan.now,
            later: plan.later,
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
            revive: self
                .dispatch
                .series
                .map_or(Revive::default(), |series| series.revive),
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

/// The key of its rate limit; a blank one is none.
fn limit_key_of(dispatch: &Dispatch) -> Option<&str> {
    let key = dispatch.limit_key.as_deref();
    key.filter(|key| !key.trim().is_empty())
}

/// Whether there can ever be enough budget for it.
fn check_cost(dispatch: &Dispatch, gate: &Gate, limits: &RateLimits) -> Result<(), DispatchError> {
    let counted = Counted {
        key: limit_key_of(dispatch).map(str::to_owned),
        cost: dispatch.limit_cost,
        end: None,
    };
    let subject = Subject {
        queue: gate.name(),
        task: dispatch.task,
        counted: &counted,
    };
    limits.check(subject).map_err(DispatchError::Limit)
}

fn define(dispatch: Dispatch, id: TaskId, encoded: &str, now: Timestamp) -> TaskDefinition {
    let limit_key = limit_key_of(&dispatch).map(str::to_owned);
    TaskDefinition {
        payload_version: dispatch.version,
        tags: dispatch.tags,
        correlation_id: dispatch.correlation_id,
        concurrency_key: dispatch.concurrency_key,
        limit_key,
        limit_cost: dispatch.limit_cost,
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
        Route::Spilled(..) | Route::AwaitsTurn(_) | Route::AwaitsBudget(_) => {
            RowState::waiting(now)
        }
        Route::Ahead(_, _, at) => RowState::queued(*at, process),
        Route::Later(at) => RowState::waiting(*at),
    };
    new_task(definition, state)
}

fn new_task(definition: TaskDefinition, state: RowState) -> NewTask {
    let state = RowState {
        next_run_at: definition.series.as_ref().map(|_| definition.first_due()),
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
