//! What code and database decide, they decide alike: every combination of what a rule looks at is
//! generated, and what the storage did is compared with the function that states the rule.

use super::World;
use super::process::Process;
use super::sample::{AGEING, at, attempt, everything, failure, id, ids, task, task_with};
use crate::audit::AuditLevel;
use crate::lease::RowLease;
use crate::rank::Rank;
use crate::storage::{AuditEntry, Write};
use crate::task::{
    AttemptOutcome, Failure, FailureKind, ProcessId, RunRecord, Status, TaskRecord, WaitReason,
};
use crate::time::Timestamp;

/// A row for every combination of status, owner, wait reason, instant and next run, of several
/// priorities.
fn rows_of(owners: &[Option<ProcessId>], first: u128) -> Vec<TaskRecord> {
    let reasons: Vec<_> = WaitReason::ALL
        .map(Some)
        .into_iter()
        .chain([None])
        .collect();
    let mut rows = Vec::new();
    let mut number = first;
    for status in Status::ALL {
        for owner in owners {
            for wait_reason in reasons.iter().copied() {
                for available_at in [None, Some(at(9)), Some(at(10)), Some(at(20))] {
                    for next_run_at in [None, Some(at(5))] {
                        let mut row = task_with(number, |state| {
                            state.status = status;
                            state.owner = *owner;
                            state.wait_reason = wait_reason;
                            state.available_at = available_at;
                            state.next_run_at = next_run_at;
                        });
                        row.definition.priority = [0, 1, -1][rows.len() % 3];
                        rows.push(row);
                        number += 1;
                    }
                }
            }
        }
    }
    rows
}

/// Issue 3, must show 6; C14 and C27: the predicate of claims is
/// [`RowState::is_claimable`](crate::task::RowState::is_claimable).
pub async fn a_claim_takes_exactly_what_is_claimable(world: &dyn World) {
    let dead = Process::start(world).await;
    let living = Process::start(world).await;
    let dead_id = dead.id;
    let mut rows = rows_of(&[None, Some(dead_id), Some(living.id)], 1);
    living.store(&rows).await;
    dead.crash().await;
    let process = Process::start(world).await;
    let own = rows_of(&[Some(process.id)], 10_000);
    process.store(&own).await;
    rows.extend(own);

    let lives = |owner| owner != dead_id;
    let mut expected: Vec<_> = rows
        .iter()
        .filter(|row| row.state.is_claimable(at(10), lives))
        .map(|row| (Rank::of(row, AGEING), row.definition.id))
        .collect();
    expected.sort_unstable();
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let to_come = |row: &&TaskRecord| {
        let later = row.state.is_claimable(Timestamp::MAX_UTC, lives);
        later && row.state.claimable_from() > Some(at(10))
    };
    let next = rows.iter().filter(to_come);
    let next = next.filter_map(|row| row.state.claimable_from()).min();

    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), expected);
    assert!(claimed.exhausted);
    assert_eq!(claimed.next_available_at, next);
    for row in rows {
        let id = row.definition.id;
        if !expected.contains(&id) {
            assert_eq!(process.record(id).await, row, "it was left alone");
        }
    }
}

/// Issue 3, must show 6; storage specification 3.1: what a change leaves is what
/// [`AuditLevel`] says of its lines, attempts and runs.
pub async fn a_change_leaves_exactly_what_its_level_keeps(world: &dyn World) {
    let process = Process::start(world).await;
    let failures = [
        None,
        Some(failure("it broke")),
        Some(Failure::new(FailureKind::Stopped, "told to")),
        Some(Failure::new(FailureKind::Cancelled, "told to")),
    ];
    let mut changes = Vec::new();
    let mut number = 0;
    for audit_level in AuditLevel::ALL {
        for status in Status::ALL {
            for (failure, outcome) in failures.iter().zip(AttemptOutcome::ALL) {
                number += 1;
                let mut record = task(number);
                record.definition.audit_level = audit_level;
                process.store(&[record.clone()]).await;
                let ended = attempt(process.id, 1, outcome);
                let mut change = RowLease::new(&record).note(ended.clone());
                change.state.status = status;
                change.audit = vec![AuditEntry {
                    failure: failure.clone(),
                    ..AuditEntry::of(status, at(1))
                }];
                change.runs = vec![RunRecord {
                    id: ended.id,
                    number: 1,
                    scheduled_at: Some(at(1)),
                    at: at(2),
                    execution_time: ended.ran,
                    status,
                    failure: failure.clone(),
                }];
                changes.push(change);
            }
        }
    }
    let writes = changes.iter().cloned().map(Box::new).map(Write::Change);
    process.apply(writes.collect()).await;
    for change in changes {
        let audit: Vec<_> = change.kept_audit().cloned().collect();
        assert_eq!(process.audit(change.id).await, audit, "{change:?}");
        let attempts: Vec<_> = change.kept_attempts().cloned().collect();
        assert_eq!(process.attempts(change.id).await, attempts, "{change:?}");
        let runs: Vec<_> = change.kept_runs().cloned().collect();
        assert_eq!(process.runs(change.id).await, runs, "{change:?}");
    }
}

/// Issue 3, must show 6: a claim goes by the same rule, and says nothing of a task that is in
/// progress all along.
pub async fn a_claim_is_audited_exactly_as_levels_say(world: &dyn World) {
    let process = Process::start(world).await;
    let mut rows = Vec::new();
    let mut number = 0;
    for audit_level in AuditLevel::ALL {
        for status in Status::ALL {
            number += 1;
            let mut record = task_with(number, |state| state.status = status);
            record.definition.audit_level = audit_level;
            rows.push(record);
        }
    }
    process.store(&rows).await;
    process.claim(everything(at(10))).await;
    for (number, row) in (1..).zip(rows) {
        let stored = row.state.status == Status::Queued;
        let claimed = !row.state.is_over() && row.state.status != Status::InProgress;
        let keeps = row
            .definition
            .audit_level
            .keeps_status(Status::Queued, None);
        let expected = usize::from(stored && keeps) + usize::from(claimed && keeps);
        let audit = process.audit(id(number)).await;
        assert_eq!(audit.len(), expected, "{row:?}");
    }
}
