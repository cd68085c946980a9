use super::*;
use crate::schedule::{Next, SeriesEnd};
use crate::storage::NewTask;

#[test]
fn a_series_that_was_overtaken_waits_for_its_next_occurrence_and_counts_nothing() {
    let found = series(Status::Queued);
    let change = moved(&found, |lease| lease.skip_to(at(1_100), 3, now()));
    let expected = RowChange {
        state: RowState {
            status: Status::WaitingQueue,
            owner: None,
            available_at: Some(at(1_100)),
            next_run_at: Some(at(1_100)),
            // The instant by which the first run had to begin binds no other.
            start_by: None,
            // Those of the occurrence go with it.
            attempts: 0,
            retry_delay: None,
            ..found.state.clone()
        },
        audit: vec![AuditEntry {
            reason: Some("3 occurrences were left out".to_owned()),
            ..AuditEntry::of(Status::WaitingQueue, now())
        }],
        missed: 3,
        ..last_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn occurrences_that_run_on_their_own_are_stored_with_the_series_that_goes_on() {
    let found = series(Status::Queued);
    let tasks = vec![NewTask::new(one_shot(Status::WaitingQueue)); 2];
    let next = Next {
        missed: 4,
        ..Some(at(1_100)).into()
    };
    let change = moved(&found, |lease| lease.spread(tasks.clone(), next, now()));
    let expected = RowChange {
        state: RowState {
            status: Status::WaitingQueue,
            owner: None,
            available_at: Some(at(1_100)),
            next_run_at: Some(at(1_100)),
            start_by: None,
            run_count: 8,
            attempts: 0,
            retry_delay: None,
            ..found.state.clone()
        },
        audit: vec![AuditEntry::of(Status::WaitingQueue, now())],
        follow_ups: tasks,
        missed: 4,
        ..last_write(&found)
    };
    assert_eq!(change, expected);
}

#[test]
fn the_last_occurrences_that_run_on_their_own_end_the_series() {
    let found = series(Status::Queued);
    let tasks = vec![NewTask::new(one_shot(Status::WaitingQueue))];
    let next = SeriesEnd::MaxRuns(7).into();
    let change = moved(&found, |lease| lease.spread(tasks.clone(), next, now()));
    assert_eq!(change.follow_ups, tasks);
    assert!(change.state.is_over());
    assert_eq!(change.state.run_count, 7);
    let reason = change.audit[0].reason.as_deref();
    assert_eq!(
        reason,
        Some("the series has run 7 times, as often as it was to")
    );
}

#[test]
fn the_last_of_the_missed_runs_in_place_of_the_first() {
    let found = series(Status::Queued);
    let attempt = third_attempt(AttemptOutcome::Succeeded);
    let change = moved(&found, |lease| {
        lease.run_last(at(90), 4);
        lease.complete(attempt, Some(at(1_100)), now())
    });
    assert_eq!(change.runs[0].scheduled_at, Some(at(90)));
    assert_eq!(change.missed, 4);
}

#[test]
fn the_last_run_says_why_it_is_the_last() {
    let found = series(Status::InProgress);
    let attempt = third_attempt(AttemptOutcome::Failed);
    let end = SeriesEnd::Failures(3);
    let change = moved(&found, |lease| lease.fail(broken("b"), attempt, end, now()));
    assert!(change.state.is_over());
    assert_eq!(change.state.failures_in_row, 3);
    let reason = change.audit[0].reason.as_deref();
    assert_eq!(
        reason,
        Some("the series was to stop after 3 failed runs in a row")
    );
}

/// Only what begins is delayed: the next occurrence stays the one it is.
#[test]
fn jitter_delays_the_next_run() {
    let mut found = series(Status::InProgress);
    let series = found.definition.series.as_mut().unwrap();
    series.policy = Some(r#"{"jitter":60000000}"#.to_owned());
    let attempt = third_attempt(AttemptOutcome::Succeeded);
    let change = moved(&found, |lease| {
        lease.complete(attempt, Some(at(1_100)), now())
    });
    assert_eq!(change.state.next_run_at, Some(at(1_100)));
    let begins = change.state.available_at.unwrap();
    assert!(begins > at(1_100) && begins < at(1_160));
    let skipped = moved(&found, |lease| lease.skip_to(at(1_100), 1, now()));
    assert_eq!(skipped.state.available_at, Some(begins));
}
