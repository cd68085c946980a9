//! Two processes on one storage at the same time.
//!
//! A storage may answer that it is busy; the writer then repeats the very same group, and so do
//! these cases.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Barrier;

use super::World;
use super::process::{Process, change_answer, claim_answer, insert_answer};
use super::sample::{at, attempt, everything, failure, id, ids, new_task, task, task_of_series};
use crate::lease::RowLease;
use crate::storage::{
    Answer, ChangeAnswer, ClaimTasks, InsertAnswer, StorageError, StorageErrorKind, TaskStorage,
    Write, WriteGroup,
};
use crate::task::{AttemptOutcome, TaskId, TaskRecord};

const ROUNDS: u128 = 25;
const PATIENCE: u32 = 10_000;

type Applied = Result<Answer, StorageError>;

async fn apply_patiently(storage: &dyn TaskStorage, write: Write) -> Applied {
    let writes = vec![write];
    let group = WriteGroup { writes };
    for _ in 0..PATIENCE {
        match storage.apply(&group).await {
            Ok(mut answers) => return Ok(answers.remove(0)),
            Err(error) if is_worth_repeating(&error) => tokio::task::yield_now().await,
            Err(error) => return Err(error),
        }
    }
    panic!("the storage stayed busy");
}

fn is_worth_repeating(error: &StorageError) -> bool {
    match error.kind() {
        StorageErrorKind::Transient | StorageErrorKind::OutcomeUnknown => true,
        StorageErrorKind::Rejected | StorageErrorKind::Unusable => false,
    }
}

/// Makes one write on each process, as close together as two threads get.
async fn race(processes: &[Process<'_>; 2], writes: [Write; 2]) -> Vec<Applied> {
    let barrier = Arc::new(Barrier::new(2));
    let racers = processes.iter().zip(writes).map(|(process, write)| {
        let storage = process.storage();
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait().await;
            apply_patiently(storage.as_ref(), write).await
        })
    });
    let racers: Vec<_> = racers.collect();
    let results = join_all(racers).await;
    results.into_iter().map(Result::unwrap).collect()
}

async fn start_two(world: &dyn World) -> [Process<'_>; 2] {
    [Process::start(world).await, Process::start(world).await]
}

/// Claims page by page until no row is left, or gives up on a storage that never says so.
async fn claim_everything(storage: Arc<dyn TaskStorage>) -> Vec<TaskId> {
    let mut taken = Vec::new();
    for _ in 0..PATIENCE {
        let claim = Write::Claim(ClaimTasks {
            limit: 7,
            ..everything(at(10))
        });
        let answer = apply_patiently(storage.as_ref(), claim).await.unwrap();
        let claimed = claim_answer(&answer);
        taken.extend(ids(claimed));
        if claimed.exhausted {
            return taken;
        }
        tokio::task::yield_now().await;
    }
    panic!("rows seem to be left after {} were taken", taken.len());
}

/// Core edge case 46: two hosts on one storage never get the same row.
pub async fn two_processes_claiming_at_once_share_no_row(world: &dyn World) {
    const COUNT: u128 = 500;
    let tasks: Vec<_> = (1..=COUNT).map(task).collect();
    claim_from_two_processes(world, &tasks).await;
}

/// The same where each claim takes rows of a few of many keys.
pub async fn two_processes_claiming_many_limit_keys_at_once_share_no_row(world: &dyn World) {
    const COUNT: u128 = 300;
    let of_key = |number: u128| {
        let mut record = task(number);
        record.definition.limit_key = Some(format!("tenant {}", number % 50));
        record
    };
    let tasks: Vec<_> = (1..=COUNT).map(of_key).collect();
    claim_from_two_processes(world, &tasks).await;
}

async fn claim_from_two_processes(world: &dyn World, tasks: &[TaskRecord]) {
    let processes = start_two(world).await;
    processes[0].store(tasks).await;
    let claims: Vec<_> = processes
        .iter()
        .map(|process| tokio::spawn(claim_everything(process.storage())))
        .collect();
    let mut taken = Vec::new();
    for (claim, process) in join_all(claims).await.into_iter().zip(&processes) {
        for id in claim.unwrap() {
            assert_eq!(process.record(id).await.state.owner, Some(process.id));
            taken.push(id);
        }
    }
    let distinct: HashSet<_> = taken.iter().collect();
    assert_eq!(distinct.len(), taken.len(), "no row was taken twice");
    let expected: HashSet<_> = tasks.iter().map(|task| task.definition.id).collect();
    assert_eq!(distinct, expected.iter().collect(), "none was skipped");
}

/// Core edge case 19.
pub async fn of_two_changes_from_one_generation_one_is_applied(world: &dyn World) {
    let processes = start_two(world).await;
    for number in 1..=ROUNDS {
        processes[0].store(&[task(number)]).await;
        let lease = RowLease::new(&task(number));
        let success = attempt(processes[0].id, 1, AttemptOutcome::Succeeded);
        let changes = [
            lease.clone().complete(success, None, at(1)),
            lease.clone().poison(failure("gone"), at(1)),
        ];
        let writes = changes
            .clone()
            .map(|change| Write::Change(Box::new(change)));
        let answers = race(&processes, writes).await;
        let record = processes[0].record(id(number)).await;
        let mut winners = 0;
        for (answer, change) in answers.into_iter().zip(changes) {
            let answer = answer.unwrap();
            if change_answer(&answer) == &ChangeAnswer::Applied {
                winners += 1;
                assert_eq!(record.state, change.state);
            } else {
                let refused = ChangeAnswer::Refused(Box::new(record.clone()));
                assert_eq!(change_answer(&answer), &refused);
            }
        }
        assert_eq!(winners, 1);
        assert_eq!(processes[0].audit(id(number)).await.len(), 1);
    }
}

pub async fn of_two_inserts_of_one_task_one_is_stored(world: &dyn World) {
    let processes = start_two(world).await;
    for number in 1..=ROUNDS {
        let writes = [new_task(&task(number)), new_task(&task(number))];
        let answers = race(&processes, writes).await;
        let answers = answers.into_iter().map(Result::unwrap);
        let stored = answers
            .filter(|answer| insert_answer(answer) == &InsertAnswer::Stored)
            .count();
        assert_eq!(stored, 1);
    }
}

pub async fn of_two_tasks_for_one_occurrence_one_is_stored(world: &dyn World) {
    let processes = start_two(world).await;
    for round in 1..=ROUNDS {
        let instant = at(i64::try_from(round).unwrap());
        let numbers = [2 * round, 2 * round + 1];
        let writes = numbers.map(|number| new_task(&task_of_series(number, 1, instant)));
        let answers = race(&processes, writes).await;
        let mut stored = 0;
        for (answer, number) in answers.into_iter().zip(numbers) {
            let found = processes[0].find(id(number)).await;
            match answer {
                Ok(answer) => {
                    assert_eq!(insert_answer(&answer), &InsertAnswer::Stored);
                    assert!(found.is_some());
                    stored += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), StorageErrorKind::Rejected);
                    assert_eq!(found, None);
                }
            }
        }
        assert_eq!(stored, 1);
    }
}
