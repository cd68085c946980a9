use std::collections::HashSet;

use super::insert::insert;
use super::table::Table;
use crate::storage::{
    AuditEntry, CancelAnswer, CancelTask, ChangeAnswer, InsertAnswer, ReconsiderWaiting,
    Redefinition, RowChange,
};
use crate::task::{ProcessId, RowState, Status, TaskId, TaskRecord, WaitReason};

/// Moves a row on if it is where the writer believes it is.
pub(super) fn change(table: &mut Table, change: &RowChange) -> ChangeAnswer {
    let Some(row) = table.row(change.id) else {
        return ChangeAnswer::Missing;
    };
    if row.record.generation != change.expected {
        return if change.is_applied_to(&row.record) {
            ChangeAnswer::Applied
        } else {
            ChangeAnswer::Refused(Box::new(row.record.clone()))
        };
    }
    table.update(change.id, |row| {
        row.record.generation = change.generation;
        row.record.state = change.state.clone();
        row.audit.extend(change.kept_audit().cloned());
    });
    table.add_attempts(change.id, change.kept_attempts());
    table.add_runs(change.id, change.kept_runs());
    ChangeAnswer::Applied
}

/// Whether a change will be applied now, and was not before.
pub(super) fn is_due(table: &Table, change: &RowChange) -> bool {
    let row = table.row(change.id);
    row.is_some_and(|row| row.record.generation == change.expected)
}

/// Stores the follow-ups of a change that was applied, and answers which were left out.
pub(super) fn follow_up(table: &mut Table, change: &RowChange) -> Vec<TaskId> {
    let tasks = change.follow_ups.iter();
    let left_out = tasks.filter(|task| insert(table, task) != InsertAnswer::Stored);
    left_out.map(|task| task.record.id()).collect()
}

/// Gives a row other work if it is where the writer believes it is.
pub(super) fn redefine(table: &mut Table, redefinition: &Redefinition) -> ChangeAnswer {
    let new = &redefinition.record;
    let Some(row) = table.row(new.definition.id) else {
        return ChangeAnswer::Missing;
    };
    if row.record.generation != redefinition.expected {
        return if redefinition.is_applied_to(&row.record) {
            ChangeAnswer::Applied
        } else {
            ChangeAnswer::Refused(Box::new(row.record.clone()))
        };
    }
    table.update(new.definition.id, |row| {
        row.record = new.clone();
        row.audit.extend(redefinition.kept_audit().cloned());
    });
    ChangeAnswer::Applied
}

/// Cancels a task unless it is over.
pub(super) fn cancel(table: &mut Table, cancel: &CancelTask) -> CancelAnswer {
    let Some(row) = table.row(cancel.id) else {
        return CancelAnswer::Unknown;
    };
    let before = row.record.state.status;
    if row.record.state.is_over() {
        return CancelAnswer::AlreadyOver(before);
    }
    let keeps_key = row.record.definition.keeps_key(cancel.at);
    table.update(cancel.id, |row| {
        row.record.generation = row.record.generation.superseded();
        row.record.state = RowState {
            status: Status::Cancelled,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            failure: None,
            error_fingerprint: None,
            active_key: row.record.state.active_key.clone().filter(|_| keeps_key),
            next_run_at: None,
            retry_delay: None,
            snooze_reason: None,
            ..row.record.state.clone()
        };
        row.audit.push(AuditEntry {
            actor: cancel.actor.clone(),
            reason: cancel.reason.clone(),
            ..AuditEntry::of(Status::Cancelled, cancel.at)
        });
    });
    CancelAnswer::Cancelled(before)
}

/// Lets rows that may have become runnable be claimed again.
pub(super) fn reconsider(
    table: &mut Table,
    living: &HashSet<ProcessId>,
    reconsider: &ReconsiderWaiting,
) {
    let may_run = |record: &TaskRecord| match record.state.wait_reason {
        None | Some(WaitReason::Paused) => false,
        Some(WaitReason::NoHandler) => reconsider.known_tasks.contains(&record.definition.task),
        Some(WaitReason::Undecodable) => record
            .state
            .owner
            .is_none_or(|judge| !living.contains(&judge)),
    };
    let ids: Vec<_> = table
        .records()
        .filter(|record| !record.state.is_over() && may_run(record))
        .map(|record| record.definition.id)
        .collect();
    for id in ids {
        table.update(id, |row| {
            row.record.generation = row.record.generation.superseded();
            row.record.state.wait_reason = None;
            row.record.state.owner = None;
        });
    }
}
