//! How series are declared, backfilled and looked ahead.

use std::collections::HashSet;
use std::sync::Arc;

use actix::{Handler, ResponseFuture};
use evertask_core::manage::{Refusal, run_beside};
use evertask_core::schedule::Recurrence;
use evertask_core::storage::query::TaskFilter;
use evertask_core::storage::{Answer, AuditEntry, InsertAnswer, NewTask, Write};
use evertask_core::task::{Status, TaskId, TaskRecord};
use evertask_core::time::Timestamp;

use super::actor::{Supervisor, SupervisorDeps};
use super::cancel::CancelOutcome;
use super::cancelling::cancel;
use super::managing::{SOMEBODY, follow};
use super::messages::RequestError;
use super::pages::Pages;
use super::series::{
    Backfill, BackfillOutcome, DeclareError, DeclareSeries, Declared, GetNextRuns,
};
use crate::delivery::Cancellation;
use crate::dispatch::{Dispatch, Dispatched, dispatch_all};
use crate::persistence::Patience;

impl Handler<DeclareSeries> for Supervisor {
    type Result = ResponseFuture<Result<Declared, DeclareError>>;

    fn handle(&mut self, declared: DeclareSeries, _: &mut Self::Context) -> Self::Result {
        let deps = self.deps.clone();
        Box::pin(async move { declare(&deps, declared).await })
    }
}

impl Handler<Backfill> for Supervisor {
    type Result = ResponseFuture<Result<BackfillOutcome, RequestError>>;

    fn handle(&mut self, backfill: Backfill, _: &mut Self::Context) -> Self::Result {
        let deps = self.deps.clone();
        Box::pin(async move { run_range(&deps, backfill).await })
    }
}

impl Handler<GetNextRuns> for Supervisor {
    type Result = ResponseFuture<Result<Vec<Timestamp>, RequestError>>;

    fn handle(&mut self, wanted: GetNextRuns, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        Box::pin(async move {
            let found = storage.task(wanted.series).await?;
            Ok(found.map_or_else(Vec::new, |found| next_runs(&found, wanted.count)))
        })
    }
}

async fn declare(
    deps: &SupervisorDeps,
    DeclareSeries { set, series }: DeclareSeries,
) -> Result<Declared, DeclareError> {
    if let Some(number) = series.iter().position(|series| !series.has_key()) {
        return Err(DeclareError::NoKey(number));
    }
    if let Some(number) = series.iter().position(|series| !series.is_series()) {
        return Err(DeclareError::NoSchedule(number));
    }
    let series = series.into_iter().map(|series| series.declared_in(&set));
    let series: Vec<Dispatch> = series.collect();
    let mut declared = Vec::new();
    for (number, answer) in dispatch_all(&deps.admission, series)
        .await?
        .into_iter()
        .enumerate()
    {
        declared.push(answer.map_err(|error| DeclareError::Series { number, error })?);
    }
    let retired = retire(deps, &set, &declared).await;
    Ok(Declared {
        retired: retired.map_err(DeclareError::Retire)?,
        series: declared,
    })
}

/// Cancels what is left of a set beside the series that are in it now.
async fn retire(
    deps: &SupervisorDeps,
    set: &str,
    declared: &[Dispatched],
) -> Result<Vec<TaskId>, RequestError> {
    let kept: HashSet<TaskId> = declared.iter().map(|series| series.id).collect();
    let filter = TaskFilter {
        declared_in: Some(set.to_owned()),
        // Those that were retired before stay so.
        statuses: Status::ALL
            .into_iter()
            .filter(|status| *status != Status::Cancelled)
            .collect(),
        ..TaskFilter::default()
    };
    let by = Cancellation {
        actor: Some(SOMEBODY.to_owned()),
        reason: Some(format!("not declared in {set} any more")),
    };
    let mut retired = Vec::new();
    let mut pages = Pages::until_now(deps, filter);
    while let Some(mut ids) = pages.next().await? {
        ids.retain(|id| !kept.contains(id));
        let outcomes = cancel(deps, ids.clone(), &by).await?;
        let cancelled = ids.into_iter().zip(outcomes);
        retired.extend(
            cancelled
                .filter(|(_, outcome)| is_cancelled(*outcome))
                .map(|(id, _)| id),
        );
    }
    Ok(retired)
}

fn is_cancelled(outcome: CancelOutcome) -> bool {
    matches!(
        outcome,
        CancelOutcome::Cancelled | CancelOutcome::CancelledWhileRunning
    )
}

async fn run_range(
    deps: &SupervisorDeps,
    backfill: Backfill,
) -> Result<BackfillOutcome, RequestError> {
    let Some(found) = deps.storage.task(backfill.series).await? else {
        return Ok(BackfillOutcome::Unknown);
    };
    let Some(series) = &found.definition.series else {
        return Ok(BackfillOutcome::Refused(Refusal::NoSeries));
    };
    let Ok(recurrence) = Recurrence::read(found.id(), series) else {
        return Ok(BackfillOutcome::Refused(Refusal::Unreadable));
    };
    let at = recurrence.within(backfill.from, backfill.to, Backfill::MOST + 1);
    if at.len() > Backfill::MOST {
        return Ok(BackfillOutcome::TooMany);
    }
    let now = deps.admission.clock.now();
    let writes = at.into_iter().map(|at| {
        let mut task: NewTask = run_beside(&found.definition, at, now);
        task.audit.push(AuditEntry {
            actor: Some(
                backfill
                    .actor
                    .clone()
                    .unwrap_or_else(|| SOMEBODY.to_owned()),
            ),
            reason: backfill.reason.clone(),
            ..AuditEntry::of(task.record.state.status, now)
        });
        Write::Insert(Box::new(task))
    });
    let patience = Patience::For(deps.patience);
    let answers = deps.admission.persistence.apply(writes.collect(), patience);
    let answers = answers.await?;
    let is_stored = |answer: &&Answer| matches!(answer, Answer::Insert(InsertAnswer::Stored));
    let stored = answers.iter().filter(is_stored).count();
    let existing = answers.len() - stored;
    follow(deps, &found, Some(now), now);
    Ok(BackfillOutcome::Done { stored, existing })
}

fn next_runs(found: &TaskRecord, count: usize) -> Vec<Timestamp> {
    let (Some(series), Some(next)) = (&found.definition.series, found.state.next_run_at) else {
        return Vec::new();
    };
    let Ok(recurrence) = Recurrence::read(found.id(), series) else {
        return Vec::new();
    };
    let left = series.max_runs.map_or(usize::MAX, |runs| {
        usize::try_from(runs.saturating_sub(found.state.run_count)).unwrap_or(usize::MAX)
    });
    let runs = std::iter::once(next).chain(recurrence.preview(next));
    runs.take(count.min(GetNextRuns::MOST).min(left)).collect()
}
