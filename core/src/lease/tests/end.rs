use super::*;
use crate::schedule::SeriesEnd;
use crate::task::{MAX_RUN_COUNT, fingerprint};

/// What every end leaves of a row.
fn over(found: &TaskRecord, status: Status) -> RowState {
    RowState {
        status,
        owner: None,
        available_at: None,
        wait_reason: None,
        on_probation: false,
        failure: None,
        error_fingerprint: None,
        last_execution_at: Some(now()),
        next_run_at: None,
        retry_delay: None,
        snoozes: 0,
        snooze_reason: None,
        result: None,
        ..found.state.clone()
    }
}

/// The same after `failure`.
fn failed(found: &TaskRecord, failure: &Failure) -> RowState {
    RowState {
        error_fingerprint: Some(fingerprint("mail", failure)),
        failure: Some(failure.clone()),
        ..over(found, Status::Failed)
    }
}

fn failed_entry(failure: &Failure) -> AuditEntry {
    AuditEntry {
        failure: Some(failure.clone()),
        ..AuditEntry::of(Status::Failed, now())
    }
}

/// The seventh run of a series, which the third attempt ended.
fn seventh_run(status: Status, failure: Option<Failure>) -> RunRecord {
    RunRecord {
        id: AttemptId(Uuid::from_u128(70)),
        number: 7,
        scheduled_at: Some(at(50)),
        at: now(),
        execution_time: Duration::from_secs(12),
        status,
        failure,
    }
}

#[test]
fn a_task_that_succeeds_is_over_and_keeps_its_result() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Succeeded);
    let change = moved(&found, |lease| {
        lease.complete_with(Some("42".to_owned()), attempt.clone(), None, now())
    });
    let expected = RowChange {
        state: RowState {
            interruptions: 0,
            execution_time: Some(Duration::from_secs(12)),
            active_key: None,
            result: Some("42".to_owned()),
            ..over(&found, Status::Completed)
        },
        audit: vec![AuditEntry::of(Status::Completed, now())],
        attempts: vec![counted(attempt)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_task_that_returns_nothing_has_no_result() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Succeeded);
    let change = moved(&found, |lease| lease.complete(attempt.clone(), None, now()));
    let expected = moved(&found, |lease| {
        lease.complete_with(None, attempt, None, now())
    });
    assert_eq!(change, expected);
    assert_eq!(change.state.result, None);
}

#[test]
fn a_run_that_succeeds_counts_and_its_series_goes_on() {
    let found = series(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Succeeded);
    let change = moved(&found, |lease| {
        lease.complete(attempt.clone(), Some(at(1_100)), now())
    });
    let expected = RowChange {
        state: RowState {
            attempts: 0,
            interruptions: 0,
            execution_time: Some(Duration::from_secs(12)),
            run_count: 7,
            failures_in_row: 0,
            available_at: Some(at(1_100)),
            next_run_at: Some(at(1_100)),
            ..over(&found, Status::Completed)
        },
        audit: vec![AuditEntry::of(Status::Completed, now())],
        attempts: vec![counted(attempt)],
        runs: vec![seventh_run(Status::Completed, None)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_task_that_fails_for_good_is_over_and_lists_all_attempts() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Failed);
    let failure = broken("all 3 attempts failed");
    let change = moved(&found, |lease| {
        lease.fail(failure.clone(), attempt.clone(), None, now())
    });
    let expected = RowChange {
        state: RowState {
            attempts: 3,
            execution_time: Some(Duration::from_secs(12)),
            active_key: None,
            ..failed(&found, &failure)
        },
        audit: vec![failed_entry(&failure)],
        attempts: vec![counted(attempt)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_run_that_fails_counts_and_its_series_goes_on_with_all_attempts() {
    let found = series(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Failed);
    let failure = broken("all 3 attempts failed");
    let change = moved(&found, |lease| {
        lease.fail(failure.clone(), attempt.clone(), Some(at(1_100)), now())
    });
    let expected = RowChange {
        state: RowState {
            attempts: 0,
            execution_time: Some(Duration::from_secs(12)),
            run_count: 7,
            failures_in_row: 3,
            available_at: Some(at(1_100)),
            next_run_at: Some(at(1_100)),
            ..failed(&found, &failure)
        },
        audit: vec![failed_entry(&failure)],
        attempts: vec![counted(attempt)],
        runs: vec![seventh_run(Status::Failed, Some(failure.clone()))],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn the_count_of_runs_stands_still_at_its_limit() {
    for (before, after) in [
        (MAX_RUN_COUNT - 1, MAX_RUN_COUNT),
        (MAX_RUN_COUNT, MAX_RUN_COUNT),
    ] {
        let mut found = series(Status::InProgress);
        found.state.run_count = before;
        let attempt = third_attempt(AttemptOutcome::Succeeded);
        let change = moved(&found, |lease| lease.complete(attempt, None, now()));
        assert_eq!(change.state.run_count, after);
        assert_eq!(change.runs[0].number, after);
    }
}

#[test]
fn a_task_that_can_never_run_fails_without_an_attempt_and_ends_its_series() {
    let failure = Failure::new(FailureKind::Quarantined, "killed its process");
    let found = series(Status::Queued);
    let change = moved(&found, |lease| lease.poison(failure.clone(), now()));
    let expected = RowChange {
        state: failed(&found, &failure),
        audit: vec![failed_entry(&failure)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_payload_that_is_given_up_fails_without_an_attempt_and_counts_this_start() {
    let failure = Failure::new(FailureKind::Undecodable, "not a number");
    let found = one_shot(Status::Queued);
    let change = moved(&found, |lease| {
        lease.give_up_decoding(failure.clone(), now())
    });
    let expected = RowChange {
        state: RowState {
            recovery_failures: 5,
            active_key: None,
            ..failed(&found, &failure)
        },
        audit: vec![failed_entry(&failure)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_series_without_an_occurrence_left_ends_as_its_last_run_left_it() {
    let found = series(Status::Queued);
    let change = moved(&found, |lease| {
        lease.finish_series(SeriesEnd::MaxRuns(7), 0, now())
    });
    let expected = RowChange {
        state: RowState {
            last_execution_at: Some(at(20)),
            result: Some("9".to_owned()),
            ..over(&found, Status::Completed)
        },
        audit: vec![AuditEntry {
            reason: Some("the series has run 7 times, as often as it was to".to_owned()),
            ..AuditEntry::of(Status::Completed, now())
        }],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_task_that_runs_once_keeps_its_key_only_for_as_long_as_it_was_asked_to() {
    for (key_until, keeps) in [
        (None, false),
        (Some(at(999)), false),
        (Some(now()), false),
        (Some(at(1_001)), true),
    ] {
        let mut found = one_shot(Status::InProgress);
        found.definition.key_until = key_until;
        let attempt = third_attempt(AttemptOutcome::Succeeded);
        let change = moved(&found, |lease| lease.complete(attempt, None, now()));
        assert_eq!(change.state.active_key.is_some(), keeps, "{key_until:?}");
        assert_eq!(keeps, found.definition.keeps_key(now()));
    }
}

#[test]
fn a_key_that_is_given_up_is_all_that_a_task_loses() {
    let found = one_shot(Status::Completed);
    let expected = RowChange {
        state: RowState {
            active_key: None,
            ..found.state.clone()
        },
        ..last_write(&found)
    };
    assert_eq!(moved(&found, RowLease::give_up_key), expected);
}
