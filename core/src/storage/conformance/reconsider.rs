//! Rows that could not run get another look when something has changed.

use super::World;
use super::process::Process;
use super::sample::{HOSTILE, at, everything, failure, id, ids, task, task_named, task_with};
use crate::task::{Status, TaskRecord, WaitReason};

async fn store_waiting(judge: &Process<'_>, record: TaskRecord, reason: WaitReason) {
    let mut lease = judge.store_queued(record).await;
    let wait = lease.wait(judge.id, reason, failure("can't run"), at(1));
    judge.advance([wait]).await;
}

async fn assert_reconsidered(process: &Process<'_>, before: TaskRecord) {
    let after = process.record(before.definition.id).await;
    assert!(after.generation > before.generation, "it was written");
    let mut expected = before.state;
    expected.wait_reason = None;
    expected.owner = None;
    assert_eq!(after.state, expected);
}

/// Core edge case 45: the next version knows the task again.
pub async fn a_task_whose_handler_is_now_known_runs(world: &dyn World) {
    let judge = Process::start(world).await;
    for (number, name) in [(1, "known"), (2, HOSTILE), (3, "unknown")] {
        store_waiting(&judge, task_named(number, name), WaitReason::NoHandler).await;
    }
    judge.crash().await;
    let process = Process::start(world).await;
    let before = [1, 2, 3].map(id);
    let mut records = Vec::new();
    for id in before {
        records.push(process.record(id).await);
    }
    process.reconsider(&["known", "other", HOSTILE]).await;
    assert_eq!(process.record(id(3)).await, records.remove(2));
    for record in records {
        assert_reconsidered(&process, record).await;
    }
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [1, 2].map(id));
    assert!(claimed.tasks.iter().all(|task| !task.interrupted));
}

/// In a rolling deploy the old version, which knows no handler, is still alive.
pub async fn a_handler_of_this_process_outweighs_a_living_judge_without(world: &dyn World) {
    let judge = Process::start(world).await;
    store_waiting(&judge, task_named(1, "known"), WaitReason::NoHandler).await;
    let process = Process::start(world).await;
    process.reconsider(&["known"]).await;
    assert_eq!(ids(&process.claim(everything(at(10))).await), [id(1)]);
}

/// Core edge case 33: once per start, not once per look.
pub async fn an_undecodable_task_is_tried_again_by_the_next_process(world: &dyn World) {
    let judge = Process::start(world).await;
    store_waiting(&judge, task_named(1, "known"), WaitReason::Undecodable).await;
    let before = judge.record(id(1)).await;
    judge.reconsider(&["known"]).await;
    assert_eq!(judge.record(id(1)).await, before, "the judge lives");
    judge.crash().await;
    let process = Process::start(world).await;
    process.reconsider(&[]).await;
    assert_eq!(before.state.recovery_failures, 1);
    assert_reconsidered(&process, before).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(ids(&claimed), [id(1)]);
    assert_eq!(claimed.tasks[0].record.state.recovery_failures, 1);
}

pub async fn no_known_task_means_no_handler(world: &dyn World) {
    let judge = Process::start(world).await;
    store_waiting(&judge, task(1), WaitReason::NoHandler).await;
    judge.crash().await;
    let process = Process::start(world).await;
    let before = process.record(id(1)).await;
    process.reconsider(&[]).await;
    assert_eq!(process.record(id(1)).await, before);
}

pub async fn rows_that_do_not_wait_are_left_alone(world: &dyn World) {
    let process = Process::start(world).await;
    let mut number = 0;
    let mut records = Vec::new();
    for status in Status::ALL {
        for owner in [None, Some(process.id)] {
            number += 1;
            records.push(task_with(number, |state| {
                state.status = status;
                state.owner = owner;
            }));
        }
    }
    process.store(&records).await;
    process.reconsider(&[&task(1).definition.task]).await;
    for record in records {
        let id = record.definition.id;
        assert_eq!(process.record(id).await, record);
        assert_eq!(
            process.audit(id).await.is_empty(),
            record.state.status != Status::Queued
        );
    }
}

/// A look is no change of status.
pub async fn a_reconsidered_row_gets_no_audit_line(world: &dyn World) {
    let judge = Process::start(world).await;
    store_waiting(&judge, task(1), WaitReason::NoHandler).await;
    let audit = judge.audit(id(1)).await;
    judge.reconsider(&[&task(1).definition.task]).await;
    assert_eq!(judge.record(id(1)).await.state.wait_reason, None);
    assert_eq!(judge.audit(id(1)).await, audit);
}
