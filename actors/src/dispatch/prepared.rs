use std::fmt;
use std::sync::Arc;

use evertask_core::key::{Holder, KeptReason, KeyDecision, decide};
use evertask_core::storage::{InsertAnswer, NewTask};
use evertask_core::task::TaskId;

use super::admission::{AdmissionDeps, inspect};
use super::admitted::is_same_task;
use super::answer::{DispatchOutcome, Dispatched};
use super::error::DispatchError;
use super::keyed::kind_of;
use super::message::Dispatch;

/// A dispatch that was checked, as the row that somebody else is to store: in a transaction of the
/// application's own.
///
/// Nobody owns the row, so it is found and claimed like any other that waits; a
/// [`nudge`](crate::Client::nudge) has the runtime look for it.
#[derive(Clone)]
pub struct PreparedTask {
    row: NewTask,
    deps: Arc<AdmissionDeps>,
}

impl PreparedTask {
    pub(crate) fn new(
        deps: &Arc<AdmissionDeps>,
        dispatch: Dispatch,
    ) -> Result<Self, DispatchError> {
        let now = deps.clock.now();
        let id = dispatch.known_id();
        let id = id.unwrap_or_else(|| TaskId(deps.ids.next(now)));
        let plan = inspect(deps, dispatch)?.plan(id, now)?;
        Ok(Self {
            row: plan.unowned(),
            deps: Arc::clone(deps),
        })
    }

    /// What is to be stored.
    pub fn row(&self) -> &NewTask {
        &self.row
    }

    /// Answers a dispatch from what the insert of its row was answered.
    ///
    /// # Errors
    ///
    /// [`DispatchError::IdTaken`] if another task has the id.
    pub fn settle(&self, answer: InsertAnswer) -> Result<Dispatched, DispatchError> {
        match answer {
            InsertAnswer::Stored => {
                let id = self.row.record.id();
                Ok(Dispatched::new(id, DispatchOutcome::Created))
            }
            InsertAnswer::KeyTaken(holder) => {
                let id = holder.id();
                let holder = Holder::of(&holder, self.deps.registry.contains(id));
                let wanted = kind_of(&self.row.record.definition);
                let reason = match decide(Some(&holder), wanted, self.deps.clock.now()) {
                    KeyDecision::Keep(reason) => reason,
                    KeyDecision::Redefine(_)
                    | KeyDecision::Insert
                    | KeyDecision::ReleaseAndInsert => KeptReason::InTransaction,
                };
                Ok(Dispatched::new(id, DispatchOutcome::Existing(reason)))
            }
            InsertAnswer::Exists(found) => {
                let id = found.id();
                if is_same_task(
                    &self.deps.catalog,
                    &self.row.record.definition,
                    &found.definition,
                ) {
                    let outcome = DispatchOutcome::Existing(KeptReason::SameId);
                    return Ok(Dispatched::new(id, outcome));
                }
                let task = found.definition.task;
                Err(DispatchError::IdTaken { id, task })
            }
        }
    }
}

/// The payload is never shown.
impl fmt::Debug for PreparedTask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("PreparedTask")
            .field(&self.row.record.id())
            .finish()
    }
}
