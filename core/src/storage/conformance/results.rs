//! What a task returns and how far it says it has come.

use super::World;
use super::process::Process;
use super::sample::{
    HOSTILE, SOON, at, attempt, everything, failure, id, progress, result, series, task,
};
use crate::lease::RowLease;
use crate::storage::{CancelAnswer, Write};
use crate::task::{AttemptOutcome, Progress, Status};

pub async fn a_result_is_stored_with_its_outcome(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let changes = [
        lease.start(process.id, false, at(1)),
        lease.complete_with(Some(result()), success, None, at(2)),
    ];
    let group = changes.map(|change| Write::Change(Box::new(change)));
    process.apply(group.to_vec()).await;
    let record = process.record(id(1)).await;
    assert_eq!(record.state.status, Status::Completed);
    assert_eq!(record.state.result, Some(result()));
}

/// What a run returned stays until the next run has ended, and a failure returns nothing.
pub async fn a_series_has_the_result_of_its_last_run(world: &dyn World) {
    let process = Process::start(world).await;
    process.store(&[series(1, None)]).await;
    for (now, returned) in [(0, Some("1")), (60, Some("2")), (120, None), (180, None)] {
        let claimed = process.claim(everything(at(now))).await;
        let mut lease = RowLease::new(&claimed.tasks[0].record);
        let before = lease.state().result.clone();
        process
            .advance([lease.start(process.id, false, at(now))])
            .await;
        assert_eq!(process.record(id(1)).await.state.result, before);
        let next = Some(at(now + 60));
        let end = if now == 120 {
            let failed = attempt(process.id, 1, AttemptOutcome::Failed);
            lease.fail(failure("broken"), failed, next, at(now + 1))
        } else {
            let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
            lease.complete_with(returned.map(str::to_owned), success, next, at(now + 1))
        };
        process.advance([end]).await;
        let stored = process.record(id(1)).await.state.result;
        assert_eq!(stored.as_deref(), returned);
    }
}

pub async fn a_result_of_a_mebibyte_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let text = HOSTILE.repeat((1 << 20) / HOSTILE.len() + 1);
    let result = serde_json::Value::String(text).to_string();
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete_with(Some(result.clone()), success, None, at(1));
    process.advance([complete]).await;
    let stored = process.record(id(1)).await.state.result;
    assert!(stored == Some(result), "it is not what was stored");
}

/// The result is text that happens to be JSON: nobody may reorder, shorten or round it.
pub async fn a_result_is_not_rewritten(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let result = r#"{ "b": 1.10, "a": 12345678901234567890123, "a": 2,  "c": "\u0000" }"#;
    let success = attempt(process.id, 1, AttemptOutcome::Succeeded);
    let complete = lease.complete_with(Some(result.to_owned()), success, None, at(1));
    process.advance([complete]).await;
    let stored = process.record(id(1)).await.state.result;
    assert_eq!(stored.as_deref(), Some(result));
}

pub async fn the_last_progress_is_read_back_until_a_new_start(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    process
        .advance([lease.start(process.id, false, at(1))])
        .await;
    assert_eq!(process.record(id(1)).await.state.progress, None);
    let whole = Progress::new(1.0, "", at(3));
    for said in [progress(at(2)), whole.clone()] {
        process.advance([lease.report(said.clone())]).await;
        assert_eq!(process.record(id(1)).await.state.progress, Some(said));
    }
    let parked = lease.park(attempt(process.id, 1, AttemptOutcome::Failed), SOON, at(60));
    process.advance([parked]).await;
    assert_eq!(process.record(id(1)).await.state.progress, Some(whole));
    let claimed = process.claim(everything(at(60))).await;
    let mut lease = RowLease::new(&claimed.tasks[0].record);
    process
        .advance([lease.start(process.id, false, at(61))])
        .await;
    assert_eq!(process.record(id(1)).await.state.progress, None);
}

/// Nobody who looks at a cancelled task should wonder how far it came.
pub async fn a_cancel_leaves_the_progress(world: &dyn World) {
    let process = Process::start(world).await;
    let mut lease = process.store_queued(task(1)).await;
    let said = progress(at(2));
    let changes = [
        lease.start(process.id, false, at(1)),
        lease.report(said.clone()),
    ];
    process.advance(changes).await;
    let answer = process.cancel(id(1)).await;
    assert_eq!(answer, CancelAnswer::Cancelled(Status::InProgress));
    assert_eq!(process.record(id(1)).await.state.progress, Some(said));
}
