//! How much of its history a task leaves.

use super::World;
use super::process::Process;
use super::sample::{actor, at, attempt, everything, failure, id, series, task};
use crate::audit::AuditLevel;
use crate::lease::RowLease;
use crate::task::{AttemptOutcome, Status, TaskRecord};

fn at_level(mut record: TaskRecord, level: AuditLevel) -> TaskRecord {
    record.definition.audit_level = level;
    record
}

/// How many lines, runs and attempts a task has left.
async fn counts(process: &Process<'_>, number: u128) -> (usize, usize, usize) {
    (
        process.audit(id(number)).await.len(),
        process.runs(id(number)).await.len(),
        process.attempts(id(number)).await.len(),
    )
}

/// Runs a claimed task once and answers its lease.
async fn run_once(process: &Process<'_>, number: u128, now: i64, succeeds: bool) {
    let claimed = process.claim(everything(at(now))).await;
    let record = &claimed.tasks[0].record;
    assert_eq!(record.definition.id, id(number));
    let mut lease = RowLease::new(record);
    let next = lease.is_series().then(|| at(now + 60));
    process
        .advance([lease.start(process.id, false, at(now))])
        .await;
    let end = if succeeds {
        let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
        lease.complete(success, next, at(now + 1))
    } else {
        let failed = attempt(process.id, 1, AttemptOutcome::Failed);
        lease.fail(failure("it broke"), failed, next, at(now + 1))
    };
    process.advance([end]).await;
}

/// C8 and storage scenario S4, by the tables of section 3.
pub async fn each_level_leaves_the_rows_it_should(world: &dyn World) {
    let process = Process::start(world).await;
    let expected = [
        ((3, 0, 1), (3, 0, 1), (30, 10, 10)),
        ((0, 0, 1), (1, 0, 1), (2, 10, 10)),
        ((0, 0, 0), (1, 0, 1), (2, 2, 2)),
        ((0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ];
    for (place, (level, expected)) in (0..).zip(AuditLevel::ALL.into_iter().zip(expected)) {
        let number = place * 3 + 1;
        process.store(&[at_level(task(number), level)]).await;
        run_once(&process, number, 0, true).await;
        process.store(&[at_level(task(number + 1), level)]).await;
        run_once(&process, number + 1, 0, false).await;
        process
            .store(&[at_level(series(number + 2, Some(10)), level)])
            .await;
        for run in 0..10 {
            run_once(&process, number + 2, run * 60, run % 5 != 4).await;
        }
        process.cancel(id(number + 2)).await;
        let (ok, failed, (lines, runs, attempts)) = expected;
        assert_eq!(counts(&process, number).await, ok, "{level}");
        assert_eq!(counts(&process, number + 1).await, failed, "{level}");
        // And the line of the person who cancelled it at the end.
        let with_cancel = (lines + 1, runs, attempts);
        assert_eq!(counts(&process, number + 2).await, with_cancel, "{level}");
    }
}

/// Storage specification 3.4: the row says the same at every level.
pub async fn the_row_says_the_same_at_every_level(world: &dyn World) {
    let process = Process::start(world).await;
    let mut states = Vec::new();
    for (number, level) in (1..).zip(AuditLevel::ALL) {
        process
            .store(&[at_level(series(number, None), level)])
            .await;
        run_once(&process, number, 0, true).await;
        run_once(&process, number, 60, false).await;
        states.push(process.record(id(number)).await.state);
        process.cancel(id(number)).await;
    }
    for state in &states {
        assert_eq!(state, &states[0]);
    }
    assert_eq!(states[0].run_count, 2);
}

/// C17 and storage edge case 31.
pub async fn the_counter_equals_the_rows_of_runs(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    for run in 0..7 {
        run_once(&process, 1, run * 60, run % 3 != 0).await;
        let runs = process.runs(id(1)).await;
        let count = process.record(id(1)).await.state.run_count;
        assert_eq!(runs.len(), usize::try_from(count).unwrap());
    }
}

/// Storage edge case 55: what a person does is audited at every level.
pub async fn what_a_person_did_is_always_kept(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, level) in (1..).zip(AuditLevel::ALL) {
        process.store(&[at_level(task(number), level)]).await;
        process.cancel(id(number)).await;
        let audit = process.audit(id(number)).await;
        assert_eq!(audit.len(), 1, "{level}");
        assert_eq!(audit[0].status, Status::Cancelled);
        assert_eq!(audit[0].actor, Some(actor()));
    }
}

/// Storage edge cases 14 and 68: a claim goes by the level of each row.
pub async fn a_claim_goes_by_the_level_of_each_row(world: &dyn World) {
    let process = Process::start(world).await;
    for (number, level) in (1..).zip(AuditLevel::ALL) {
        process.store(&[at_level(task(number), level)]).await;
    }
    let claimed = process.claim(everything(at(0))).await;
    for (number, claimed) in (1..).zip(&claimed.tasks) {
        let level = claimed.record.definition.audit_level;
        let lines = usize::from(level == AuditLevel::Full);
        assert_eq!(process.audit(id(number)).await.len(), lines, "{level}");
    }
}
