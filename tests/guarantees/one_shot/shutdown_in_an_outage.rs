//! A shutdown whose last writes the storage does not take: it says so, and keeps nothing.

use std::time::Duration;

use evertask::storage::Write;
use evertask::time::SystemClock;
use evertask::{Builder, Client, EverTask, Queue, Shutdown, ShutdownReport, Status, TaskId};
use evertask_core::storage::StorageErrorKind;
use evertask_core::storage::faulty::{Call, Fault as Failing, FaultyStorage, Method};

use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::session::Fault;
use crate::stage::{Numbered, soon};

on_every_storage! {
    a_start_right_after_a_shutdown_in_an_outage_runs_its_tasks,
    a_shutdown_ends_while_a_group_is_on_its_way,
    a_shutdown_that_wrote_everything_says_so_however_often_it_is_asked,
    a_shutdown_that_did_not_says_so_however_often_it_is_asked,
    a_shutdown_by_message_is_answered_before_the_runtime_ends,
    a_storage_that_is_not_closed_is_let_go_of_before_the_answer,
}

fn any(_: &Write) -> bool {
    true
}

/// Gives up soon; what it waits for does not come before the test says so.
fn impatient(builder: Builder) -> Builder {
    builder
        .drain(Duration::ZERO)
        .grace(Duration::ZERO)
        .abort_after(Duration::from_millis(20))
}

/// A runtime with a task that runs and one that waits.
async fn busy(home: &Home, diary: &Diary) -> (EverTask, [TaskId; 2]) {
    let builder = Player::cooperative(diary).at(home);
    let evertask = impatient(builder).start().await.unwrap();
    let runs = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let waits = evertask.dispatch(Numbered(1)).await.unwrap().id;
    (evertask, [runs, waits])
}

/// Both tasks run to their end beside the handle of the runtime that was shut down.
async fn all_run_again(home: &Home, diary: &Diary, tasks: [TaskId; 2]) {
    let evertask = Player::idle(diary).at(home).start().await.unwrap();
    diary.says("completed 0").await;
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    for id in tasks {
        assert_eq!(home.status(id).await, Status::Completed);
    }
}

async fn a_start_right_after_a_shutdown_in_an_outage_runs_its_tasks(home: Home) {
    let diary = Diary::default();
    let (evertask, tasks) = busy(&home, &diary).await;
    home.fail(usize::MAX, Fault::Transient, any);
    let report = soon(evertask.shutdown()).await.unwrap();
    home.recover();
    assert_nothing_claimed(&report);
    all_run_again(&home, &diary, tasks).await;
}

/// It must not be written by the one that gave up, either, once the next one has begun.
async fn a_shutdown_ends_while_a_group_is_on_its_way(home: Home) {
    let diary = Diary::default();
    let (evertask, tasks) = busy(&home, &diary).await;
    home.hold();
    let report = soon(evertask.shutdown()).await.unwrap();
    assert!(home.is_closed());
    home.release();
    assert_nothing_claimed(&report);
    all_run_again(&home, &diary, tasks).await;
    let stopped = becomes(Status::ServiceStopped);
    let committed = home.committed();
    assert!(
        !committed
            .iter()
            .any(|(write, answer)| stopped(write, answer))
    );
}

async fn a_shutdown_that_wrote_everything_says_so_however_often_it_is_asked(home: Home) {
    let diary = Diary::default();
    let builder = Player::idle(&diary).at(&home);
    let evertask = builder.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    let report = soon(evertask.shutdown()).await.unwrap();
    assert!(report.everything_written);
    assert!(report.storage_closed);
    is_answered_again(evertask, &report).await;
}

async fn a_shutdown_that_did_not_says_so_however_often_it_is_asked(home: Home) {
    let diary = Diary::default();
    let (evertask, _) = busy(&home, &diary).await;
    home.fail(usize::MAX, Fault::Transient, any);
    let twice = futures::future::join(evertask.shutdown(), evertask.shutdown());
    let (report, joined) = soon(twice).await;
    let report = report.unwrap();
    assert_nothing_claimed(&report);
    assert_eq!(report.running, 1);
    assert_eq!(joined.unwrap(), report);
    is_answered_again(evertask, &report).await;
}

/// Also when the handle is gone, and the thread with it.
async fn is_answered_again(evertask: EverTask, report: &ShutdownReport) {
    soon(evertask.stopped()).await.unwrap();
    assert_eq!(soon(evertask.shutdown()).await.unwrap(), *report);
    let client = Client::clone(&evertask);
    drop(evertask);
    assert_eq!(soon(client.shutdown()).await.unwrap(), *report);
}

async fn a_shutdown_by_message_is_answered_before_the_runtime_ends(home: Home) {
    let diary = Diary::default();
    let (evertask, tasks) = busy(&home, &diary).await;
    home.fail(usize::MAX, Fault::Transient, any);
    let report = soon(evertask.supervisor().send(Shutdown)).await.unwrap();
    home.recover();
    assert_nothing_claimed(&report);
    soon(evertask.stopped()).await.unwrap();
    all_run_again(&home, &diary, tasks).await;
}

async fn a_storage_that_is_not_closed_is_let_go_of_before_the_answer(home: Home) {
    let fails_to_close = |call: &Call<'_>| {
        let closes = call.method == Method::Close;
        closes.then_some(Failing::Fail(StorageErrorKind::Transient))
    };
    let storage = FaultyStorage::new(home.clone(), SystemClock::shared(), fails_to_close);
    let diary = Diary::default();
    let evertask = EverTask::builder()
        .storage(storage.clone())
        .queue(Queue::new(Queue::DEFAULT))
        .handler(Player::idle(&diary))
        .start()
        .await
        .unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    let report = soon(evertask.shutdown()).await.unwrap();
    assert_eq!(storage.log().len(), 1, "{}", storage.log());
    assert!(report.everything_written);
    assert!(!report.storage_closed);
    assert!(home.is_closed());
}

#[track_caller]
fn assert_nothing_claimed(report: &ShutdownReport) {
    assert!(!report.everything_written, "{report:?}");
    assert!(!report.storage_closed, "{report:?}");
    assert_eq!(report.given_back, 0, "{report:?}");
}
