use std::collections::{BTreeSet, HashSet};

use super::ready::LimitLane;
use super::table::{Row, Table};
use crate::concurrency::{ClaimQuota, QuotaKeys};
use crate::storage::{AuditEntry, ClaimAnswer, ClaimTasks, ClaimedTask};
use crate::task::{ProcessId, Status, TaskDefinition, TaskId};
use crate::time::Timestamp;

/// Takes rows for the process `me`, which is one of the `living`.
pub(super) fn claim(
    table: &mut Table,
    living: &HashSet<ProcessId>,
    me: ProcessId,
    claim: &ClaimTasks,
) -> ClaimAnswer {
    let is_free = |owner: Option<ProcessId>| owner.is_none_or(|owner| !living.contains(&owner));
    let mut quota = claim.quota.clone();
    let first = |table: &Table, quota: &ClaimQuota, admits: &dyn Fn(&TaskDefinition) -> bool| {
        let is_admitted = |id| {
            let row = table.row(id);
            row.is_some_and(|row| admits(&row.record.definition))
        };
        let is_throttled = |lane: &LimitLane| is_throttled(quota, lane);
        let ready = table.ready();
        ready.first_due(is_free, claim, is_throttled, is_admitted)
    };
    let limit = usize::try_from(claim.limit).unwrap_or(usize::MAX);
    let mut tasks = Vec::new();
    let mut bytes = 0_usize;
    while tasks.len() < limit {
        let Some(id) = first(table, &quota, &|task| quota.admits(QuotaKeys::of(task))) else {
            break;
        };
        bytes = bytes.saturating_add(payload_bytes(table, id));
        if bytes > claim.max_bytes && !tasks.is_empty() {
            break;
        }
        let taken = table.update(id, |row| {
            quota.take(QuotaKeys::of(&row.record.definition));
            take(row, me, claim.now)
        });
        tasks.extend(taken);
    }
    let next = first(table, &quota, &|task| quota.admits(QuotaKeys::of(task)));
    let exhausted = next.is_none();
    let mut throttled = BTreeSet::new();
    if exhausted {
        let due = table.ready().due_limits(is_free, claim);
        throttled.extend(due.filter(|lane| is_throttled(&quota, lane)).cloned());
    }
    ClaimAnswer {
        tasks,
        exhausted,
        passed_over: exhausted && first(table, &quota, &|_| true).is_some(),
        throttled: throttled.into_iter().collect(),
        next_available_at: table
            .ready()
            .next_after(&claim.queues, is_free, claim.horizon()),
    }
}

fn is_throttled(quota: &ClaimQuota, (task, limit_key): &LimitLane) -> bool {
    let row = QuotaKeys {
        task,
        concurrency_key: None,
        limit_key: Some(limit_key),
    };
    !quota.admits_lane(row)
}

fn payload_bytes(table: &Table, id: TaskId) -> usize {
    table
        .row(id)
        .map_or(0, |row| row.record.definition.payload.len())
}

/// Moves a claimable row into the window of `me`; an owner it has is a dead one.
fn take(row: &mut Row, me: ProcessId, now: Timestamp) -> ClaimedTask {
    let state = &mut row.record.state;
    let interrupted = state.owner.is_some();
    // A task between two attempts is in progress all along; its audit does not say otherwise.
    let is_parked = state.status == Status::InProgress && !interrupted;
    if !is_parked {
        state.status = Status::Queued;
        if row
            .record
            .definition
            .audit_level
            .keeps_status(Status::Queued, None)
        {
            row.audit.push(AuditEntry::of(Status::Queued, now));
        }
    }
    let died_on_probation = interrupted && state.on_probation;
    state.interruptions = state
        .interruptions
        .saturating_add(u32::from(died_on_probation));
    state.on_probation = false;
    state.owner = Some(me);
    row.record.generation = row.record.generation.superseded();
    ClaimedTask {
        record: row.record.clone(),
        interrupted,
    }
}
