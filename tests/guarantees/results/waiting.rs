//! A wait ends with its task, wherever that runs, and with the runtime.

use std::time::Duration;

use evertask::storage::{NewTask, Write, WriteGroup};
use evertask::task::{AttemptId, ProcessId};
use evertask::time::{Clock, Timestamp};
use evertask::{
    AttemptOutcome, AttemptRecord, DispatchError, FailureKind, Queue, Status, TaskId, WaitError,
    WhenFull,
};
use evertask_core::lease::RowLease;
use futures::future::join_all;
use uuid::Uuid;

use super::builder;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::row::queued;
use crate::series::STEP;
use crate::stage::{Numbered, Watch, event, soon};

on_every_storage_and_server! {
    a_task_that_runs_here_is_answered_without_a_look_at_the_clock,
    a_task_of_another_process_is_looked_at_now_and_then,
    a_task_that_is_over_is_answered_at_once,
    any_end_is_an_answer,
    a_task_that_is_unknown_or_not_stored_is_not_waited_for,
    a_series_is_waited_for_to_its_end,
    a_wait_ends_with_a_shutdown_and_goes_on_after_the_next_start,
}

/// Longer than any test: only a signal can end the wait.
async fn a_task_that_runs_here_is_answered_without_a_look_at_the_clock(home: Home) {
    let watch = Watch::held();
    let clock = StagedClock::new();
    let runtime = builder(&home).clock(clock.clone()).handler(watch.clone());
    let evertask = runtime.start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    let waits = tokio::spawn({
        let client = evertask.client().clone();
        async move { join_all((0..20).map(|_| client.wait_for(id))).await }
    });
    for _ in 0..20 {
        clock.asked_for(Duration::from_secs(1)).await;
    }
    watch.release(1);
    for view in soon(waits).await.unwrap() {
        assert_eq!(view.unwrap().status(), Status::Completed);
    }
    home.shut_down(evertask).await;
}

async fn a_task_that_is_over_is_answered_at_once(home: Home) {
    let evertask = builder(&home).handler(Watch::open()).start().await.unwrap();
    let first = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    let again = soon(evertask.wait_for(first.id())).await.unwrap();
    assert_eq!(again.record, first.record);
    home.shut_down(evertask).await;
}

async fn any_end_is_an_answer(home: Home) {
    let player = Player::new(&Diary::default(), |number, context| async move {
        if number == 0 {
            return Err(evertask::TaskError::permanent("broken"));
        }
        context.cancelled().await;
        Ok(())
    });
    let evertask = builder(&home).handler(player).start().await.unwrap();
    let failed = soon(evertask.dispatch(Numbered(0)).wait()).await.unwrap();
    assert_eq!(failed.status(), Status::Failed);
    assert_eq!(
        failed.record.state.failure.map(|failure| failure.kind),
        Some(FailureKind::Permanent)
    );
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    event(&mut events, |event| {
        event.kind == evertask::TaskEventKind::Started
    })
    .await;
    let (cancelled, view) =
        soon(async { tokio::join!(evertask.cancel(id), evertask.wait_for(id)) }).await;
    cancelled.unwrap();
    assert_eq!(view.unwrap().status(), Status::Cancelled);
    home.shut_down(evertask).await;
}

async fn a_task_that_is_unknown_or_not_stored_is_not_waited_for(home: Home) {
    let queue = Queue::new("full").parallelism(1).capacity(1);
    let watch = Watch::held();
    let runtime = builder(&home)
        .queue(queue.when_full(WhenFull::Reject))
        .handler(watch.clone());
    let evertask = runtime.start().await.unwrap();
    let unknown = soon(evertask.wait_for(TaskId(Uuid::nil()))).await;
    assert!(matches!(unknown, Err(WaitError::Unknown)), "{unknown:?}");
    evertask.dispatch(Numbered(1)).queue("full").await.unwrap();
    let mut refused = None;
    for number in 2..5 {
        let dispatch = evertask.dispatch(Numbered(number)).queue("full");
        if let Err(error) = dispatch.await {
            refused = Some(error);
            break;
        }
    }
    assert!(refused.is_some(), "the queue is full");
    let dispatch = evertask.dispatch(Numbered(9)).queue("full");
    let error = soon(dispatch.wait()).await.unwrap_err();
    assert!(
        matches!(error, WaitError::Dispatch(DispatchError::QueueFull { .. })),
        "{error}"
    );
    watch.release(10);
    home.shut_down(evertask).await;
}

fn success(process: ProcessId, started_at: Timestamp) -> AttemptRecord {
    AttemptRecord {
        id: AttemptId(Uuid::now_v7()),
        number: 1,
        process,
        started_at,
        waited: Duration::ZERO,
        ran: Duration::ZERO,
        outcome: AttemptOutcome::Succeeded,
        failure: None,
        is_counted: true,
    }
}

async fn a_task_of_another_process_is_looked_at_now_and_then(home: Home) {
    let (other, session) = home.process().await;
    let clock = StagedClock::new();
    let runtime = builder(&home).clock(clock.clone()).handler(Watch::open());
    let evertask = runtime.start().await.unwrap();
    let record = queued(1, clock.now(), other);
    let id = record.id();
    let mut lease = RowLease::new(&record);
    let insert = Write::Insert(Box::new(NewTask::new(record)));
    let apply = async |write| {
        let writes = vec![write];
        session.apply(&WriteGroup { writes }).await.unwrap();
    };
    apply(insert).await;

    let wait = tokio::spawn({
        let client = evertask.client().clone();
        async move { client.wait_for(id).await }
    });
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        clock.pass(Duration::from_secs(pause)).await;
    }
    clock.asked_for(Duration::from_secs(30)).await;
    assert!(!wait.is_finished());
    let now = clock.now();
    apply(Write::Change(Box::new(lease.start(other, false, now)))).await;
    let complete = lease.complete_with(Some("7".to_owned()), success(other, now), None, now);
    apply(Write::Change(Box::new(complete))).await;
    clock.advance(Duration::from_secs(30));
    let view = soon(wait).await.unwrap().unwrap();
    assert_eq!(view.into_result::<u32>().unwrap(), 7);
    drop(session);
    home.shut_down(evertask).await;
}

async fn a_series_is_waited_for_to_its_end(home: Home) {
    let clock = StagedClock::new();
    let runtime = builder(&home).clock(clock.clone()).handler(Watch::open());
    let evertask = runtime.start().await.unwrap();
    let series = evertask.dispatch(Numbered(1)).every(STEP).max_runs(3);
    let id = series.await.unwrap().id;
    let wait = tokio::spawn({
        let client = evertask.client().clone();
        async move { client.wait_for(id).await }
    });
    for run in 1..3 {
        home.commits(run, crate::series::ends_run).await;
        clock.advance(STEP);
    }
    let view = soon(wait).await.unwrap().unwrap();
    assert_eq!(view.record.state.run_count, 3);
    home.shut_down(evertask).await;
}

async fn a_wait_ends_with_a_shutdown_and_goes_on_after_the_next_start(home: Home) {
    let watch = Watch::held();
    let runtime = || builder(&home).drain(Duration::ZERO).handler(watch.clone());
    let evertask = runtime().start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    event(&mut events, |event| {
        event.kind == evertask::TaskEventKind::Started
    })
    .await;
    let client = evertask.client().clone();
    let (wait, shutdown) =
        soon(async { tokio::join!(client.wait_for(id), evertask.shutdown()) }).await;
    shutdown.unwrap();
    assert!(matches!(wait, Err(WaitError::ShutDown)), "{wait:?}");
    let late = soon(client.wait_for(id)).await;
    assert!(matches!(late, Err(WaitError::ShutDown)), "{late:?}");
    home.shut_down(evertask).await;

    watch.release(10);
    let evertask = runtime().start().await.unwrap();
    let view = soon(evertask.wait_for(id)).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    home.shut_down(evertask).await;
}
