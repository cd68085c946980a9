use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::storage::{DeleteTask, Deletion, Redefinition, Write};
use crate::task::{
    Generation, ProcessId, RowState, SeriesDefinition, Status, TaskDefinition, TaskId, TaskRecord,
    WaitReason,
};
use crate::time::{LATEST, to_micros};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const HOUR: Duration = Duration::from_hours(1);
const ACTIONS: [Action; 6] = [
    Action::Retry,
    Action::RunNow,
    Action::Reschedule(Timestamp::UNIX_EPOCH),
    Action::Pause,
    Action::Resume,
    Action::Delete,
];

fn record(status: Status, is_owned: bool) -> TaskRecord {
    let id = TaskId(Uuid::from_u128(1));
    let owner = is_owned.then(|| ProcessId(Uuid::from_u128(9)));
    let state = RowState {
        status,
        owner,
        available_at: (!status.is_terminal()).then(|| NOW + HOUR),
        attempts: 3,
        active_key: Some("k".to_owned()),
        last_execution_at: Some(NOW),
        ..RowState::waiting(NOW)
    };
    TaskRecord {
        definition: TaskDefinition::new(id, "mail", "7", NOW),
        generation: Generation(7),
        state,
    }
}

/// A series whose next run is in an hour.
fn series(status: Status, run_until: Option<Timestamp>) -> TaskRecord {
    let mut series = record(status, false);
    series.definition.series = Some(SeriesDefinition {
        schedule: String::new(),
        anchor: NOW,
        max_runs: None,
        run_until,
        ..SeriesDefinition::default()
    });
    series.state.available_at = Some(NOW + HOUR);
    series.state.next_run_at = Some(NOW + HOUR);
    series
}

fn write(found: &TaskRecord, action: &Action) -> Result<Write, Refusal> {
    let by = By {
        actor: "ada",
        reason: Some("because"),
        at: NOW,
    };
    manage(found, action, by)
}

fn done(found: &TaskRecord, action: &Action) -> Result<Redefinition, Refusal> {
    write(found, action).map(|write| {
        let Write::Redefine(redefinition) = write else {
            panic!("{write:?}");
        };
        *redefinition
    })
}

/// The full product of statuses, owners and actions.
#[test]
fn each_action_is_for_tasks_that_are_over_or_for_those_that_wait() {
    for status in Status::ALL {
        for is_owned in [false, true] {
            let found = record(status, is_owned);
            for action in ACTIONS {
                let for_what_is_over = matches!(action, Action::Retry | Action::Delete);
                let expected = match &action {
                    _ if for_what_is_over && status.is_terminal() => None,
                    _ if for_what_is_over => Some(Refusal::NotOver(status)),
                    _ if status.is_terminal() => Some(Refusal::IsOver(status)),
                    Action::Resume => Some(Refusal::NotPaused),
                    _ if is_owned => Some(Refusal::InFlight),
                    Action::Retry
                    | Action::RunNow
                    | Action::Reschedule(_)
                    | Action::Pause
                    | Action::RunBeside
                    | Action::SkipNext
                    | Action::EditSchedule(_)
                    | Action::EditPolicy(_)
                    | Action::Delete => None,
                };
                assert_eq!(
                    write(&found, &action).err(),
                    expected,
                    "{status} {action:?}"
                );
            }
        }
    }
}

#[test]
fn a_retried_task_begins_anew_and_keeps_what_is_known_of_it() {
    let mut found = record(Status::Failed, false);
    found.state.start_by = Some(NOW);
    found.state.execution_time = Some(HOUR);
    let redefinition = done(&found, &Action::Retry).unwrap();
    assert_eq!(redefinition.expected, found.generation);
    let record = &redefinition.record;
    assert!(record.generation > found.generation);
    assert_eq!(record.definition, found.definition);
    let expected = RowState {
        last_execution_at: Some(NOW),
        execution_time: Some(HOUR),
        active_key: Some("k".to_owned()),
        ..RowState::waiting(NOW)
    };
    assert_eq!(record.state, expected);
    let [entry] = &redefinition.audit[..] else {
        panic!("{redefinition:?}");
    };
    assert_eq!(entry.status, Status::WaitingQueue);
    assert_eq!(entry.actor.as_deref(), Some("ada"));
    assert_eq!(entry.reason.as_deref(), Some("because"));
}

#[test]
fn only_the_instant_of_a_task_that_waits_is_changed() {
    let found = record(Status::InProgress, false);
    let now = done(&found, &Action::RunNow).unwrap().record;
    assert_eq!(now.definition, found.definition);
    let expected = RowState {
        available_at: Some(NOW),
        ..found.state.clone()
    };
    assert_eq!(now.state, expected);
    let at = NOW + HOUR * 7;
    let later = done(&found, &Action::Reschedule(at)).unwrap().record;
    assert_eq!(later.definition.scheduled_at, Some(at));
    assert_eq!(later.state.available_at, Some(at));
    let never = done(&found, &Action::Reschedule(Timestamp::MAX_UTC)).unwrap();
    assert_eq!(never.record.state.available_at, Some(to_micros(LATEST)));
}

/// It would else overtake what has been waiting since, or be an occurrence that a series has missed.
#[test]
fn what_is_moved_into_the_past_runs_now() {
    let past = NOW - HOUR * 5;
    for found in [
        record(Status::WaitingQueue, false),
        series(Status::Completed, None),
    ] {
        let moved = done(&found, &Action::Reschedule(past)).unwrap().record;
        assert_eq!(moved.state.available_at, Some(NOW));
        let next = found.state.next_run_at.map(|_| NOW);
        assert_eq!(moved.state.next_run_at, next);
    }
}

#[test]
fn what_is_due_and_what_waits_for_something_else_is_left_alone() {
    let mut due = record(Status::WaitingQueue, false);
    due.state.available_at = Some(NOW);
    assert_eq!(done(&due, &Action::RunNow), Err(Refusal::AlreadyDue));
    assert!(done(&due, &Action::Reschedule(NOW + HOUR)).is_ok());
    for reason in WaitReason::ALL {
        for is_owned in [false, true] {
            let mut waits = record(Status::WaitingQueue, is_owned);
            waits.state.wait_reason = Some(reason);
            for action in [Action::RunNow, Action::Reschedule(NOW), Action::Pause] {
                assert_eq!(done(&waits, &action), Err(Refusal::Waits(reason)));
            }
        }
    }
}

#[test]
fn nothing_is_moved_beyond_its_deadline() {
    let mut bounded = record(Status::WaitingQueue, false);
    bounded.state.start_by = Some(NOW + HOUR);
    assert!(done(&bounded, &Action::Reschedule(NOW + HOUR)).is_ok());
    let late = Refusal::AfterDeadline(NOW + HOUR);
    let moved = done(&bounded, &Action::Reschedule(NOW + HOUR * 2));
    assert_eq!(moved, Err(late));
}

#[test]
fn a_task_is_paused_where_it_is_and_resumed_as_it_was() {
    let found = record(Status::InProgress, false);
    let paused = done(&found, &Action::Pause).unwrap().record;
    let expected = RowState {
        wait_reason: Some(WaitReason::Paused),
        ..found.state.clone()
    };
    assert_eq!(paused.state, expected);
    assert_eq!(paused.definition, found.definition);
    let resumed = done(&paused, &Action::Resume).unwrap().record;
    assert_eq!(resumed.state, found.state);
    assert!(resumed.generation > paused.generation);
    let mut waits = found;
    waits.state.wait_reason = Some(WaitReason::NoHandler);
    assert_eq!(done(&waits, &Action::Resume), Err(Refusal::NotPaused));
}

#[test]
fn what_is_deleted_leaves_who_did_it() {
    let found = record(Status::Failed, false);
    let deleted = write(&found, &Action::Delete).unwrap();
    let Write::Delete(deleted) = deleted else {
        panic!("{deleted:?}");
    };
    let deletion = Deletion {
        id: found.id(),
        task: "mail".to_owned(),
        queue: "default".to_owned(),
        status: Status::Failed,
        at: NOW,
        actor: "ada".to_owned(),
        reason: Some("because".to_owned()),
    };
    let expected = found.generation;
    assert_eq!(*deleted, DeleteTask { expected, deletion });
}

/// What would begin it anew is not for a series; between two runs it is not over.
#[test]
fn a_series_is_moved_paused_and_resumed_and_neither_retried_nor_deleted_before_its_end() {
    for status in [Status::WaitingQueue, Status::Completed, Status::Failed] {
        let found = series(status, None);
        assert_eq!(done(&found, &Action::Retry), Err(Refusal::IsSeries));
        let refused = Some(Refusal::NotOver(status));
        assert_eq!(write(&found, &Action::Delete).err(), refused);
        let now = done(&found, &Action::RunNow).unwrap().record;
        let expected = RowState {
            available_at: Some(NOW),
            next_run_at: Some(NOW),
            ..found.state.clone()
        };
        assert_eq!(now.state, expected);
        let at = NOW + HOUR * 3;
        let later = done(&found, &Action::Reschedule(at)).unwrap().record;
        assert_eq!(later.definition, found.definition, "its schedule stays");
        assert_eq!(later.state.next_run_at, Some(at));
        let paused = done(&found, &Action::Pause).unwrap().record;
        assert_eq!(
            done(&paused, &Action::Resume).unwrap().record.state,
            found.state
        );
    }
    let mut cancelled = series(Status::Cancelled, None);
    cancelled.state.next_run_at = None;
    assert!(write(&cancelled, &Action::Delete).is_ok());
}

#[test]
fn a_run_that_was_begun_stays_the_occurrence_it_is() {
    for status in [Status::InProgress, Status::ServiceStopped] {
        let found = series(status, None);
        let now = done(&found, &Action::RunNow).unwrap().record;
        assert_eq!(now.state.available_at, Some(NOW));
        assert_eq!(now.state.next_run_at, found.state.next_run_at);
    }
}

#[test]
fn no_run_of_a_series_is_moved_to_or_beyond_its_end() {
    let end = NOW + HOUR * 2;
    let found = series(Status::Completed, Some(end));
    assert!(done(&found, &Action::Reschedule(end - HOUR)).is_ok());
    let refused = Err(Refusal::AfterEnd(end));
    assert_eq!(done(&found, &Action::Reschedule(end)), refused);
}
