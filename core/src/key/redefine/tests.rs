use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::audit::AuditLevel;
use crate::task::{Failure, FailureKind, Generation, ProcessId, TaskId, WaitReason};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap()
}

fn definition(number: u128, created_at: Timestamp) -> TaskDefinition {
    TaskDefinition {
        key: Some("report".to_owned()),
        ..TaskDefinition::new(TaskId(Uuid::from_u128(number)), "report", "1", created_at)
    }
}

fn every(seconds: u64, anchor: i64) -> SeriesDefinition {
    let schedule = Schedule::every(Duration::from_secs(seconds)).unwrap();
    SeriesDefinition {
        schedule: serde_json::to_string(&schedule).unwrap(),
        anchor: at(anchor),
        max_runs: None,
        run_until: None,
        ..SeriesDefinition::default()
    }
}

fn with_series(number: u128, created_at: Timestamp, series: SeriesDefinition) -> TaskDefinition {
    TaskDefinition {
        scheduled_at: Some(series.anchor),
        series: Some(series),
        ..definition(number, created_at)
    }
}

/// A task that was created at 0, with whatever a waiting row can have been through.
fn worn(definition: TaskDefinition) -> TaskRecord {
    let state = RowState {
        status: Status::ServiceStopped,
        owner: Some(ProcessId(Uuid::from_u128(9))),
        wait_reason: Some(WaitReason::Undecodable),
        attempts: 2,
        interruptions: 3,
        start_by: Some(at(9)),
        retry_delay: Some(Duration::from_secs(2)),
        snoozes: 5,
        snooze_reason: Some("busy".to_owned()),
        on_probation: true,
        recovery_failures: 4,
        failure: Some(Failure::new(FailureKind::Other, "broken")),
        error_fingerprint: Some("print".to_owned()),
        last_execution_at: Some(at(50)),
        execution_time: Some(Duration::from_secs(1)),
        active_key: Some("report".to_owned()),
        ..RowState::waiting(at(0))
    };
    TaskRecord {
        definition,
        generation: Generation(7),
        state,
    }
}

/// A series every minute from 0 on that has run twice and failed last.
fn between_runs(next: i64) -> TaskRecord {
    let mut record = worn(with_series(1, at(0), every(60, 0)));
    record.state.status = Status::Failed;
    record.state.run_count = 2;
    record.state.next_run_at = Some(at(next));
    record.state.available_at = Some(at(next));
    record
}

#[test]
fn a_task_that_waits_does_the_new_work_under_its_old_id() {
    let found = worn(definition(1, at(0)));
    let wanted = TaskDefinition {
        payload: "2".to_owned(),
        queue: "mail".to_owned(),
        scheduled_at: Some(at(500)),
        audit_level: AuditLevel::Minimal,
        key_until: Some(at(900)),
        deadline: Some(at(800)),
        ..definition(2, at(100))
    };
    let redefined = redefine(&found, wanted.clone(), Redefined::Updated, at(100)).unwrap();
    assert_eq!(redefined.expected, Generation(7));
    let record = redefined.record;
    assert_eq!(record.generation, Generation(7).superseded());
    let expected = TaskDefinition {
        id: found.definition.id,
        created_at: at(0),
        ..wanted
    };
    assert_eq!(record.definition, expected);
    let expected = RowState {
        last_execution_at: Some(at(50)),
        execution_time: Some(Duration::from_secs(1)),
        active_key: Some("report".to_owned()),
        start_by: Some(at(800)),
        ..RowState::waiting(at(500))
    };
    assert_eq!(record.state, expected);
    let [entry] = &redefined.audit[..] else {
        panic!("{:?}", redefined.audit);
    };
    assert_eq!((entry.status, entry.at), (Status::WaitingQueue, at(100)));
    assert_eq!(
        entry.reason.as_deref(),
        Some("dispatched again under its key")
    );
}

#[test]
fn what_is_dispatched_without_a_time_is_due_now() {
    let found = worn(definition(1, at(0)));
    let wanted = definition(2, at(100));
    let redefined = redefine(&found, wanted, Redefined::Updated, at(100)).unwrap();
    assert_eq!(redefined.record.state.available_at, Some(at(100)));
}

#[test]
fn an_occurrence_stays_the_one_it_is() {
    let mut found = worn(definition(1, at(0)));
    found.definition.series_id = Some(TaskId(Uuid::from_u128(5)));
    found.definition.occurrence_at = Some(at(60));
    let redefined = redefine(&found, definition(2, at(100)), Redefined::Updated, at(100));
    let definition = redefined.unwrap().record.definition;
    assert_eq!(definition.series_id, found.definition.series_id);
    assert_eq!(definition.occurrence_at, Some(at(60)));
}

#[test]
fn a_task_that_becomes_a_series_runs_first_when_the_series_does() {
    let found = worn(definition(1, at(0)));
    let wanted = with_series(2, at(100), every(60, 130));
    let redefined = redefine(&found, wanted.clone(), Redefined::Converted, at(100)).unwrap();
    let RowState {
        next_run_at,
        available_at,
        run_count,
        ..
    } = redefined.record.state;
    assert_eq!((next_run_at, available_at), (Some(at(130)), Some(at(130))));
    assert_eq!(run_count, 0);
    assert_eq!(redefined.record.definition.series, wanted.series);
}

/// Core edge cases 62 and 63.
#[test]
fn a_series_that_was_over_begins_anew_and_counts_from_zero() {
    let mut found = between_runs(180);
    found.state.next_run_at = None;
    for status in [Status::Cancelled, Status::Completed, Status::Failed] {
        found.state.status = status;
        let wanted = with_series(2, at(100), every(60, 100));
        let redefined = redefine(&found, wanted.clone(), Redefined::Revived, at(100)).unwrap();
        assert_eq!(redefined.record.definition.series, wanted.series);
        let state = redefined.record.state;
        assert_eq!((state.status, state.run_count), (Status::WaitingQueue, 0));
        assert_eq!(state.next_run_at, Some(at(100)));
        assert_eq!(
            (state.failure, state.last_execution_at),
            (None, Some(at(50)))
        );
    }
}

/// Core edge case 58, and storage scenario S8: what came due meanwhile is left to the claim.
#[test]
fn a_series_with_the_same_schedule_keeps_its_instants_and_its_count() {
    for (next, now) in [(180, 100), (180, 200)] {
        let mut found = between_runs(next);
        found.state.start_by = Some(at(9));
        let mut wanted = with_series(2, at(now), every(60, now + 7));
        wanted.deadline = Some(at(7));
        let redefined = redefine(&found, wanted, Redefined::Updated, at(now)).unwrap();
        let series = redefined.record.definition.series.unwrap();
        assert_eq!(series.anchor, at(0));
        let expected = RowState {
            status: Status::Failed,
            failure: found.state.failure.clone(),
            error_fingerprint: found.state.error_fingerprint.clone(),
            last_execution_at: Some(at(50)),
            execution_time: Some(Duration::from_secs(1)),
            active_key: Some("report".to_owned()),
            run_count: 2,
            next_run_at: Some(at(next)),
            start_by: Some(at(9)),
            ..RowState::waiting(at(next))
        };
        assert_eq!(redefined.record.state, expected);
    }
}

#[test]
fn a_series_that_was_interrupted_waits_like_any_other() {
    let mut found = between_runs(60);
    found.state.status = Status::ServiceStopped;
    let wanted = with_series(2, at(70), every(60, 70));
    let redefined = redefine(&found, wanted, Redefined::Updated, at(70)).unwrap();
    let state = redefined.record.state;
    assert_eq!((state.status, state.failure), (Status::WaitingQueue, None));
    assert_eq!((state.error_fingerprint, state.run_count), (None, 2));
    assert_eq!(state.next_run_at, Some(at(60)));
}

/// Core edge case 64.
#[test]
fn another_schedule_counts_from_now_and_keeps_the_count() {
    let found = between_runs(180);
    // Whatever was said about the first run, which was long ago.
    for (unreadable, step, next) in [(false, 30, 135), (true, 60, 165)] {
        let mut found = found.clone();
        if unreadable {
            found.definition.series.as_mut().unwrap().schedule = "99 * * *".to_owned();
        }
        let mut wanted = with_series(2, at(100), every(step, 105));
        wanted.deadline = Some(at(107));
        let redefined = redefine(&found, wanted.clone(), Redefined::Updated, at(100)).unwrap();
        assert_eq!(redefined.record.definition.series, wanted.series);
        let state = redefined.record.state;
        assert_eq!((state.next_run_at, state.run_count), (Some(at(next)), 2));
        assert_eq!(state.start_by, Some(at(107)));
    }
}

/// Core edge case 63.
#[test]
fn bounds_that_leave_nothing_are_refused() {
    let found = between_runs(180);
    let redefine = |max_runs, run_until: Option<i64>| {
        let series = SeriesDefinition {
            max_runs,
            run_until: run_until.map(at),
            ..every(60, 100)
        };
        let wanted = with_series(2, at(100), series);
        redefine(&found, wanted, Redefined::Updated, at(100)).map(|_| ())
    };
    let nothing = Err(NothingLeft { run_count: 2 });
    assert_eq!(redefine(Some(2), None), nothing);
    assert_eq!(redefine(Some(3), None), Ok(()));
    assert_eq!(redefine(None, Some(180)), nothing);
    assert_eq!(redefine(None, Some(181)), Ok(()));
    let mut unreadable = every(60, 100);
    unreadable.schedule.clear();
    let wanted = with_series(2, at(100), unreadable);
    let refused = super::redefine(&found, wanted, Redefined::Updated, at(100));
    assert_eq!(refused.map(|_| ()), nothing);
}

/// What an operator paused is not woken by a start that registers it again.
#[test]
fn what_somebody_paused_stays_paused() {
    let mut found = worn(definition(1, at(0)));
    let again = |found: &TaskRecord| {
        let wanted = definition(2, at(100));
        redefine(found, wanted, Redefined::Updated, at(100))
            .unwrap()
            .record
            .state
            .wait_reason
    };
    assert_eq!(again(&found), None, "another reason is judged anew");
    found.state.wait_reason = Some(WaitReason::Paused);
    assert_eq!(again(&found), Some(WaitReason::Paused));
}

/// What somebody edited stays when the program registers what it registered before, and goes when that
/// is different.
#[test]
fn an_edit_stays_until_the_program_registers_something_else() {
    let registered = |mut series: SeriesDefinition| {
        series.registered = serde_json::to_string(&series.in_force()).ok();
        series
    };
    let mut found = between_runs(180);
    let mut edited = registered(every(60, 0));
    edited.schedule = every(45, 0).schedule;
    edited.anchor = at(20);
    edited.max_runs = Some(50);
    found.definition.series = Some(edited.clone());
    let dispatch = |series| {
        let wanted = with_series(2, at(100), registered(series));
        let redefined = redefine(&found, wanted, Redefined::Updated, at(100)).unwrap();
        let record = redefined.record;
        (record.definition.series.unwrap(), record.state.next_run_at)
    };
    assert_eq!(dispatch(every(60, 100)), (edited, Some(at(180))));
    let other = registered(every(30, 100));
    assert_eq!(dispatch(every(30, 100)), (other, Some(at(130))));
}
