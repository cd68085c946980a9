//! A person cancels a task wherever it is, unless it is over.

use std::time::Duration;

use super::World;
use super::process::Process;
use super::sample::{SOON, actor, at, attempt, everything, failure, id, task, task_with};
use crate::storage::{AuditEntry, CancelAnswer, ChangeAnswer};
use crate::task::{AttemptOutcome, RowState, Status, WaitReason};

fn busy(process: &Process<'_>, status: Status) -> RowState {
    RowState {
        status,
        owner: Some(process.id),
        available_at: Some(at(3)),
        wait_reason: Some(WaitReason::Undecodable),
        attempts: 2,
        interruptions: 1,
        on_probation: true,
        recovery_failures: 4,
        failure: Some(failure("latest")),
        error_fingerprint: Some("0123456789abcdef".to_owned()),
        last_execution_at: Some(at(5)),
        execution_time: Some(Duration::from_micros(7)),
        retry_delay: Some(SOON),
        snoozes: 2,
        snooze_reason: Some("not yet".to_owned()),
        ..RowState::waiting(at(3))
    }
}

pub async fn every_open_status_becomes_cancelled(world: &dyn World) {
    let process = Process::start(world).await;
    let open = Status::ALL.into_iter().filter(|it| !it.is_terminal());
    for (number, status) in (1..).zip(open) {
        let before = busy(&process, status);
        let record = task_with(number, |state| *state = before.clone());
        process.store(std::slice::from_ref(&record)).await;
        let answer = process.cancel(id(number)).await;
        assert_eq!(answer, CancelAnswer::Cancelled(status));
        let cancelled = process.record(id(number)).await;
        let expected = RowState {
            status: Status::Cancelled,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            failure: None,
            error_fingerprint: None,
            retry_delay: None,
            snooze_reason: None,
            ..before
        };
        assert_eq!(cancelled.state, expected);
        assert_eq!(cancelled.generation, record.generation.superseded());
        assert_eq!(cancelled.definition, record.definition);
    }
}

/// Core edge case 81.
pub async fn a_task_that_is_over_is_left_alone(world: &dyn World) {
    let process = Process::start(world).await;
    let over = Status::ALL.into_iter().filter(|it| it.is_terminal());
    for (number, status) in (1..).zip(over) {
        let record = task_with(number, |state| {
            *state = RowState {
                available_at: None,
                ..busy(&process, status)
            };
        });
        process.store(std::slice::from_ref(&record)).await;
        let answer = process.cancel(id(number)).await;
        assert_eq!(answer, CancelAnswer::AlreadyOver(status));
        assert_eq!(process.record(id(number)).await, record);
        assert!(process.audit(id(number)).await.is_empty());
    }
}

pub async fn an_unknown_task_is_not_cancelled(world: &dyn World) {
    let process = Process::start(world).await;
    assert_eq!(process.cancel(id(1)).await, CancelAnswer::Unknown);
    assert_eq!(process.find(id(1)).await, None);
    assert!(process.audit(id(1)).await.is_empty());
}

/// Core edge case 82.
pub async fn the_audit_says_who_cancelled_and_why(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1)]).await;
    process.cancel(id(1)).await;
    let expected = AuditEntry {
        actor: Some(actor()),
        reason: Some("no longer needed".to_owned()),
        ..AuditEntry::of(Status::Cancelled, at(90))
    };
    assert_eq!(process.audit(id(1)).await, [expected]);
}

pub async fn a_second_cancel_finds_the_task_over(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1)]).await;
    process.cancel(id(1)).await;
    let cancelled = process.record(id(1)).await;
    let over = CancelAnswer::AlreadyOver(Status::Cancelled);
    assert_eq!(process.cancel(id(1)).await, over);
    assert_eq!(process.record(id(1)).await, cancelled);
    assert_eq!(process.audit(id(1)).await.len(), 1);
}

/// Core edge case 75: the completion of a running delivery never overwrites the cancel.
pub async fn a_cancelled_task_refuses_the_outcome_of_its_delivery(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let start = lease.start(process.id, false, at(1));
    process.advance([start]).await;
    process.cancel(id(1)).await;
    let cancelled = process.record(id(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let answer = process.change(lease.complete(success, None, at(91))).await;
    assert_eq!(answer, ChangeAnswer::Refused(Box::new(cancelled.clone())));
    assert_eq!(process.record(id(1)).await, cancelled);
}

pub async fn a_cancelled_task_is_not_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[task(1), task(2)]).await;
    process.cancel(id(1)).await;
    let claimed = process.claim(everything(at(10))).await;
    assert_eq!(super::sample::ids(&claimed), [id(2)]);
}
