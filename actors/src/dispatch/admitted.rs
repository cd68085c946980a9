//! A dispatch on its way to the storage, and from there to its pool.

use std::sync::Arc;

use evertask_core::key::{KeptReason, Revive};
use evertask_core::schedule::Recurrence;
use evertask_core::storage::{Answer, ClaimedTask, InsertAnswer, NewTask, Write};
use evertask_core::task::{Generation, TaskDefinition, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::admission::AdmissionDeps;
use super::answer::{DispatchOutcome, Dispatched};
use super::error::DispatchError;
use super::route::Route;
use crate::delivery::{Arrival, Delivery, Held};
use crate::persistence::{Patience, WriteError};
use crate::pool::{Deliver, SweepOrphans};
use crate::queue::{Gate, Waiting};
use crate::runtime::Lifecycle;
use crate::scheduler::{Park, WakeAt};
use crate::supervision::tell;
use crate::task::{HandlerCatalog, Payload, RegisteredTask};

/// A dispatch with everything taken that it needs.
pub(crate) struct Admitted {
    pub(super) deps: AdmissionDeps,
    pub(super) task: RegisteredTask,
    pub(super) gate: Arc<Gate>,
    pub(super) payload: Payload,
    pub(super) row: NewTask,
    pub(super) recurrence: Option<Box<Recurrence>>,
    /// What becomes of a series that holds the key and is over.
    pub(super) revive: Revive,
    pub(super) route: Route,
    pub(super) caller_gone: Option<CancellationToken>,
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
        let mut waiting = self.route.take_waiting();
        let caller_gone = self.caller_gone.take();
        let lifecycle = self.deps.lifecycle.clone();
        let dispatched = self.commit(&mut waiting).await?;
        drop(under_way);
        if let Some(waiting) = waiting {
            wait_for_place(&waiting, caller_gone, &lifecycle).await;
        }
        Ok(dispatched)
    }

    /// Stores the row and hands it over, or comes to terms with the task that was there before. What is
    /// not to wait for a place is taken out of the line.
    pub(crate) async fn commit(
        self,
        waiting: &mut Option<Waiting>,
    ) -> Result<Dispatched, DispatchError> {
        let gate = Arc::clone(&self.gate);
        let dispatched = self.insert_or_agree(waiting).await;
        if let Err(DispatchError::Unknown { .. }) = dispatched {
            // What was taken for it is given back by now: should it be stored, its row is nobody's.
            tell(&gate.pool, SweepOrphans);
        }
        dispatched
    }

    async fn insert_or_agree(
        self,
        waiting: &mut Option<Waiting>,
    ) -> Result<Dispatched, DispatchError> {
        let now = self.row.record.definition.created_at;
        let answer = self.insert().await?;
        match waiting {
            Some(waiting) if waits_for_a_place(&answer, now) => waiting.note_stored(),
            Some(_) | None => *waiting = None,
        }
        self.settle(answer).await
    }

    /// Goes on from what became of the insert.
    pub(super) async fn settle(self, answer: InsertAnswer) -> Result<Dispatched, DispatchError> {
        match answer {
            InsertAnswer::Stored => self.hand_over(DispatchOutcome::Created),
            InsertAnswer::Exists(found) => self.recognise(*found),
            InsertAnswer::KeyTaken(holder) => Box::pin(self.come_to_terms(*holder)).await,
        }
    }

    /// Gives back what was taken: the insert has no answer.
    pub(super) fn fail(self, error: &WriteError) -> DispatchError {
        let gate = Arc::clone(&self.gate);
        let failed = self.failed(error);
        drop(self);
        if let DispatchError::Unknown { .. } = failed {
            tell(&gate.pool, SweepOrphans);
        }
        failed
    }

    /// Says why it is not stored, of a task that changes no other one.
    pub(super) fn refuse(&self, answer: InsertAnswer) -> DispatchError {
        match answer {
            InsertAnswer::Stored => self.unknown(),
            InsertAnswer::Exists(found) => DispatchError::IdTaken {
                id: found.id(),
                task: found.definition.task,
            },
            InsertAnswer::KeyTaken(holder) => DispatchError::KeyHeld {
                id: holder.id(),
                key: holder.state.active_key.unwrap_or_default(),
            },
        }
    }

    pub(super) async fn insert(&self) -> Result<InsertAnswer, DispatchError> {
        let insert = Write::Insert(Box::new(self.row.clone()));
        let Answer::Insert(answer) = self.write(insert).await? else {
            return Err(self.unknown());
        };
        Ok(answer)
    }

    /// Commits a write of this dispatch.
    pub(super) async fn write(&self, write: Write) -> Result<Answer, DispatchError> {
        let patience = Patience::For(self.deps.patience);
        let answer = self.deps.persistence.apply_one(write, patience).await;
        answer.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &WriteError) -> DispatchError {
        match error {
            WriteError::Lost | WriteError::Ended => self.unknown(),
            WriteError::Rejected(_) | WriteError::Unavailable(_) => DispatchError::Storage {
                reason: error.to_string(),
            },
        }
    }

    /// Nobody knows what became of a write.
    pub(super) fn unknown(&self) -> DispatchError {
        DispatchError::Unknown { id: self.id() }
    }

    /// The id was stored before: by this very insert, whose answer was lost, or by an earlier one.
    pub(super) fn recognise(self, found: TaskRecord) -> Result<Dispatched, DispatchError> {
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
        if own && matches!(self.route, Route::Window(..) | Route::Ahead(..)) {
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
            Route::Spilled(spill, _) => drop(spill),
            Route::AwaitsTurn(awaits) => drop(awaits),
            Route::AwaitsBudget(awaits) => drop(awaits),
            Route::Ahead(place, registration, _) => {
                let claimed = ClaimedTask {
                    record,
                    interrupted: false,
                };
                let arrival = Arrival {
                    claimed,
                    live: (!self.deps.round_trip_payloads).then_some(self.payload),
                    registration,
                    place,
                };
                tell(&self.deps.scheduler, Park(Held::Arrival(Box::new(arrival))));
            }
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
