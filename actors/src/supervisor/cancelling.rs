//! How tasks are cancelled: first known to their deliveries, then stored.

use actix::{Handler, ResponseFuture};
use evertask_core::storage::query::TaskFilter;
use evertask_core::storage::{Answer, CancelAnswer, CancelTask, Write};
use evertask_core::task::{Status, TaskId};
use futures::future::BoxFuture;

use super::actor::{Supervisor, SupervisorDeps};
use super::cancel::{Cancel, CancelAll, CancelByKey, CancelOutcome, CancelReport, CancelledTask};
use super::messages::RequestError;
use super::pages::Pages;
use crate::delivery::{CancelUnderWay, Cancellation};
use crate::persistence::Patience;
use crate::scheduler::Hasten;
use crate::supervision::tell;

/// The statuses of tasks that are not over, but for series between two runs.
const OPEN: [Status; 4] = [
    Status::WaitingQueue,
    Status::Queued,
    Status::InProgress,
    Status::ServiceStopped,
];

/// The statuses of series between two runs; those that are over have them, too.
const RESTING: [Status; 2] = [Status::Completed, Status::Failed];

type Cancelled<T> = BoxFuture<'static, Result<T, RequestError>>;

/// Cancels tasks in one commit. Their deliveries know of it when this returns, before anything is stored, so
/// that no outcome slips in between unnoticed.
pub(super) fn cancel(
    deps: &SupervisorDeps,
    ids: Vec<TaskId>,
    by: &Cancellation,
) -> Cancelled<Vec<CancelOutcome>> {
    let admission = &deps.admission;
    let at = admission.clock.now();
    let mark = |id: &TaskId| admission.registry.cancel(*id, by.clone());
    let under_way: Vec<_> = ids.iter().map(mark).collect();
    for id in &ids {
        // A delivery that waits for its instant learns of it now.
        tell(&admission.scheduler, Hasten(*id));
    }
    let write = |id: &TaskId| {
        Write::Cancel(CancelTask {
            id: *id,
            at,
            actor: by.actor.clone(),
            reason: by.reason.clone(),
        })
    };
    let writes = ids.iter().map(write).collect();
    let (persistence, gates) = (admission.persistence.clone(), admission.gates.clone());
    let patience = Patience::For(deps.patience);
    Box::pin(async move {
        let answers = persistence.apply(writes, patience).await;
        for id in ids {
            // A cancelled task needs no place.
            gates.let_go(id);
        }
        let outcomes = under_way.into_iter().zip(answers?);
        outcomes
            .map(|(under_way, answer)| outcome(under_way, &answer))
            .collect()
    })
}

fn outcome(mut under_way: CancelUnderWay, answer: &Answer) -> Result<CancelOutcome, RequestError> {
    let was_running = under_way.was_running;
    let is_heard = under_way.is_heard();
    let Answer::Cancel(answer) = answer else {
        return Err(RequestError::NoAnswer);
    };
    if matches!(answer, CancelAnswer::AlreadyOver(_) | CancelAnswer::Unknown) {
        under_way.found_nothing();
    }
    drop(under_way);
    Ok(match *answer {
        // A delivery may still be busy with hooks when its run has long been stored.
        CancelAnswer::Cancelled(before) => {
            let was_held = matches!(before, Status::Queued | Status::InProgress);
            CancelOutcome::of(was_running && was_held)
        }
        // The delivery has stored it already, with the same words.
        CancelAnswer::AlreadyOver(Status::Cancelled) if is_heard => CancelOutcome::of(was_running),
        CancelAnswer::AlreadyOver(status) => CancelOutcome::AlreadyOver(status),
        CancelAnswer::Unknown => CancelOutcome::Unknown,
    })
}

impl Handler<Cancel> for Supervisor {
    type Result = ResponseFuture<Result<CancelOutcome, RequestError>>;

    fn handle(&mut self, Cancel { id, by }: Cancel, _: &mut Self::Context) -> Self::Result {
        let cancelled = cancel(&self.deps, vec![id], &by);
        Box::pin(async move { cancelled.await?.pop().ok_or(RequestError::NoAnswer) })
    }
}

impl Handler<CancelByKey> for Supervisor {
    type Result = ResponseFuture<Result<Option<CancelledTask>, RequestError>>;

    fn handle(&mut self, message: CancelByKey, _: &mut Self::Context) -> Self::Result {
        Box::pin(cancel_by_key(self.deps.clone(), message))
    }
}

/// How often the task that holds a key may end and another one take the key before it is cancelled.
const TRIES: usize = 16;

async fn cancel_by_key(
    deps: SupervisorDeps,
    CancelByKey { key, by }: CancelByKey,
) -> Result<Option<CancelledTask>, RequestError> {
    let mut last = None;
    for _ in 0..TRIES {
        let Some(holder) = deps.storage.queries().task_by_key(&key).await? else {
            return Ok(last);
        };
        let id = holder.id();
        let mut outcomes = cancel(&deps, vec![id], &by).await?;
        let outcome = outcomes.pop().ok_or(RequestError::NoAnswer)?;
        let cancelled = CancelledTask { id, outcome };
        // One that came to its end meanwhile may have given its key to another one; one that keeps its key
        // though it is over is found again.
        let is_over = matches!(
            outcome,
            CancelOutcome::AlreadyOver(_) | CancelOutcome::Unknown
        );
        if !is_over || last == Some(cancelled) {
            return Ok(Some(cancelled));
        }
        last = Some(cancelled);
    }
    Ok(last)
}

impl Handler<CancelAll> for Supervisor {
    type Result = ResponseFuture<Result<CancelReport, RequestError>>;

    fn handle(&mut self, message: CancelAll, _: &mut Self::Context) -> Self::Result {
        Box::pin(cancel_all(self.deps.clone(), message))
    }
}

async fn cancel_all(
    deps: SupervisorDeps,
    CancelAll { filter, by }: CancelAll,
) -> Result<CancelReport, RequestError> {
    let mut report = CancelReport::default();
    if let Some(open) = narrowed(&filter, &OPEN) {
        cancel_pages(&deps, open, &by, |outcome| report.count(outcome)).await?;
    }
    if filter.is_recurring != Some(false)
        && let Some(mut resting) = narrowed(&filter, &RESTING)
    {
        resting.is_recurring = Some(true);
        let count = |outcome| {
            // Series that were over before are not meant.
            if !matches!(outcome, CancelOutcome::AlreadyOver(_)) {
                report.count(outcome);
            }
        };
        cancel_pages(&deps, resting, &by, count).await?;
    }
    Ok(report)
}

/// Cancels what a filter means, a page in a commit.
async fn cancel_pages(
    deps: &SupervisorDeps,
    filter: TaskFilter,
    by: &Cancellation,
    mut count: impl FnMut(CancelOutcome) + Send,
) -> Result<(), RequestError> {
    let mut pages = Pages::until_now(deps, filter);
    while let Some(ids) = pages.next().await? {
        let outcomes = cancel(deps, ids, by).await?;
        outcomes.into_iter().for_each(&mut count);
    }
    Ok(())
}

/// The filter with those of its statuses that are among these; `None` if that means nothing.
fn narrowed(filter: &TaskFilter, statuses: &[Status]) -> Option<TaskFilter> {
    let is_meant =
        |status: &&Status| filter.statuses.is_empty() || filter.statuses.contains(status);
    let statuses: Vec<_> = statuses.iter().filter(is_meant).copied().collect();
    (!statuses.is_empty()).then(|| TaskFilter {
        statuses,
        ..filter.clone()
    })
}
