//! The audit and the attempts of a task, in the order in which they happened.

use std::time::Duration;

use super::World;
use super::process::Process;
use super::sample::{SOON, actor, at, attempt, failure, id, task};
use crate::storage::AuditEntry;
use crate::task::{AttemptOutcome, Status};

pub async fn audit_lines_of_one_instant_keep_their_order(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let now = at(0);
    let stopped = attempt(process.id, 1, AttemptOutcome::Stopped);
    process
        .advance([
            lease.start(process.id, false, now),
            lease.stop(Some(stopped), now),
            lease.start(process.id, false, now),
            lease.poison(failure("gone"), now),
        ])
        .await;
    let expected = [
        Status::Queued,
        Status::InProgress,
        Status::ServiceStopped,
        Status::InProgress,
        Status::Failed,
    ];
    assert_eq!(process.audited_statuses(id(1)).await, expected);
}

/// An operator's clock is not the writer's; the order is that of the writes.
pub async fn audit_lines_keep_their_order_when_a_clock_was_set_back(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let start = lease.start(process.id, false, at(100));
    let complete = lease.complete(success, None, at(-100));
    process.advance([start, complete]).await;
    let expected = [Status::Queued, Status::InProgress, Status::Completed];
    assert_eq!(process.audited_statuses(id(1)).await, expected);
}

pub async fn every_field_of_an_audit_line_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let mut fail = lease.poison(failure("gone"), at(1) + Duration::from_micros(1));
    fail.audit[0].actor = Some(actor());
    fail.audit[0].reason = Some(failure("why").text);
    fail.audit.push(AuditEntry {
        actor: Some(String::new()),
        reason: Some(String::new()),
        ..AuditEntry::of(Status::Failed, at(2))
    });
    process.advance([fail.clone()]).await;
    assert_eq!(process.audit(id(1)).await[1..], fail.audit);
}

pub async fn attempts_are_read_oldest_first_with_every_field(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let mut attempts = Vec::new();
    for number in 1..=12 {
        let failed = attempt(process.id, number, AttemptOutcome::Failed);
        attempts.push(failed.clone());
        process.advance([lease.retry_in_slot(failed, SOON)]).await;
    }
    // An attempt that a shutdown interrupted and its repetition share a number.
    let stopped = attempt(process.id, 13, AttemptOutcome::Stopped);
    let mut success = attempt(process.id, 13, AttemptOutcome::Succeeded);
    success.started_at += Duration::from_secs(1);
    success.waited = Duration::ZERO;
    success.ran = Duration::from_micros(1);
    attempts.extend([stopped.clone(), success.clone()]);
    let stop = lease.stop(Some(stopped), at(200));
    let complete = lease.complete(success, None, at(201));
    process.advance([stop, complete]).await;
    assert_eq!(process.attempts(id(1)).await, attempts);
}

pub async fn an_attempt_that_is_stored_already_is_left_alone(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let first = attempt(process.id, 1, AttemptOutcome::Failed);
    let mut again = first.clone();
    again.number = 9;
    let second = attempt(process.id, 2, AttemptOutcome::Failed);
    process
        .advance([lease.retry_in_slot(first.clone(), SOON)])
        .await;
    let mut change = lease.retry_in_slot(again, SOON);
    change.attempts.push(second.clone());
    process.advance([change]).await;
    assert_eq!(process.attempts(id(1)).await, [first, second]);
}

pub async fn the_histories_of_two_tasks_are_kept_apart(world: &dyn World) {
    let process = Process::start(world).await;
    for number in 1..=2 {
        let mut lease = process.store_queued(task(number)).await;
        let failed = attempt(process.id, 1, AttemptOutcome::Failed);
        process.advance([lease.park(failed, SOON, at(60))]).await;
    }
    for number in 1..=2 {
        assert_eq!(process.audit(id(number)).await.len(), 1);
        assert_eq!(process.attempts(id(number)).await.len(), 1);
    }
}
