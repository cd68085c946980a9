use evertask_core::retention::{EndedTasks, HistoryCutoffs, PurgeTasks, RetentionScope};
use evertask_core::task::Status;
use evertask_migration::TablePrefix;
use sea_orm::ExprTrait;
use sea_orm::sea_query::{Alias, Condition, Expr, Func, Query};

use super::history::History;
use super::instant::Instants;
use super::lines::Lines;
use super::scope;

/// Which tasks are purged.
pub(super) fn goes(
    prefix: &TablePrefix,
    instants: Instants,
    scope: &RetentionScope,
    purge: &PurgeTasks,
) -> Condition {
    let tasks = prefix.tasks();
    let column = |name: &'static str| Expr::col((Alias::new(&tasks), Alias::new(name)));
    let last_ran_at = Func::coalesce([column("last_execution_at"), column("created_at")]);
    let status_audit = History::status_audit(prefix);
    let runs = History::runs(prefix);
    let attempts = History::attempts(prefix);
    let held_by = |table: &str, stays: Option<Expr>| held_by(&tasks, table, stays);
    let stays = |history: &History, cutoffs: &Option<HistoryCutoffs>| {
        let cutoffs = cutoffs.as_ref();
        cutoffs.map(|cutoffs| history.stays(instants, cutoffs))
    };
    let audit_stays = stays(&status_audit, &purge.status_audit);
    let runs_stay = stays(&runs, &purge.runs);
    let lines = Lines::of(prefix, instants, scope);
    let logs_stay = lines.holding(purge.logs);
    let attempts_stay = stays(&attempts, &purge.attempts);
    scope::of_task(&tasks, scope)
        .add(has_ended(&tasks, purge.ended))
        .add(Expr::expr(last_ran_at).lt(instants.value(purge.before)))
        .add(held_by(&status_audit.table, audit_stays).not())
        .add(held_by(&runs.table, runs_stay).not())
        .add_option(logs_stay.map(|(table, stays)| held_by(table, stays).not()))
        .add_option(attempts_stay.map(|stays| held_by(&attempts.table, Some(stays)).not()))
}

fn has_ended(tasks: &str, ended: EndedTasks) -> Expr {
    let column = |name: &'static str| Expr::col((Alias::new(tasks), Alias::new(name)));
    let is_series = column("schedule").is_not_null();
    if let Some(status) = ended.status() {
        return column("status").eq(status.as_str()).and(is_series.not());
    }
    let status = column("status");
    let cancelled = status.clone().eq(Status::Cancelled.as_str());
    let ended = status.is_in([Status::Completed.as_str(), Status::Failed.as_str()]);
    let is_last = column("next_run_at").is_null();
    is_series.and(cancelled.or(ended.and(is_last)))
}

/// Says that a task has such a line, or any.
fn held_by(tasks: &str, table: &str, stays: Option<Expr>) -> Expr {
    let line = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new(table))
        .and_where(scope::belongs(table, tasks))
        .and_where_option(stays)
        .take();
    Expr::exists(line)
}
