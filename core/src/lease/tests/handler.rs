use super::*;

#[test]
fn a_handler_that_is_entered_forgets_what_kept_it_waiting() {
    for alone in [false, true] {
        let found = one_shot(Status::Queued);
        let change = moved(&found, |lease| lease.start(ME, alone, now()));
        let expected = RowChange {
            state: RowState {
                status: Status::InProgress,
                owner: Some(ME),
                on_probation: alone,
                recovery_failures: 0,
                failure: None,
                error_fingerprint: None,
                start_by: None,
                snooze_reason: None,
                progress: None,
                ..found.state.clone()
            },
            audit: vec![AuditEntry::of(Status::InProgress, now())],
            ..next_write(&found)
        };
        assert_eq!(change, expected);
    }
}

#[test]
fn a_handler_that_outlives_its_probation_is_suspected_of_nothing() {
    let found = one_shot(Status::InProgress);
    let expected = RowChange {
        state: RowState {
            on_probation: false,
            interruptions: 0,
            ..found.state.clone()
        },
        ..next_write(&found)
    };
    assert_eq!(moved(&found, RowLease::outlive_probation), expected);
}

#[test]
fn a_report_changes_the_progress_alone() {
    let found = one_shot(Status::InProgress);
    let progress = Progress::new(0.75, "nearly", now());
    let change = moved(&found, |lease| lease.report(progress.clone()));
    let expected = RowChange {
        state: RowState {
            progress: Some(progress),
            ..found.state.clone()
        },
        has_progressed: true,
        ..next_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn progress_that_was_noted_is_news_in_the_next_write_and_in_no_other() {
    let mut lease = RowLease::new(&one_shot(Status::InProgress));
    let progress = Progress::new(0.75, "nearly", now());
    lease.note_progress(progress.clone());
    let (first, second) = (lease.outlive_probation(), lease.outlive_probation());
    assert!(first.has_progressed);
    assert!(!second.has_progressed);
    assert_eq!(first.state.progress, Some(progress.clone()));
    assert_eq!(second.state.progress, Some(progress));
}
