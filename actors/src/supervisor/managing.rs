//! How something is done with tasks: each is one conditional write, tried again while its row moves on.

use std::sync::Arc;

use actix::{Handler, ResponseFuture};
use evertask_core::manage::{By, manage};
use evertask_core::storage::{Answer, DeleteAnswer, Deletion, InsertAnswer, Write};
use evertask_core::task::{TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use futures::future::join_all;

use super::actor::{Supervisor, SupervisorDeps};
use super::manage::{GetDeletion, ManageAll, ManageOutcome, ManageReport, ManageTask, Order};
use super::messages::RequestError;
use super::pages::Pages;
use crate::persistence::Patience;
use crate::queue::Queue;
use crate::scheduler::{look_when_due, recall};

/// Who did it, if nobody says so.
pub(super) const SOMEBODY: &str = "application";

/// How often a row may move on under this before it gives up.
const TRIES: usize = 16;

impl Handler<ManageTask> for Supervisor {
    type Result = ResponseFuture<Result<ManageOutcome, RequestError>>;

    fn handle(
        &mut self,
        ManageTask { id, order }: ManageTask,
        _: &mut Self::Context,
    ) -> Self::Result {
        let deps = self.deps.clone();
        Box::pin(async move { manage_task(&deps, id, &order).await })
    }
}

impl Handler<ManageAll> for Supervisor {
    type Result = ResponseFuture<Result<ManageReport, RequestError>>;

    fn handle(&mut self, message: ManageAll, _: &mut Self::Context) -> Self::Result {
        Box::pin(manage_all(self.deps.clone(), message))
    }
}

impl Handler<GetDeletion> for Supervisor {
    type Result = ResponseFuture<Result<Option<Deletion>, RequestError>>;

    fn handle(&mut self, GetDeletion(id): GetDeletion, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        Box::pin(async move { Ok(storage.queries().deletion(id).await?) })
    }
}

/// The tasks of a page are written together: their writes meet in one group.
async fn manage_all(
    deps: SupervisorDeps,
    ManageAll { filter, order }: ManageAll,
) -> Result<ManageReport, RequestError> {
    let mut report = ManageReport::default();
    let mut pages = Pages::until_now(&deps, filter);
    while let Some(ids) = pages.next().await? {
        let outcomes = ids.into_iter().map(|id| manage_task(&deps, id, &order));
        for outcome in join_all(outcomes).await {
            report.count(outcome?);
        }
    }
    Ok(report)
}

async fn manage_task(
    deps: &SupervisorDeps,
    id: TaskId,
    order: &Order,
) -> Result<ManageOutcome, RequestError> {
    for _ in 0..TRIES {
        let Some(found) = deps.storage.task(id).await? else {
            return Ok(ManageOutcome::Unknown);
        };
        await_end(deps, &found).await;
        if take_back(deps, id).await {
            continue;
        }
        let by = By {
            actor: order.actor.as_deref().unwrap_or(SOMEBODY),
            reason: order.reason.as_deref(),
            at: deps.admission.clock.now(),
        };
        match manage(&found, &order.action, by) {
            Err(refusal) => return Ok(ManageOutcome::Refused(refusal)),
            Ok(write) => {
                let due = due_after(&write);
                if store(deps, write).await? {
                    follow(deps, &found, due, by.at);
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

/// A task that waits in memory for its instant is not under way yet: its row is given back.
async fn take_back(deps: &SupervisorDeps, id: TaskId) -> bool {
    let admission = &deps.admission;
    let held = (&admission.scheduler, &admission.registry);
    recall(id, held, (&*admission.clock, deps.patience)).await
}

/// From when on claims take the row that is written; `None` if they don't.
fn due_after(write: &Write) -> Option<Timestamp> {
    let record = match write {
        Write::Redefine(redefinition) => &redefinition.record,
        Write::Insert(task) => &task.record,
        Write::InsertAll(_)
        | Write::Change(_)
        | Write::AppendLogs(_)
        | Write::Cancel(_)
        | Write::Delete(_)
        | Write::Reconsider(_)
        | Write::ChangeQueue(_)
        | Write::Claim(_) => return None,
    };
    record.state.claimable_from()
}

/// Answers whether it was applied; if not, the row has moved on.
async fn store(deps: &SupervisorDeps, write: Write) -> Result<bool, RequestError> {
    let patience = Patience::For(deps.patience);
    let answer = deps
        .admission
        .persistence
        .apply_one(write, patience)
        .await?;
    match answer {
        Answer::Redefine(answer) => Ok(answer.is_applied()),
        Answer::Delete(answer) => Ok(answer == DeleteAnswer::Deleted),
        // Stored before, its answer was lost.
        Answer::Insert(InsertAnswer::Stored | InsertAnswer::Exists(_)) => Ok(true),
        Answer::Insert(InsertAnswer::KeyTaken(_))
        | Answer::InsertAll(_)
        | Answer::Change(_)
        | Answer::AppendLogs(_)
        | Answer::Cancel(_)
        | Answer::Reconsidered
        | Answer::ChangeQueue(_)
        | Answer::Claim(_) => Err(RequestError::NoAnswer),
    }
}

/// Has its queue look for it when it is due; if it never will be, it needs no place.
pub(super) fn follow(
    deps: &SupervisorDeps,
    found: &TaskRecord,
    due: Option<Timestamp>,
    now: Timestamp,
) {
    let gates = &deps.admission.gates;
    let Some(due) = due else {
        gates.let_go(found.id());
        return;
    };
    let gate = gates.find(&found.definition.queue);
    let Some(gate) = gate.or_else(|| gates.find(Queue::DEFAULT)) else {
        return;
    };
    look_when_due(&deps.admission.scheduler, gate, due, now);
}
