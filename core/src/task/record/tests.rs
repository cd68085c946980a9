use chrono::TimeDelta;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const MOMENT: TimeDelta = TimeDelta::microseconds(1);
const OWNER: ProcessId = ProcessId(Uuid::from_u128(9));

fn state(status: Status) -> RowState {
    RowState {
        status,
        ..RowState::waiting(NOW)
    }
}

fn definition() -> TaskDefinition {
    TaskDefinition::new(TaskId(Uuid::from_u128(1)), "mail", "7", NOW)
}

#[test]
fn a_task_that_runs_once_is_over_when_its_status_is_terminal() {
    for status in Status::ALL {
        assert_eq!(state(status).is_over(), status.is_terminal(), "{status}");
    }
}

#[test]
fn a_series_between_two_runs_is_not_over_unless_it_was_cancelled() {
    for status in Status::ALL {
        let state = RowState {
            next_run_at: Some(NOW),
            ..state(status)
        };
        assert_eq!(state.is_over(), status == Status::Cancelled, "{status}");
    }
}

#[test]
fn a_row_is_claimable_from_its_instant_on_unless_it_is_over_or_waits_for_a_reason() {
    for status in Status::ALL {
        let found = state(status);
        let due = (!status.is_terminal()).then_some(NOW);
        assert_eq!(found.claimable_from(), due, "{status}");
        let waits = RowState {
            wait_reason: Some(WaitReason::NoHandler),
            ..found.clone()
        };
        assert_eq!(waits.claimable_from(), None, "{status}");
        let timeless = RowState {
            available_at: None,
            ..found
        };
        assert_eq!(timeless.claimable_from(), None, "{status}");
    }
}

#[test]
fn a_claim_takes_what_is_due_and_owned_by_nobody_who_lives() {
    let free = state(Status::WaitingQueue);
    let owned = RowState::queued(NOW, OWNER);
    let lives = |process: ProcessId| process == OWNER;
    let dead = |_: ProcessId| false;
    for (at, is_due) in [(NOW - MOMENT, false), (NOW, true), (NOW + MOMENT, true)] {
        assert_eq!(free.is_claimable(at, lives), is_due);
        assert_eq!(owned.is_claimable(at, dead), is_due);
        assert!(!owned.is_claimable(at, lives));
    }
    let over = RowState {
        owner: None,
        ..state(Status::Completed)
    };
    assert!(!over.is_claimable(NOW, dead));
}

#[test]
fn a_series_keeps_its_key_and_a_task_that_runs_once_as_long_as_it_was_asked_to() {
    let mut once = definition();
    assert!(!once.keeps_key(NOW));
    once.key_until = Some(NOW);
    assert!(once.keeps_key(NOW - MOMENT));
    assert!(!once.keeps_key(NOW));
    assert!(!once.keeps_key(NOW + MOMENT));
    let series = TaskDefinition {
        series: Some(SeriesDefinition {
            schedule: "{
            ..SeriesDefinition::default()
        }"
            .to_owned(),
            anchor: NOW,
            max_runs: None,
            run_until: None,
            ..SeriesDefinition::default()
        }),
        ..definition()
    };
    assert!(series.keeps_key(NOW));
}

#[test]
fn a_row_on_its_way_to_a_window_is_owned_and_otherwise_like_one_that_waits() {
    let queued = RowState::queued(NOW, OWNER);
    assert_eq!((queued.status, queued.owner), (Status::Queued, Some(OWNER)));
    let waiting = RowState::waiting(NOW);
    let otherwise = RowState {
        status: waiting.status,
        owner: waiting.owner,
        ..queued
    };
    assert_eq!(otherwise, waiting);
    assert_eq!(waiting.status, Status::WaitingQueue);
    assert_eq!((waiting.owner, waiting.available_at), (None, Some(NOW)));
}
