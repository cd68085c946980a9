//! Letting go of what its windows have passed.

use uuid::Uuid;

use super::table::{Row, Table};
use crate::log::LogLine;
use crate::retention::{
    HistoryCutoffs, LogAge, PurgeTasks, RetentionBatch, RetentionCursor, RetentionScope,
    RetentionStep, RetentionTarget,
};
use crate::storage::AuditEntry;
use crate::task::{AttemptRecord, RunRecord, TaskId};
use crate::time::Timestamp;

/// How many tasks one batch looks at, at most, so that the lock is never held for long.
const LOOK_AROUND: usize = 1_000;

/// Does a batch of a step; the cursor is the first task that was not looked at to its end.
pub(super) fn retain(
    table: &mut Table,
    step: &RetentionStep,
    from: Option<RetentionCursor>,
    limit: u32,
) -> RetentionBatch {
    let (tasks, next) = part(table, &step.scope, from);
    let mut rows = 0;
    for id in tasks {
        rows += let_go(table, id, &step.target, u64::from(limit) - rows);
        if rows == u64::from(limit) {
            let next = Some(RetentionCursor::Task(id));
            return RetentionBatch { rows, next };
        }
    }
    RetentionBatch { rows, next }
}

/// Counts what a part of a step would let go of.
pub(super) fn preview(
    table: &Table,
    step: &RetentionStep,
    from: Option<RetentionCursor>,
) -> RetentionBatch {
    let (tasks, next) = part(table, &step.scope, from);
    let rows = tasks
        .into_iter()
        .filter_map(|id| table.row(id))
        .map(|row| count(row, &step.target))
        .sum();
    RetentionBatch { rows, next }
}

/// The tasks a call looks at, and where the next one begins.
fn part(
    table: &Table,
    scope: &RetentionScope,
    from: Option<RetentionCursor>,
) -> (Vec<TaskId>, Option<RetentionCursor>) {
    let first = match from {
        Some(RetentionCursor::Task(id)) => id,
        Some(
            RetentionCursor::Number(_) | RetentionCursor::Id(_) | RetentionCursor::Surplus(..),
        )
        | None => TaskId(Uuid::nil()),
    };
    let mut rows = table.rows_from(first);
    let tasks = rows
        .by_ref()
        .take(LOOK_AROUND)
        .filter(|(_, row)| {
            let definition = &row.record.definition;
            scope.includes(&definition.task, &definition.queue)
        })
        .map(|(id, _)| id)
        .collect();
    let next = rows.next().map(|(id, _)| RetentionCursor::Task(id));
    (tasks, next)
}

/// Deletes at most `limit` rows of a task and answers how many that are.
fn let_go(table: &mut Table, id: TaskId, target: &RetentionTarget, limit: u64) -> u64 {
    let Some(row) = table.row(id) else {
        return 0;
    };
    let rows = count(row, target).min(limit);
    if rows == 0 {
        return 0;
    }
    let mut left = rows;
    let mut is_next = |goes: bool| {
        let goes = goes && left > 0;
        left -= u64::from(goes);
        goes
    };
    match target {
        RetentionTarget::StatusAudit(cutoffs) => {
            table.remove_audit(id, |entry| is_next(audit_goes(cutoffs, entry)));
        }
        RetentionTarget::Runs(cutoffs) => {
            table.remove_runs(id, |run| is_next(run_goes(cutoffs, run)));
        }
        RetentionTarget::Attempts(cutoffs) => {
            table.remove_attempts(id, |attempt| is_next(attempt_goes(cutoffs, attempt)));
        }
        RetentionTarget::Tasks(_) => table.remove(id),
        RetentionTarget::LogsByAge { before } => {
            table.remove_logs(id, |line| is_next(line.at < *before));
        }
        RetentionTarget::LogsByCount { keep, aged_before } => {
            let kept = oldest_kept(row, *keep, *aged_before);
            table.remove_logs(id, |line| is_next(is_surplus(line, kept, *aged_before)));
        }
    }
    rows
}

/// How many rows of a task a step lets go of.
fn count(row: &Row, target: &RetentionTarget) -> u64 {
    let rows = match target {
        RetentionTarget::StatusAudit(cutoffs) => {
            let lines = row.audit.iter();
            lines.filter(|entry| audit_goes(cutoffs, entry)).count()
        }
        RetentionTarget::Runs(cutoffs) => {
            let runs = row.runs.iter();
            runs.filter(|run| run_goes(cutoffs, run)).count()
        }
        RetentionTarget::Attempts(cutoffs) => {
            let attempts = row.attempts.iter();
            attempts
                .filter(|attempt| attempt_goes(cutoffs, attempt))
                .count()
        }
        RetentionTarget::Tasks(purge) => usize::from(is_purged(row, purge)),
        RetentionTarget::LogsByAge { before } => {
            let lines = row.logs.values();
            lines.filter(|line| line.at < *before).count()
        }
        RetentionTarget::LogsByCount { keep, aged_before } => {
            let kept = oldest_kept(row, *keep, *aged_before);
            let lines = row.logs.values();
            lines
                .filter(|line| is_surplus(line, kept, *aged_before))
                .count()
        }
    };
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn is_purged(row: &Row, purge: &PurgeTasks) -> bool {
    let state = &row.record.state;
    let is_series = row.record.definition.series.is_some();
    let ended = match purge.ended.status() {
        Some(status) => state.status == status && !is_series,
        None => state.is_over() && is_series,
    };
    let last_ran_at = state
        .last_execution_at
        .unwrap_or(row.record.definition.created_at);
    let audit_goes = |entry| {
        let cutoffs = purge.status_audit.as_ref();
        cutoffs.is_some_and(|cutoffs| audit_goes(cutoffs, entry))
    };
    let run_goes = |run| {
        let cutoffs = purge.runs.as_ref();
        cutoffs.is_some_and(|cutoffs| run_goes(cutoffs, run))
    };
    let attempt_goes = |attempt| {
        let cutoffs = purge.attempts.as_ref();
        cutoffs.is_none_or(|cutoffs| attempt_goes(cutoffs, attempt))
    };
    ended
        && last_ran_at < purge.before
        && row.audit.iter().all(audit_goes)
        && row.runs.iter().all(run_goes)
        && row.attempts.iter().all(attempt_goes)
        && !row.logs.values().any(|line| purge.logs.holds(line.at))
}

/// The oldest of the newest lines of a task that are to stay, if it has more than that.
fn oldest_kept(row: &Row, keep: u64, aged_before: Option<Timestamp>) -> Option<LogAge> {
    let lines = row.logs.values();
    let young = lines.filter(|line| aged_before.is_none_or(|before| line.at >= before));
    let mut ages: Vec<_> = young.map(LogAge::of).collect();
    ages.sort_unstable();
    let surplus = ages.len().checked_sub(usize::try_from(keep).ok()?)?;
    ages.get(surplus).copied()
}

fn is_surplus(line: &LogLine, kept: Option<LogAge>, aged_before: Option<Timestamp>) -> bool {
    let is_young = aged_before.is_none_or(|before| line.at >= before);
    is_young && kept.is_some_and(|kept| LogAge::of(line) < kept)
}

fn audit_goes(cutoffs: &HistoryCutoffs, entry: &AuditEntry) -> bool {
    cutoffs.lets_go_of_status(entry.at, entry.status, entry.failure.as_ref())
}

fn run_goes(cutoffs: &HistoryCutoffs, run: &RunRecord) -> bool {
    cutoffs.lets_go_of_status(run.at, run.status, run.failure.as_ref())
}

fn attempt_goes(cutoffs: &HistoryCutoffs, attempt: &AttemptRecord) -> bool {
    let failure = attempt.failure.as_ref();
    cutoffs.lets_go_of_attempt(attempt.started_at, attempt.outcome, failure)
}
