//! A process keeps its rows while it lives and not a moment longer.

use super::World;
use super::process::Process;
use super::sample::{SOON, at, attempt, everything, failure, id, ids, task, task_due, task_with};
use crate::lease::RowLease;
use crate::storage::AuditEntry;
use crate::task::{AttemptOutcome, ProcessId, RowState, Status, TaskRecord, WaitReason};

fn owned_by(process: ProcessId, number: u128, status: Status) -> TaskRecord {
    task_with(number, |state| {
        state.status = status;
        state.owner = Some(process);
    })
}

fn open_statuses() -> impl Iterator<Item = (u128, Status)> {
    (1..).zip(Status::ALL.into_iter().filter(|it| !it.is_terminal()))
}

/// Core edge case 46.
pub async fn the_rows_of_a_living_process_are_its_own(world: &dyn World) {
    let owner = Process::start(world).await;
    let records: Vec<_> = open_statuses()
        .map(|(number, status)| owned_by(owner.id, number, status))
        .collect();
    owner.store(&records).await;
    let other = Process::start(world).await;
    for process in [&owner, &other] {
        let claimed = process.claim(everything(at(10))).await;
        assert!(claimed.tasks.is_empty());
        assert!(claimed.exhausted);
        assert_eq!(claimed.next_available_at, None);
    }
    for record in records {
        assert_eq!(other.record(record.definition.id).await, record);
    }
}

/// Core edge cases 12 and 46: what was claimed is in somebody's window.
pub async fn a_claimed_row_is_claimed_once(world: &dyn World) {
    let first = Process::start(world).await;
    let second = Process::start(world).await;
    first.store(&[task(1)]).await;
    assert_eq!(ids(&first.claim(everything(at(10))).await), [id(1)]);
    for process in [&first, &second] {
        assert!(process.claim(everything(at(20))).await.tasks.is_empty());
    }
}

/// Core edge case 42: in progress at the crash, run once more.
pub async fn the_rows_of_a_crashed_process_are_claimed_as_interrupted(world: &dyn World) {
    let crashed = Process::start(world).await;
    let records: Vec<_> = open_statuses()
        .map(|(number, status)| owned_by(crashed.id, number, status))
        .collect();
    crashed.store(&records).await;
    crashed.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(claimed.tasks.len(), records.len());
    assert!(claimed.exhausted);
    for (taken, record) in claimed.tasks.iter().zip(records) {
        assert!(taken.interrupted);
        let expected = RowState {
            status: Status::Queued,
            owner: Some(process.id),
            ..record.state
        };
        assert_eq!(taken.record.state, expected);
        assert_eq!(taken.record.generation, record.generation.superseded());
        let id = record.definition.id;
        assert_eq!(process.record(id).await, taken.record);
        let audit = process.audit(id).await;
        assert_eq!(audit.last(), Some(&AuditEntry::of(Status::Queued, at(10))));
    }
}

pub async fn the_rows_of_a_stopped_process_are_claimed(world: &dyn World) {
    let stopped = Process::start(world).await;
    stopped.store_queued(task(1)).await;
    stopped.stop().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert!(claimed.tasks[0].interrupted, "it left the row unreleased");
}

pub async fn dead_and_living_owners_are_told_apart(world: &dyn World) {
    let living = Process::start(world).await;
    let crashed = Process::start(world).await;
    living.store_queued(task_due(1, at(1))).await;
    crashed.store_queued(task_due(4, at(1))).await;
    living.store_queued(task_due(3, at(2))).await;
    crashed.store_queued(task_due(2, at(2))).await;
    living
        .store(&[task_due(5, at(0)), task_due(6, at(3))])
        .await;
    crashed.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [5, 4, 2, 6].map(id));
    let interrupted = claimed.tasks.iter().map(|task| task.interrupted);
    let interrupted: Vec<_> = interrupted.collect();
    assert_eq!(interrupted, [false, true, true, false]);
}

/// Only a row that ran alone when its process died is counted as what may have killed it.
pub async fn a_death_on_probation_is_counted(world: &dyn World) {
    let mut process = Process::start(world).await;
    let mut innocent = process.store_queued(task(1)).await;
    let mut suspect = process.store_queued(task(2)).await;
    for deaths in 1..=3 {
        process
            .advance([
                innocent.start(process.id, false, at(deaths)),
                suspect.start(process.id, true, at(deaths)),
            ])
            .await;
        process.crash().await;
        process = Process::start(world).await;
        let claimed = process.claim(everything(at(deaths))).await;
        assert_eq!(ids(&claimed), [1, 2].map(id));
        let states = [0, 1].map(|index: usize| &claimed.tasks[index].record.state);
        assert_eq!(states[0].interruptions, 0);
        assert_eq!(i64::from(states[1].interruptions), deaths);
        assert!(states.iter().all(|state| !state.on_probation));
        innocent = RowLease::new(&claimed.tasks[0].record);
        suspect = RowLease::new(&claimed.tasks[1].record);
    }
}

pub async fn a_death_after_the_probation_is_not_counted(world: &dyn World) {
    let crashed = Process::start(world).await;
    let mut lease = crashed.store_queued(task(1)).await;
    let start = lease.start(crashed.id, true, at(1));
    crashed.advance([start, lease.outlive_probation()]).await;
    crashed.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert!(claimed.tasks[0].interrupted);
    assert_eq!(claimed.tasks[0].record.state.interruptions, 0);
}

pub async fn a_row_that_its_owner_gave_up_is_not_interrupted(world: &dyn World) {
    let crashed = Process::start(world).await;
    let mut released = crashed.store_queued(task(1)).await;
    let mut parked = crashed.store_queued(task(2)).await;
    let start = parked.start(crashed.id, false, at(1));
    let failed = attempt(crashed.id, 1, AttemptOutcome::Failed);
    crashed
        .advance([
            released.release(at(1)),
            start,
            parked.park(failed, SOON, at(5)),
        ])
        .await;
    crashed.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert!(claimed.tasks.iter().all(|task| !task.interrupted));
    let status = |index: usize| claimed.tasks[index].record.state.status;
    assert_eq!([status(0), status(1)], [Status::Queued, Status::InProgress]);
}

pub async fn a_dead_judge_does_not_end_the_wait_by_itself(world: &dyn World) {
    let judge = Process::start(world).await;
    for (number, reason) in (1..).zip(WaitReason::ALL) {
        let mut lease = judge.store_queued(task(number)).await;
        let wait = lease.wait(judge.id, reason, failure("can't run"), at(1));
        judge.advance([wait]).await;
    }
    judge.crash().await;
    let process = Process::start(world).await;
    let claimed = process.claim(everything(at(10))).await;
    assert!(claimed.tasks.is_empty() && claimed.exhausted);
    assert_eq!(claimed.next_available_at, None);
}

/// Core edge case 16: the dead may have been slow only; its last words come too late.
pub async fn a_claim_supersedes_the_delivery_of_the_dead(world: &dyn World) {
    let crashed = Process::start(world).await;
    let mut stale = crashed.store_queued(task(1)).await;
    let start = stale.start(crashed.id, false, at(1));
    crashed.advance([start]).await;
    let dead = crashed.id;
    crashed.crash().await;
    let process = Process::start(world).await;
    process.claim(everything(at(10))).await;
    let before = process.record(id(1)).await;
    let success = attempt(dead, 1, AttemptOutcome::Succeeded);
    let answer = process.change(stale.complete(success, None, at(11))).await;
    let refused = crate::storage::ChangeAnswer::Refused(Box::new(before.clone()));
    assert_eq!(answer, refused);
    assert_eq!(process.record(id(1)).await, before);
}
