//! A delivery that was superseded writes nothing more.

use evertask::{CancelOutcome, EverTask, Queue, Status};

use super::world::{Runs, changes, quiet};
use crate::ground::Ground;
use crate::stage::{Numbered, soon, status};

async fn start(ground: &Ground, runs: &Runs) -> EverTask {
    EverTask::builder()
        .storage(ground.clone())
        .queue(Queue::new(Queue::DEFAULT).parallelism(2))
        .handler(runs.clone())
        .start()
        .await
        .unwrap()
}

/// Guarantee 4. Two processes share a database; one cancels what the other is about to start. The
/// start is refused without anybody waiting for it, and the outcome that follows must be too.
async fn cancel_before_the_start_is_stored(ground: Ground) {
    let runs = Runs::held();
    let runner = start(&ground, &runs).await;
    let other = start(&ground, &Runs::held()).await;
    let starts = |change: &evertask::storage::RowChange| change.state.status == Status::InProgress;
    let mut started = ground.hold(move |step| changes(step, starts));
    let id = runner.dispatch(Numbered(1)).await.unwrap().id;
    started.reached().await;
    runs.entered(1).await;
    let outcome = soon(other.cancel(id)).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelled);
    started.go();
    quiet(&runner).await;
    runs.release(1);
    soon(runner.shutdown()).await.unwrap();
    assert_eq!(status(&other, id).await, Status::Cancelled);
    soon(other.shutdown()).await.unwrap();
}

#[actix::test]
async fn a_task_that_another_process_cancelled_stays_cancelled_on_memory() {
    cancel_before_the_start_is_stored(Ground::memory()).await;
}

#[actix::test]
async fn a_task_that_another_process_cancelled_stays_cancelled_on_sqlite() {
    cancel_before_the_start_is_stored(Ground::sqlite()).await;
}
