//! What somebody may do with a task beside cancelling it, as functions of its row.
//!
//! Each is one conditional write that supersedes whatever else was under way for the row, with a line of
//! audit that says who did it. A series is left alone: its rows say when its next run is.

use thiserror::Error;

use crate::storage::{AuditEntry, Redefinition};
use crate::task::{RowState, Status, TaskDefinition, TaskRecord, WaitReason};
use crate::time::{LATEST, Timestamp, to_micros};

/// What is to be done with a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// A task that is over runs once more, as if it had never been tried: the one exception to the rule
    /// that what is over stays so.
    Retry,
    /// A task that waits for its time, or for its next attempt, runs now.
    RunNow,
    /// A task that waits runs then.
    Reschedule(Timestamp),
}

/// Why nothing was done with a task.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// It runs again and again.
    #[error("it is a series")]
    IsSeries,
    /// It is not over, so there is nothing to retry.
    #[error("it is not over, it is {0}")]
    NotOver(Status),
    /// It is over.
    #[error("it is over, it is {0}")]
    IsOver(Status),
    /// It is in a window or runs.
    #[error("it is on its way to its handler already, or runs")]
    InFlight,
    /// It is due already and starts as soon as there is room.
    #[error("it is due already")]
    AlreadyDue,
    /// It waits for another reason than its time.
    #[error("it waits for something else than its time: {}", .0.as_str())]
    Waits(WaitReason),
    /// It would not be started any more then.
    #[error("it has to be started by {0}")]
    AfterDeadline(Timestamp),
}

/// Says what a task is like after that was done, or why it can't be.
///
/// # Errors
///
/// See [`Refusal`].
pub fn manage(
    found: &TaskRecord,
    action: Action,
    actor: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Redefinition, Refusal> {
    if found.definition.series.is_some() {
        return Err(Refusal::IsSeries);
    }
    let (state, definition) = match action {
        Action::Retry => (retried(found, now)?, found.definition.clone()),
        Action::RunNow => (due_at(found, now, now)?, found.definition.clone()),
        Action::Reschedule(at) => {
            let at = to_micros(at.min(LATEST));
            let definition = TaskDefinition {
                scheduled_at: Some(at),
                ..found.definition.clone()
            };
            (rescheduled(found, at, now)?, definition)
        }
    };
    let entry = AuditEntry {
        actor: Some(actor.to_owned()),
        reason: reason.map(str::to_owned),
        ..AuditEntry::of(state.status, now)
    };
    Ok(Redefinition {
        expected: found.generation,
        record: TaskRecord {
            definition,
            generation: found.generation.superseded(),
            state,
        },
        audit: vec![entry],
    })
}

/// It has no deadline any more: whoever retries it wants it to run. The key that it gave up stays given up.
fn retried(found: &TaskRecord, now: Timestamp) -> Result<RowState, Refusal> {
    let was = &found.state;
    if !was.is_over() {
        return Err(Refusal::NotOver(was.status));
    }
    Ok(RowState {
        last_execution_at: was.last_execution_at,
        execution_time: was.execution_time,
        active_key: was.active_key.clone(),
        ..RowState::waiting(now)
    })
}

fn rescheduled(found: &TaskRecord, at: Timestamp, now: Timestamp) -> Result<RowState, Refusal> {
    if let Some(deadline) = found.state.start_by.filter(|deadline| *deadline < at) {
        return Err(Refusal::AfterDeadline(deadline));
    }
    due_at(found, at, now)
}

/// Only when it is due is another one, so a retry stays one.
fn due_at(found: &TaskRecord, at: Timestamp, now: Timestamp) -> Result<RowState, Refusal> {
    let was = &found.state;
    if was.is_over() {
        return Err(Refusal::IsOver(was.status));
    }
    if let Some(reason) = was.wait_reason {
        return Err(Refusal::Waits(reason));
    }
    if was.owner.is_some() {
        return Err(Refusal::InFlight);
    }
    if at <= now && was.available_at.is_some_and(|due| due <= now) {
        return Err(Refusal::AlreadyDue);
    }
    Ok(RowState {
        available_at: Some(at),
        ..was.clone()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::task::{Generation, ProcessId, SeriesDefinition, TaskId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const HOUR: Duration = Duration::from_hours(1);
    const ACTIONS: [Action; 3] = [
        Action::Retry,
        Action::RunNow,
        Action::Reschedule(Timestamp::UNIX_EPOCH),
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

    fn done(found: &TaskRecord, action: Action) -> Result<Redefinition, Refusal> {
        manage(found, action, "ada", Some("because"), NOW)
    }

    /// The full product of statuses, owners and actions.
    #[test]
    fn each_action_is_for_tasks_that_are_over_or_for_those_that_wait() {
        for status in Status::ALL {
            for is_owned in [false, true] {
                let found = record(status, is_owned);
                for action in ACTIONS {
                    let expected = match action {
                        Action::Retry if status.is_terminal() => None,
                        Action::Retry => Some(Refusal::NotOver(status)),
                        _ if status.is_terminal() => Some(Refusal::IsOver(status)),
                        _ if is_owned => Some(Refusal::InFlight),
                        Action::RunNow | Action::Reschedule(_) => None,
                    };
                    assert_eq!(done(&found, action).err(), expected, "{status} {action:?}");
                }
            }
        }
    }

    #[test]
    fn a_retried_task_begins_anew_and_keeps_what_is_known_of_it() {
        let mut found = record(Status::Failed, false);
        found.state.start_by = Some(NOW);
        let redefinition = done(&found, Action::Retry).unwrap();
        assert_eq!(redefinition.expected, found.generation);
        let record = &redefinition.record;
        assert!(record.generation > found.generation);
        assert_eq!(record.definition, found.definition);
        let expected = RowState {
            last_execution_at: Some(NOW),
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
        let now = done(&found, Action::RunNow).unwrap().record;
        assert_eq!(now.definition, found.definition);
        let expected = RowState {
            available_at: Some(NOW),
            ..found.state.clone()
        };
        assert_eq!(now.state, expected);
        let at = NOW + HOUR * 7;
        let later = done(&found, Action::Reschedule(at)).unwrap().record;
        assert_eq!(later.definition.scheduled_at, Some(at));
        assert_eq!(later.state.available_at, Some(at));
        let never = done(&found, Action::Reschedule(Timestamp::MAX_UTC)).unwrap();
        assert_eq!(never.record.state.available_at, Some(to_micros(LATEST)));
    }

    #[test]
    fn what_is_due_what_waits_for_something_else_and_a_series_are_left_alone() {
        let mut due = record(Status::WaitingQueue, false);
        due.state.available_at = Some(NOW);
        assert_eq!(done(&due, Action::RunNow), Err(Refusal::AlreadyDue));
        assert!(done(&due, Action::Reschedule(NOW + HOUR)).is_ok());
        let mut waits = record(Status::WaitingQueue, false);
        waits.state.wait_reason = Some(WaitReason::NoHandler);
        let refused = Err(Refusal::Waits(WaitReason::NoHandler));
        assert_eq!(done(&waits, Action::RunNow), refused);
        let mut bounded = record(Status::WaitingQueue, false);
        bounded.state.start_by = Some(NOW + HOUR);
        assert!(done(&bounded, Action::Reschedule(NOW + HOUR)).is_ok());
        let late = Refusal::AfterDeadline(NOW + HOUR);
        assert_eq!(
            done(&bounded, Action::Reschedule(NOW + HOUR * 2)),
            Err(late)
        );
        let mut series = record(Status::Failed, false);
        series.definition.series = Some(SeriesDefinition {
            schedule: String::new(),
            anchor: NOW,
            max_runs: None,
            run_until: None,
        });
        for action in ACTIONS {
            assert_eq!(done(&series, action), Err(Refusal::IsSeries));
        }
    }
}
