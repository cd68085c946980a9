//! What must hold after every run.

use std::collections::BTreeMap;
use std::iter;

use evertask::storage::AuditEntry;
use evertask::{AttemptOutcome, AttemptRecord, AuditLevel, RunRecord, Status, TaskId, TaskRecord};

use super::ledger::Asked;
use super::wishes::Wish;
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
    let invariants: [(&str, Invariant); 9] = [
        ("no acknowledged id is lost", no_acknowledged_id_is_lost),
        ("what is done was asked for", what_is_done_was_asked_for),
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

impl Kept {
    /// The audit of each of its lives: whoever retries it begins another one.
    fn lives(&self) -> Vec<&[AuditEntry]> {
        let is_retry = |entry: &AuditEntry| Wish::of(entry) == Some(Wish::Retry);
        self.audit.split(is_retry).collect()
    }

    fn succeeded(&self) -> usize {
        let attempts = self.attempts.iter();
        attempts
            .filter(|attempt| attempt.outcome == AttemptOutcome::Succeeded)
            .count()
    }
}

/// A cancel is kept at every level.
fn is_cancelled(life: &[AuditEntry]) -> bool {
    life.iter().any(|entry| entry.status == Status::Cancelled)
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
    let denied = after.world.ledger.denied().into_iter();
    let mut broken: Vec<_> = denied
        .map(|id| format!("{id} was called unknown"))
        .collect();
    for (id, asked) in &after.asked {
        let Some(kept) = after.kept.get(id) else {
            if asked.stored {
                broken.push(format!("{id} was acknowledged and is not stored"));
            }
            continue;
        };
        let (status, lives) = (kept.record.state.status, kept.lives());
        let last = lives.last().copied().unwrap_or_default();
        let expected = ends(asked, lives.len() == 1, last);
        if !expected.contains(&status) {
            broken.push(format!(
                "{id} should be one of {expected:?} and is {status}"
            ));
        }
    }
    broken
}

/// What a life of a task may have ended as: cancelled if it was, and otherwise as its errand says, but for
/// one that came too late. Who is retried has no deadline any more.
fn ends(asked: &Asked, is_first: bool, life: &[AuditEntry]) -> Vec<Status> {
    if is_cancelled(life) {
        return vec![Status::Cancelled];
    }
    if !asked.errand.succeeds() {
        return vec![Status::Failed];
    }
    let may_be_late = is_first && asked.errand.deadline.is_some();
    let late = may_be_late.then_some(Status::Failed);
    iter::once(Status::Completed).chain(late).collect()
}

/// What somebody did is kept at every level, in its order: each wish came true as often as whoever had it
/// was told, and nothing did that nobody asked for.
fn what_is_done_was_asked_for(after: &Aftermath<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    let is_any_reply_lost = !after.world.storage.log().is_empty();
    for (id, asked, kept) in after.tasks() {
        for wish in Wish::ALL {
            let done = kept.audit.iter().filter_map(Wish::of);
            let done = done.filter(|done| *done == wish).count();
            let tally = asked.tally(wish);
            let shared = match wish {
                // Two runtimes may both be right to say that the task was cancelled.
                Wish::Cancel => tally.done.saturating_sub(1),
                Wish::Retry | Wish::RunNow | Wish::Reschedule => {
                    after.world.witness.echoes(id, wish)
                }
            };
            let range = tally.range(shared, is_any_reply_lost);
            if !range.contains(&done) {
                broken.push(format!(
                    "{wish:?} of {id} was done {done} times and not {range:?}: {tally:?}"
                ));
            }
            if asked.runs.is_some() && wish == Wish::Retry && done + tally.done > 0 {
                broken.push(format!("{id} is a series and was retried"));
            }
        }
        for life in kept.lives() {
            let acts: Vec<_> = life.iter().filter_map(Wish::of).collect();
            let cancel = acts.iter().position(|act| *act == Wish::Cancel);
            if cancel.is_some_and(|cancel| cancel + 1 < acts.len()) {
                broken.push(format!("{id} was cancelled and then {acts:?}"));
            }
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
        let (succeeded, lives) = (kept.succeeded(), kept.lives().len());
        if asked.runs.is_none() && succeeded > lives {
            broken.push(format!("{id} succeeded {succeeded} times in {lives} lives"));
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
        // What somebody did with a series between two runs says how the last one ended.
        let by_itself = kept.audit.iter().filter(|entry| Wish::of(entry).is_none());
        let completed = by_itself.filter(|entry| entry.status == Status::Completed);
        let completed = completed.count();
        let lives = kept.lives();
        // One that was cancelled in the very moment of its success keeps that, too.
        let cancelled = lives.iter().filter(|life| is_cancelled(life)).count();
        let succeeded = kept.succeeded();
        if !(completed..=completed + cancelled).contains(&succeeded) {
            broken.push(format!("{id} succeeded {succeeded} times: {audited:?}"));
        }
        if asked.runs.is_some() {
            continue;
        }
        for (number, life) in lives.into_iter().enumerate() {
            let ended: Vec<_> = life.iter().map(|entry| entry.status).collect();
            let count = ended.iter().filter(|status| status.is_terminal()).count();
            let expected = ends(asked, number == 0, life);
            if count != 1 || ended.last().is_none_or(|last| !expected.contains(last)) {
                broken.push(format!(
                    "{id} should have ended once, as one of {expected:?}: {ended:?}"
                ));
            }
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
        if !keeps_all {
            continue;
        }
        let runs = kept.runs.len();
        if asked.runs.is_some() {
            let numbers: Vec<_> = kept.runs.iter().map(|run| run.number).collect();
            if numbers != (1..=state.run_count).collect::<Vec<_>>() {
                let count = state.run_count;
                broken.push(format!("{id} counts {count} runs and has {numbers:?}"));
            }
            if state.status != Status::Cancelled && Some(state.run_count) != asked.runs {
                let (count, wanted) = (state.run_count, asked.runs);
                broken.push(format!("{id} ran {count} times of {wanted:?}"));
            }
        } else {
            let failed = kept
                .attempts
                .iter()
                .filter(|attempt| attempt.outcome == AttemptOutcome::Failed);
            let numbers: Vec<_> = failed.map(|attempt| attempt.number).collect();
            if !is_count_of(&numbers, kept) {
                let (count, lives) = (state.attempts, kept.lives().len());
                broken.push(format!(
                    "{id} counts {count} failures in the last of {lives} lives and has {numbers:?}"
                ));
            }
            if runs > 0 {
                broken.push(format!("{id} is no series and has {runs} runs"));
            }
        }
    }
    broken
}

/// Whether the failures of each life of a task are numbered from 1 on, and the row counts those of the last.
fn is_count_of(numbers: &[u32], kept: &Kept) -> bool {
    let mut counts: Vec<u32> = Vec::new();
    for number in numbers {
        match counts.last_mut() {
            _ if *number == 1 => counts.push(1),
            Some(count) if *count + 1 == *number => *count = *number,
            _ => return false,
        }
    }
    let (lives, state) = (kept.lives().len(), &kept.record.state);
    // A life without failures leaves no number.
    if state.attempts == 0 && state.status != Status::Cancelled {
        return counts.len() < lives;
    }
    let last = counts.last().copied().unwrap_or_default();
    // One that failed when it had just been cancelled is kept, but not counted.
    let is_uncounted = state.status == Status::Cancelled && last == state.attempts + 1;
    counts.len() <= lives && (last == state.attempts || is_uncounted || state.attempts == 0)
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
