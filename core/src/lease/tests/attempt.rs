use super::*;

#[test]
fn a_retry_in_the_slot_is_counted_and_keeps_its_place() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Failed);
    let delay = Duration::from_millis(300);
    let change = moved(&found, |lease| lease.retry_in_slot(attempt.clone(), delay));
    let expected = RowChange {
        state: RowState {
            attempts: 3,
            on_probation: false,
            retry_delay: Some(delay),
            snoozes: 0,
            ..found.state.clone()
        },
        attempts: vec![attempt],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_parked_task_is_nobodys_and_says_why_it_waits() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Failed);
    let delay = Duration::from_mins(1);
    let change = moved(&found, |lease| {
        lease.park(attempt.clone(), delay, at(1_060))
    });
    let expected = RowChange {
        state: RowState {
            attempts: 3,
            owner: None,
            available_at: Some(at(1_060)),
            on_probation: false,
            failure: Some(broken("third")),
            retry_delay: Some(delay),
            snoozes: 0,
            ..found.state.clone()
        },
        attempts: vec![attempt],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_snooze_waits_like_a_parked_task_and_costs_no_attempt() {
    let found = one_shot(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Snoozed);
    let change = moved(&found, |lease| {
        lease.snooze(attempt.clone(), "not yet".to_owned(), at(1_060))
    });
    let expected = RowChange {
        state: RowState {
            owner: None,
            available_at: Some(at(1_060)),
            on_probation: false,
            retry_delay: None,
            snoozes: 9,
            snooze_reason: Some("not yet".to_owned()),
            ..found.state.clone()
        },
        attempts: vec![attempt],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_task_that_a_shutdown_interrupts_is_due_at_once_and_costs_no_attempt() {
    let found = one_shot(Status::InProgress);
    let stopped = Failure::new(FailureKind::Stopped, "the runtime is stopping");
    let attempt = AttemptRecord {
        failure: Some(stopped.clone()),
        ..third_attempt(AttemptOutcome::Stopped)
    };
    let change = moved(&found, |lease| lease.stop(Some(attempt.clone()), now()));
    let expected = RowChange {
        state: RowState {
            status: Status::ServiceStopped,
            owner: None,
            available_at: Some(now()),
            on_probation: false,
            last_execution_at: Some(now()),
            execution_time: Some(Duration::from_secs(12)),
            failure: Some(stopped.clone()),
            ..found.state.clone()
        },
        audit: vec![AuditEntry {
            failure: Some(stopped),
            ..AuditEntry::of(Status::ServiceStopped, now())
        }],
        attempts: vec![counted(attempt)],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_shutdown_between_two_attempts_leaves_no_attempt() {
    let found = one_shot(Status::InProgress);
    let change = moved(&found, |lease| lease.stop(None, now()));
    let expected = RowChange {
        state: RowState {
            status: Status::ServiceStopped,
            owner: None,
            available_at: Some(now()),
            on_probation: false,
            last_execution_at: Some(now()),
            failure: None,
            ..found.state.clone()
        },
        audit: vec![AuditEntry::of(Status::ServiceStopped, now())],
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn an_attempt_that_decides_nothing_is_recorded_and_counted_if_it_cut_the_run_short() {
    for outcome in AttemptOutcome::ALL {
        let found = one_shot(Status::Cancelled);
        let attempt = third_attempt(outcome);
        let change = moved(&found, |lease| lease.note(attempt.clone()));
        let cut_short = [AttemptOutcome::Cancelled, AttemptOutcome::Stopped].contains(&outcome);
        let expected = RowChange {
            attempts: vec![AttemptRecord {
                is_counted: cut_short,
                ..attempt
            }],
            ..next_write(&found)
        };
        assert_eq!(change, expected);
    }
}
