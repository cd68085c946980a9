//! A series runs, counts and ends.

use std::time::Duration;

use super::World;
use super::process::Process;
use super::sample::{at, attempt, everything, failure, id, ids, series, task_with};
use crate::lease::RowLease;
use crate::schedule::SeriesEnd;
use crate::storage::{CancelAnswer, StorageErrorKind, Write};
use crate::task::{AttemptId, AttemptOutcome, MAX_RUN_COUNT, RunRecord, Status};

/// Claims the one series that is due and answers its lease.
async fn claim_one(process: &Process<'_>, now: i64) -> RowLease {
    let claimed = process.claim(everything(at(now))).await;
    assert_eq!(ids(&claimed), [id(1)]);
    RowLease::new(&claimed.tasks[0].record)
}

/// C18 and storage edge case 29: what ends a run moves the series on, in one write.
pub async fn a_run_that_ends_moves_the_series_on(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 0).await;
    process
        .advance([lease.start(process.id, false, at(1))])
        .await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let run = RunRecord {
        id: success.id,
        number: 1,
        scheduled_at: Some(at(0)),
        at: at(9),
        execution_time: success.ran,
        status: Status::Completed,
        failure: None,
    };
    process
        .advance([lease.complete(success, Some(at(60)), at(9))])
        .await;
    let record = process.record(id(1)).await;
    assert_eq!(record.state.status, Status::Completed);
    assert_eq!(record.state.run_count, 1);
    assert_eq!(record.state.next_run_at, Some(at(60)));
    assert_eq!(record.state.available_at, Some(at(60)));
    assert_eq!(record.state.owner, None);
    assert_eq!(process.runs(id(1)).await, [run]);
    assert_eq!(
        process.audited_statuses(id(1)).await,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
}

/// C14 and storage edge case 2: a series between two runs is taken up again, whatever the last one
/// came to.
pub async fn a_series_is_claimed_for_its_next_run(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 0).await;
    let failed = attempt(process.id, 1, AttemptOutcome::Failed);
    process
        .advance([lease.fail(failure("first"), failed, Some(at(60)), at(9))])
        .await;
    let early = process.claim(everything(at(59))).await;
    assert!(early.tasks.is_empty());
    assert_eq!(early.next_available_at, Some(at(60)));
    let record = process.record(id(1)).await;
    assert_eq!(
        (record.state.status, record.state.attempts),
        (Status::Failed, 0)
    );
    let mut lease = claim_one(&process, 60).await;
    assert_eq!(lease.state().status, Status::Queued);
    assert_eq!(lease.state().next_run_at, Some(at(60)));
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process
        .advance([lease.complete(success, Some(at(120)), at(61))])
        .await;
    let runs = process.runs(id(1)).await;
    let ended: Vec<_> = runs.iter().map(|run| (run.number, run.status)).collect();
    assert_eq!(ended, [(1, Status::Failed), (2, Status::Completed)]);
    assert_eq!(runs[0].failure, Some(failure("first")));
    let record = process.record(id(1)).await;
    assert_eq!((record.state.run_count, &record.state.failure), (2, &None));
}

/// C19, C20 and storage edge cases 22, 23 and 35.
pub async fn a_series_that_is_over_is_not_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    let success = || attempt(process.id, 1, AttemptOutcome::Succeeded);
    let ends: [fn(&mut RowLease, _) -> _; 3] = [
        |lease, success| lease.complete(success, None, at(1)),
        |lease, _| lease.finish_series(SeriesEnd::NoOccurrence, 0, at(1)),
        |lease, _| lease.poison(failure("no schedule"), at(1)),
    ];
    for (number, end) in (1..).zip(ends) {
        process.store(&[series(number, None)]).await;
        let claimed = process.claim(everything(at(0))).await;
        let mut lease = RowLease::new(&claimed.tasks[0].record);
        process.advance([end(&mut lease, success())]).await;
        let claimed = process.claim(everything(at(1_000_000))).await;
        assert!(claimed.tasks.is_empty());
        assert_eq!(claimed.next_available_at, None);
        let record = process.record(id(number)).await;
        assert!(record.state.is_over());
        assert_eq!(record.state.next_run_at, None);
        let answer = process.cancel(id(number)).await;
        assert_eq!(answer, CancelAnswer::AlreadyOver(record.state.status));
    }
    let counts = [1, 0, 0];
    for (number, count) in (1..).zip(counts) {
        assert_eq!(process.record(id(number)).await.state.run_count, count);
        assert_eq!(process.runs(id(number)).await.len(), count as usize);
    }
}

/// Storage edge case 51: a series is over once it is cancelled, between two runs too.
pub async fn a_cancelled_series_is_not_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 0).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    process
        .advance([lease.complete(success, Some(at(60)), at(1))])
        .await;
    let answer = process.cancel(id(1)).await;
    assert_eq!(answer, CancelAnswer::Cancelled(Status::Completed));
    let claimed = process.claim(everything(at(1_000_000))).await;
    assert!(claimed.tasks.is_empty());
    assert_eq!(process.record(id(1)).await.state.next_run_at, None);
    let again = process.cancel(id(1)).await;
    assert_eq!(again, CancelAnswer::AlreadyOver(Status::Cancelled));
}

/// C14: the rows that look like a series between two runs and are none.
pub async fn a_finished_row_without_a_next_run_is_not_claimed(world: &dyn World) {
    let process = Process::start(world).await;
    let over = [
        (Status::Completed, None),
        (Status::Failed, None),
        (Status::Cancelled, Some(at(0))),
    ];
    for (number, (status, next_run_at)) in (1..).zip(over) {
        let mut record = series(number, None);
        record.state = task_with(number, |state| {
            state.status = status;
            state.next_run_at = next_run_at;
        })
        .state;
        process.store(&[record]).await;
    }
    assert!(process.claim(everything(at(10))).await.tasks.is_empty());
}

/// A skipped occurrence is not counted, and the rhythm is kept.
pub async fn a_skipped_occurrence_leaves_no_run(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 1_000).await;
    process
        .advance([lease.skip_to(at(1_020), 1, at(1_000))])
        .await;
    let record = process.record(id(1)).await;
    assert_eq!(record.state.status, Status::WaitingQueue);
    assert_eq!(record.state.available_at, Some(at(1_020)));
    assert_eq!(record.state.next_run_at, Some(at(1_020)));
    assert_eq!(record.state.run_count, 0);
    assert!(process.runs(id(1)).await.is_empty());
    claim_one(&process, 1_020).await;
}

/// C16 and storage edge case 33.
pub async fn the_counter_of_runs_stands_still_at_its_end(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = series(1, None);
    record.state.run_count = MAX_RUN_COUNT - 1;
    process.store(&[record]).await;
    for run in 0..3 {
        let mut lease = claim_one(&process, run * 60).await;
        let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
        let next = at((run + 1) * 60);
        process
            .advance([lease.complete(success, Some(next), next)])
            .await;
        assert_eq!(process.record(id(1)).await.state.run_count, MAX_RUN_COUNT);
    }
    assert_eq!(process.runs(id(1)).await.len(), 3);
}

/// Storage edge case 28: of a group that can't be stored, no half is.
pub async fn a_rejected_group_moves_no_series_on(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 0).await;
    let before = process.record(id(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, Some(at(60)), at(9));
    let writes = vec![
        super::sample::new_task(&super::sample::task_of_series(2, 100, at(5))),
        super::sample::new_task(&super::sample::task_of_series(3, 100, at(5))),
        Write::Change(Box::new(complete)),
    ];
    let error = process.try_apply(writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected);
    assert_eq!(process.record(id(1)).await, before);
    assert!(process.runs(id(1)).await.is_empty());
}

/// A write whose answer was lost is repeated.
pub async fn a_run_that_is_stored_already_is_left_alone(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    let mut lease = claim_one(&process, 0).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete(success, Some(at(60)), at(9));
    process.advance([complete.clone(), complete]).await;
    assert_eq!(process.runs(id(1)).await.len(), 1);
    assert_eq!(process.record(id(1)).await.state.run_count, 1);
}

pub async fn runs_are_read_oldest_first_with_every_field(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None), series(2, None)]).await;
    let claimed = process.claim(everything(at(0))).await;
    let mut lease = RowLease::new(&claimed.tasks[0].record);
    let run = |number: u32| RunRecord {
        // The ids run against the time.
        id: AttemptId(id(u128::from(100 - number)).0),
        number,
        scheduled_at: (number != 2).then(|| at(i64::from(number))),
        at: at(i64::from(number)) + Duration::from_micros(123_457),
        execution_time: Duration::from_micros(2_345_678),
        status: Status::Failed,
        failure: (number != 3).then(|| failure("run")),
    };
    let runs: Vec<_> = (1..=3).map(run).collect();
    for run in runs.clone() {
        let mut change = lease.outlive_probation();
        change.runs = vec![run];
        process.advance([change]).await;
    }
    assert_eq!(process.runs(id(1)).await, runs);
    assert!(process.runs(id(2)).await.is_empty());
    assert!(process.runs(id(3)).await.is_empty());
}
