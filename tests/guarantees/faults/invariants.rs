//! What must hold after every run.

use std::collections::BTreeMap;

use evertask::storage::AuditEntry;
use evertask::{AttemptOutcome, AttemptRecord, AuditLevel, RunRecord, Status, TaskId, TaskRecord};

use super::ledger::Asked;
use super::world::World;

/// A task with everything kept about it.
struct Kept {
    record: TaskRecord,
    audit: Vec<AuditEntry>,
    attempts: Vec<AttemptRecord>,
    runs: Vec<RunRecord>,
}

/// Everything that is known after a run.
struct Aftermath<'a> {
    world: &'a World,
    asked: BTreeMap<TaskId, Asked>,
    kept: BTreeMap<TaskId, Kept>,
}

/// Answers what breaks it.
type Invariant = fn(&Aftermath<'_>) -> Vec<String>;

/// Checks each invariant; the first that does not hold fails the run, with all that happened.
pub(super) async fn check(world: &World) {
    let aftermath = Aftermath::of(world).await;
    let invariants: [(&str, Invariant); 8] = [
        ("no acknowledged id is lost", no_acknowledged_id_is_lost),
        (
            "what was refused is not stored",
            what_was_refused_is_not_stored,
        ),
        (
            "no two runs of one task overlap",
            no_two_runs_of_one_task_overlap,
        ),
        (
            "no outcome is of an old generation",
            no_outcome_is_of_an_old_generation,
        ),
        ("row and audit agree", row_and_audit_agree),
        ("counters equal rows", counters_equal_rows),
        (
            "nothing is open and unowned without a reason",
            nothing_is_open_and_unowned_without_a_reason,
        ),
        (
            "a group of unknown outcome is repeated",
            a_group_of_unknown_outcome_is_repeated,
        ),
    ];
    for (name, broken) in invariants {
        let broken = broken(&aftermath);
        assert!(
            broken.is_empty(),
            "{name}, but: {}\n{}",
            broken.join("\n"),
            world.report()
        );
    }
}

impl<'a> Aftermath<'a> {
    async fn of(world: &'a World) -> Self {
        let reader = world.reader().await;
        let mut kept = BTreeMap::new();
        for id in world.witness.ids() {
            let record = reader.task(id).await.unwrap();
            let Some(record) = record else { continue };
            let row = Kept {
                record,
                audit: reader.audit(id).await.unwrap(),
                attempts: reader.attempts(id).await.unwrap(),
                runs: reader.runs(id).await.unwrap(),
            };
            kept.insert(id, row);
        }
        Self {
            world,
            asked: world.ledger.asked(),
            kept,
        }
    }

    /// Every task with its row.
    fn tasks(&self) -> impl Iterator<Item = (TaskId, &Asked, &Kept)> {
        self.asked
            .iter()
            .filter_map(|(id, asked)| Some((*id, asked, self.kept.get(id)?)))
    }
}

/// Whoever got an id finds the task, and it came to the end that it had to come to.
fn no_acknowledged_id_is_lost(after: &Aftermath<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, asked) in after.asked.iter().filter(|(_, asked)| asked.stored) {
        let Some(kept) = after.kept.get(id) else {
            broken.push(format!("{id} was acknowledged and is not stored"));
            continue;
        };
        let status = kept.record.state.status;
        if asked.cancelled && status != Status::Cancelled {
            broken.push(format!("{id} was cancelled and is {status}"));
        }
        let expected = if asked.errand.succeeds() {
            Status::Completed
        } else {
            Status::Failed
        };
        let is_late = asked.errand.deadline.is_some() && status == Status::Failed;
        if !asked.cancel_tried && !is_late && status != expected {
            broken.push(format!("{id} should be {expected} and is {status}"));
        }
    }
    broken
}

/// Whoever was told that nothing is stored can rely on it.
fn what_was_refused_is_not_stored(after: &Aftermath<'_>) -> Vec<String> {
    after
        .tasks()
        .filter(|(_, asked, _)| asked.refused == asked.sent)
        .map(|(id, ..)| format!("{id} was refused and is stored"))
        .collect()
}

fn no_two_runs_of_one_task_overlap(after: &Aftermath<'_>) -> Vec<String> {
    let overlaps = after.world.ledger.overlaps().into_iter();
    overlaps
        .map(|id| format!("{id} ran twice at once"))
        .collect()
}

/// A write reaches the row it was made for, a row that is over stays as it is, and nothing runs
/// whose end is committed.
fn no_outcome_is_of_an_old_generation(after: &Aftermath<'_>) -> Vec<String> {
    let mut broken = after.world.witness.stale();
    let late = after.world.ledger.late();
    broken.extend(late.iter().map(|id| format!("{id} ran after its end")));
    for (id, asked, kept) in after.tasks() {
        let succeeded = kept
            .attempts
            .iter()
            .filter(|attempt| attempt.outcome == AttemptOutcome::Succeeded)
            .count();
        if asked.runs.is_none() && succeeded > 1 {
            broken.push(format!("{id} succeeded {succeeded} times"));
        }
    }
    broken
}

/// The audit of a task whose changes are all audited ends with what its row says, and says so once.
fn row_and_audit_agree(after: &Aftermath<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let full = after
        .tasks()
        .filter(|(_, asked, _)| asked.level == AuditLevel::Full);
    for (id, asked, kept) in full {
        let status = kept.record.state.status;
        let audited: Vec<_> = kept.audit.iter().map(|entry| entry.status).collect();
        if audited.last() != Some(&status) {
            broken.push(format!("{id} is {status} and its audit says {audited:?}"));
        }
        let ends = audited.iter().filter(|status| status.is_terminal()).count();
        if asked.runs.is_none() && ends != 1 {
            broken.push(format!("{id} ended {ends} times: {audited:?}"));
        }
        let succeeded = kept
            .attempts
            .iter()
            .any(|attempt| attempt.outcome == AttemptOutcome::Succeeded);
        if status == Status::Completed && !succeeded {
            broken.push(format!("{id} is completed by no attempt"));
        }
    }
    broken
}

/// What a row counts is what is stored beside it.
fn counters_equal_rows(after: &Aftermath<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for (id, asked, kept) in after.tasks() {
        let state = &kept.record.state;
        let keeps_all = matches!(asked.level, AuditLevel::Full | AuditLevel::Minimal);
        if !keeps_all || state.status == Status::Cancelled {
            continue;
        }
        let runs = kept.runs.len();
        if asked.runs.is_some() {
            let numbers: Vec<_> = kept.runs.iter().map(|run| run.number).collect();
            if numbers != (1..=state.run_count).collect::<Vec<_>>() {
                let count = state.run_count;
                broken.push(format!("{id} counts {count} runs and has {numbers:?}"));
            }
            if Some(state.run_count) != asked.runs {
                let (count, wanted) = (state.run_count, asked.runs);
                broken.push(format!("{id} ran {count} times of {wanted:?}"));
            }
        } else {
            let failed = kept
                .attempts
                .iter()
                .filter(|attempt| attempt.outcome == AttemptOutcome::Failed);
            let numbers: Vec<_> = failed.map(|attempt| attempt.number).collect();
            if numbers != (1..=state.attempts).collect::<Vec<_>>() {
                let count = state.attempts;
                broken.push(format!("{id} counts {count} failures and has {numbers:?}"));
            }
            if runs > 0 {
                broken.push(format!("{id} is no series and has {runs} runs"));
            }
        }
    }
    broken
}

/// After everything has settled, every row is over and belongs to nobody.
fn nothing_is_open_and_unowned_without_a_reason(after: &Aftermath<'_>) -> Vec<String> {
    let broken = after.kept.iter().filter(|(_, kept)| {
        let state = &kept.record.state;
        !state.is_over() || state.owner.is_some() || state.wait_reason.is_some()
    });
    broken
        .map(|(id, kept)| format!("{id} is left as {:?}", kept.record.state))
        .collect()
}

/// The runtime keeps its side of the contract with the storage.
fn a_group_of_unknown_outcome_is_repeated(after: &Aftermath<'_>) -> Vec<String> {
    let log = after.world.storage.log();
    let unrepeated = log.unrepeated().into_iter();
    unrepeated
        .map(|number| format!("call {number} came instead of the group before"))
        .collect()
}
