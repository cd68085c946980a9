//! Each transition, from a row of which every field says something: what a transition does not name
//! has to stay as it was.

mod attempt;
mod cancel;
mod delivery;
mod end;
mod handler;
mod series;

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::task::{
    AttemptId, AttemptOutcome, FailureKind, ProcessId, Progress, SeriesDefinition, TaskDefinition,
    WaitReason,
};

const ME: ProcessId = ProcessId(Uuid::from_u128(1));
const ANOTHER: ProcessId = ProcessId(Uuid::from_u128(2));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn now() -> Timestamp {
    at(1_000)
}

fn broken(text: &str) -> Failure {
    Failure::new(FailureKind::Other, text)
}

/// A task that runs once; no real row says all of that at the same time.
fn one_shot(status: Status) -> TaskRecord {
    let id = TaskId(Uuid::from_u128(7));
    TaskRecord {
        definition: TaskDefinition::new(id, "mail", "1", at(0)),
        generation: Generation(40),
        state: RowState {
            status,
            owner: Some(ANOTHER),
            available_at: Some(at(10)),
            wait_reason: Some(WaitReason::NoHandler),
            attempts: 2,
            interruptions: 3,
            on_probation: true,
            recovery_failures: 4,
            failure: Some(broken("before")),
            error_fingerprint: Some("print".to_owned()),
            last_execution_at: Some(at(20)),
            execution_time: Some(Duration::from_secs(5)),
            active_key: Some("key".to_owned()),
            run_count: 6,
            failures_in_row: 2,
            next_run_at: None,
            start_by: Some(at(30)),
            retry_delay: Some(Duration::from_secs(7)),
            snoozes: 8,
            snooze_reason: Some("busy".to_owned()),
            result: Some("9".to_owned()),
            progress: Some(Progress::new(0.5, "half", at(40))),
        },
    }
}

/// The same as a series whose occurrence of second 50 is due or under way.
fn series(status: Status) -> TaskRecord {
    let mut record = one_shot(status);
    record.definition.series = Some(SeriesDefinition {
        schedule: "{}".to_owned(),
        anchor: at(0),
        max_runs: None,
        run_until: None,
        ..SeriesDefinition::default()
    });
    record.state.next_run_at = Some(at(50));
    record
}

/// The third attempt, as its delivery hands it to the lease.
fn third_attempt(outcome: AttemptOutcome) -> AttemptRecord {
    AttemptRecord {
        id: AttemptId(Uuid::from_u128(70)),
        number: 3,
        process: ME,
        started_at: at(988),
        waited: Duration::from_secs(1),
        ran: Duration::from_secs(12),
        outcome,
        failure: (outcome == AttemptOutcome::Failed).then(|| broken("third")),
        is_counted: false,
    }
}

fn counted(attempt: AttemptRecord) -> AttemptRecord {
    AttemptRecord {
        is_counted: true,
        ..attempt
    }
}

/// What a transition makes of a row; its lease has moved on to what it wrote.
fn moved(found: &TaskRecord, transition: impl FnOnce(&mut RowLease) -> RowChange) -> RowChange {
    let mut lease = RowLease::new(found);
    let change = transition(&mut lease);
    assert_eq!(lease.generation(), change.generation);
    assert_eq!(lease.state(), &change.state);
    change
}

/// The next write of a delivery, which changes nothing: tests say what theirs does.
fn next_write(found: &TaskRecord) -> RowChange {
    RowChange {
        id: found.id(),
        expected: Generation(40),
        generation: Generation(41),
        state: found.state.clone(),
        audit_level: found.definition.audit_level,
        audit: Vec::new(),
        attempts: Vec::new(),
        runs: Vec::new(),
        follow_ups: Vec::new(),
        missed: 0,
        has_progressed: false,
    }
}

/// The write with which a delivery hands its row back.
fn last_write(found: &TaskRecord) -> RowChange {
    RowChange {
        generation: Generation(40 + Generation::TERM),
        ..next_write(found)
    }
}

#[test]
fn a_lease_begins_as_the_row_is() {
    for found in [one_shot(Status::Queued), series(Status::Queued)] {
        let lease = RowLease::new(&found);
        assert_eq!(lease.id(), found.id());
        assert_eq!(lease.generation(), found.generation);
        assert_eq!(lease.state(), &found.state);
        assert_eq!(lease.is_series(), found.definition.series.is_some());
    }
}

#[test]
fn each_write_expects_the_generation_of_the_one_before() {
    let mut lease = RowLease::new(&one_shot(Status::Queued));
    let started = lease.start(ME, true, now());
    let outlived = lease.outlive_probation();
    let parked = lease.park(
        third_attempt(AttemptOutcome::Failed),
        Duration::from_mins(1),
        at(1_060),
    );
    assert_eq!(started.expected, Generation(40));
    assert_eq!(outlived.expected, started.generation);
    assert_eq!(parked.expected, outlived.generation);
    assert_eq!(parked.state.status, Status::InProgress);
}

#[test]
fn each_write_says_how_much_history_its_task_keeps() {
    for level in AuditLevel::ALL {
        let mut found = one_shot(Status::InProgress);
        found.definition.audit_level = level;
        let change = moved(&found, RowLease::outlive_probation);
        assert_eq!(change.audit_level, level);
    }
}

#[test]
fn the_attempt_that_ends_a_run_is_counted_where_successes_are_kept() {
    let was_counted = |level| {
        let mut found = one_shot(Status::InProgress);
        found.definition.audit_level = level;
        let attempt = counted(third_attempt(AttemptOutcome::Succeeded));
        let change = moved(&found, |lease| lease.complete(attempt, None, now()));
        change.attempts[0].is_counted
    };
    assert_eq!(AuditLevel::ALL.map(was_counted), [true, true, false, false]);
}
