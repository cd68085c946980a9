use super::*;

#[test]
fn a_released_row_is_as_good_as_never_claimed() {
    let found = one_shot(Status::Queued);
    let change = moved(&found, |lease| lease.release(now()));
    let expected = RowChange {
        state: RowState {
            status: Status::WaitingQueue,
            owner: None,
            ..found.state.clone()
        },
        audit: vec![AuditEntry::of(Status::WaitingQueue, now())],
        ..last_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn a_released_row_that_had_run_before_keeps_its_status() {
    for status in [Status::InProgress, Status::ServiceStopped, Status::Failed] {
        let found = series(status);
        let change = moved(&found, |lease| lease.release(now()));
        let expected = RowChange {
            state: RowState {
                owner: None,
                ..found.state.clone()
            },
            ..last_write(&found)
        };
        assert_eq!(change, expected);
    }
}

#[test]
fn a_released_row_without_an_instant_is_due_at_once() {
    let mut found = one_shot(Status::Queued);
    found.state.available_at = None;
    let change = moved(&found, |lease| lease.release(now()));
    assert_eq!(change.state.available_at, Some(now()));
}

#[test]
fn a_row_that_cannot_run_here_says_why_and_counts_the_starts_that_could_not_decode_it() {
    for (reason, recovery_failures) in [(WaitReason::NoHandler, 4), (WaitReason::Undecodable, 5)] {
        let mut found = one_shot(Status::Queued);
        found.state.wait_reason = None;
        let change = moved(&found, |lease| {
            lease.wait(ME, reason, broken("not here"), now())
        });
        let expected = RowChange {
            state: RowState {
                status: Status::WaitingQueue,
                owner: Some(ME),
                wait_reason: Some(reason),
                recovery_failures,
                failure: Some(broken("not here")),
                ..found.state.clone()
            },
            audit: vec![AuditEntry::of(Status::WaitingQueue, now())],
            ..next_write(&found)
        };
        assert_eq!(change, expected);
    }
}
