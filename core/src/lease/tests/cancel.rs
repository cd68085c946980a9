use super::*;

fn cancelled(found: &TaskRecord) -> RowChange {
    moved(found, |lease| {
        lease.cancel(Some("ada".to_owned()), Some("because".to_owned()), now())
    })
}

/// What a cancel leaves of a row that gives up its key.
fn expected(found: &TaskRecord) -> RowChange {
    RowChange {
        generation: Generation(40 + Generation::TERM + 1),
        state: RowState {
            status: Status::Cancelled,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            failure: None,
            error_fingerprint: None,
            active_key: None,
            next_run_at: None,
            retry_delay: None,
            snooze_reason: None,
            ..found.state.clone()
        },
        audit: vec![AuditEntry {
            actor: Some("ada".to_owned()),
            reason: Some("because".to_owned()),
            ..AuditEntry::of(Status::Cancelled, now())
        }],
        ..next_write(found)
    }
}

#[test]
fn a_task_that_is_cancelled_is_nobodys_and_gives_up_its_key() {
    let found = one_shot(Status::InProgress);
    assert_eq!(cancelled(&found), expected(&found));
}

#[test]
fn a_series_that_is_cancelled_and_a_key_that_is_held_for_a_time_keep_it() {
    let mut held = one_shot(Status::InProgress);
    held.definition.key_until = Some(at(1_001));
    for found in [held, series(Status::InProgress)] {
        let mut kept = expected(&found);
        kept.state.active_key = Some("key".to_owned());
        assert_eq!(cancelled(&found), kept);
    }
    let mut over = one_shot(Status::InProgress);
    over.definition.key_until = Some(now());
    assert_eq!(cancelled(&over), expected(&over));
}
