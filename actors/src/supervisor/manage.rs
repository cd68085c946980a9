//! Doing something with a task on behalf of somebody: retry, run now, reschedule.

use actix::{Handler, Message, ResponseFuture};
use evertask_core::manage::{Action, Refusal, manage};
use evertask_core::storage::{Answer, Redefinition, Write};
use evertask_core::task::{TaskId, TaskRecord};
use evertask_core::time::Timestamp;

use super::actor::{Supervisor, SupervisorDeps};
use super::messages::RequestError;
use crate::persistence::Patience;
use crate::queue::Queue;
use crate::scheduler::look_when_due;

/// Who did it, if nobody says so.
const SOMEBODY: &str = "application";

/// Does something with a task; the answer comes once that is stored, with a line of audit that is kept at
/// every level.
///
/// A series is left alone, and so is whatever is in a window or runs.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<ManageOutcome, RequestError>")]
pub struct ManageTask {
    id: TaskId,
    action: Action,
    actor: Option<String>,
    reason: Option<String>,
}

/// What became of a [`ManageTask`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ManageOutcome {
    /// It is done.
    Done,
    /// Nothing was changed, because the task is not one that this can be done with.
    Refused(Refusal),
    /// There is no such task.
    Unknown,
}

impl ManageTask {
    /// Runs a task that is over once more, under its id and with its history, as if it had never been tried.
    ///
    /// It is bound to no deadline, and a key that it gave up stays given up.
    pub fn retry(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::Retry)
    }

    /// Runs a task now that waits for its time or for its next attempt.
    pub fn run_now(id: impl Into<TaskId>) -> Self {
        Self::new(id, Action::RunNow)
    }

    /// Has a task that waits run at another instant, cut to whole microseconds.
    pub fn reschedule(id: impl Into<TaskId>, at: Timestamp) -> Self {
        Self::new(id, Action::Reschedule(at))
    }

    fn new(id: impl Into<TaskId>, action: Action) -> Self {
        Self {
            id: id.into(),
            action,
            actor: None,
            reason: None,
        }
    }

    /// Says in the audit who asked for it; otherwise it was the `application`.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says in the audit why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl Handler<ManageTask> for Supervisor {
    type Result = ResponseFuture<Result<ManageOutcome, RequestError>>;

    fn handle(&mut self, message: ManageTask, _: &mut Self::Context) -> Self::Result {
        Box::pin(manage_task(self.deps.clone(), message))
    }
}

/// How often a row may move on under this before it gives up.
const TRIES: usize = 16;

async fn manage_task(
    deps: SupervisorDeps,
    message: ManageTask,
) -> Result<ManageOutcome, RequestError> {
    let actor = message.actor.as_deref().unwrap_or(SOMEBODY);
    let reason = message.reason.as_deref();
    for _ in 0..TRIES {
        let Some(found) = deps.storage.task(message.id).await? else {
            return Ok(ManageOutcome::Unknown);
        };
        await_end(&deps, &found).await;
        let now = deps.admission.clock.now();
        match manage(&found, message.action, actor, reason, now) {
            Err(refusal) => return Ok(ManageOutcome::Refused(refusal)),
            Ok(redefinition) => {
                let due = redefinition.record.state.available_at.unwrap_or(now);
                if store(&deps, redefinition).await? {
                    look_for(&deps, &found, due, now);
                    return Ok(ManageOutcome::Done);
                }
            }
        }
    }
    Err(RequestError::NoAnswer)
}

/// The last delivery of a task that is over may not have ended, and one that a claim is bringing would take
/// the new life for one that was cancelled. How long that may take is bounded here.
async fn await_end(deps: &SupervisorDeps, found: &TaskRecord) {
    if !found.state.is_over() {
        return;
    }
    tokio::select! {
        () = deps.admission.registry.quiet(found.id()) => {}
        () = deps.admission.clock.sleep(deps.patience) => {}
    }
}

/// Answers whether it was applied; if not, the row has moved on.
async fn store(deps: &SupervisorDeps, redefinition: Redefinition) -> Result<bool, RequestError> {
    let write = Write::Redefine(Box::new(redefinition));
    let patience = Patience::For(deps.patience);
    let answer = deps
        .admission
        .persistence
        .apply_one(write, patience)
        .await?;
    let Answer::Redefine(answer) = answer else {
        return Err(RequestError::NoAnswer);
    };
    Ok(answer.is_applied())
}

/// Has its queue look for it when it is due.
fn look_for(deps: &SupervisorDeps, found: &TaskRecord, at: Timestamp, now: Timestamp) {
    let gates = &deps.admission.gates;
    let gate = gates.find(&found.definition.queue);
    let Some(gate) = gate.or_else(|| gates.find(Queue::DEFAULT)) else {
        return;
    };
    look_when_due(&deps.admission.scheduler, gate, at, now);
}
