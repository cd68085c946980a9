//! A queue that is paused, resumed and drained while tasks are about.

use evertask::storage::{Answer, Write};
use evertask::{Queue, QueueOutcome, Status};

use super::{FREE, Q, Scene, dispatch, idle, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::settle;
use crate::one_shot::row::id_of;
use crate::stage::soon;

on_every_storage_and_server! {
    a_paused_queue_starts_nothing_and_loses_nothing,
    a_pause_survives_a_restart,
    another_process_learns_of_a_pause_when_it_looks,
    a_drain_is_answered_when_what_runs_has_ended,
    a_drain_ends_when_somebody_resumes_the_queue,
}

/// Picks the write that stores a task of the window again.
fn is_given_back(write: &Write, _: &Answer) -> bool {
    matches!(write, Write::Change(change) if change.id == id_of(1) && change.state.owner.is_none())
}

async fn a_paused_queue_starts_nothing_and_loses_nothing(home: Home) {
    let scene = Scene::new(home);
    let queue = Queue::new(Q).parallelism(1).capacity(10);
    let evertask = scene.builder([queue]).start().await.unwrap();
    scene.saturate(&evertask, Q).await;
    dispatch(&evertask, 2).queue(Q).await.unwrap();
    let paused = soon(evertask.queue(Q).pause().into_future()).await.unwrap();
    assert_eq!(paused, QueueOutcome::Changed);
    for number in [1, 2] {
        let state = scene.home.row(id_of(number)).await.state;
        assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    }
    dispatch(&evertask, 3).queue(Q).await.unwrap();
    let before = status(&evertask, Q).await;
    assert!(before.is_paused);
    assert_eq!((before.running, before.ready), (1, 0));
    assert_eq!(before.backlog.count, 3);
    // What runs comes to its end, and nothing follows.
    scene.release(4);
    scene.diary.says("completed 0").await;
    idle(&evertask, Q).await;
    settle(&evertask).await;
    assert_eq!(scene.order(), ["0"]);
    let resumed = soon(evertask.queue(Q).resume().into_future())
        .await
        .unwrap();
    assert_eq!(resumed, QueueOutcome::Changed);
    scene.home.commits(4, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.order(), ["0", "1", "2", "3"]);
}

async fn a_pause_survives_a_restart(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([queue()]).start().await.unwrap();
    evertask.queue(Q).pause().await.unwrap();
    dispatch(&evertask, FREE).queue(Q).await.unwrap();
    scene.home.crash(evertask).await;
    let evertask = scene.builder([queue()]).start().await.unwrap();
    dispatch(&evertask, FREE + 1).queue(Q).await.unwrap();
    dispatch(&evertask, FREE + 2).await.unwrap();
    scene.diary.says(&format!("completed {}", FREE + 2)).await;
    settle(&evertask).await;
    assert!(status(&evertask, Q).await.is_paused);
    assert_eq!(scene.order(), [(FREE + 2).to_string()]);
    evertask.queue(Q).resume().await.unwrap();
    scene.home.commits(3, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

/// Each look at the queues is one of these: a claim, a dispatch a second after the last look, a question
/// for the status.
async fn another_process_learns_of_a_pause_when_it_looks(home: Home) {
    let scene = Scene::new(home);
    let first = scene.builder([queue()]).start().await.unwrap();
    let second = scene.builder([queue()]).start().await.unwrap();
    first.queue(Q).pause().await.unwrap();
    assert!(status(&second, Q).await.is_paused);
    for number in FREE + 1..FREE + 5 {
        dispatch(&second, number).queue(Q).await.unwrap();
        let state = scene.home.row(id_of(number)).await.state;
        assert_eq!((state.status, state.owner), (Status::WaitingQueue, None));
    }
    settle(&second).await;
    assert_eq!(scene.order(), [""; 0]);
    // Resumed by the one, the other goes on, too, as soon as it has a reason to look.
    second.queue(Q).resume().await.unwrap();
    scene.home.commits(4, becomes(Status::Completed)).await;
    assert!(!status(&first, Q).await.is_paused);
    dispatch(&first, FREE + 5).queue(Q).await.unwrap();
    scene.home.commits(5, becomes(Status::Completed)).await;
    soon(first.shutdown()).await.unwrap();
    drop(first);
    scene.home.shut_down(second).await;
}

async fn a_drain_is_answered_when_what_runs_has_ended(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(queue()).await;
    let client = evertask.client().clone();
    let drain = tokio::spawn(async move { client.queue(Q).drain().await });
    // The window is given back before the wait begins.
    scene.home.commits(1, is_given_back).await;
    settle(&evertask).await;
    assert!(!drain.is_finished());
    scene.release(2);
    let drained = soon(drain).await.unwrap().unwrap();
    assert_eq!(drained, QueueOutcome::Drained);
    assert_eq!(scene.home.status(id_of(0)).await, Status::Completed);
    let after = status(&evertask, Q).await;
    assert!(after.is_paused);
    assert_eq!((after.running, after.backlog.count), (0, 1));
    let again = soon(evertask.queue(Q).drain().into_future()).await.unwrap();
    assert_eq!(again, QueueOutcome::Drained);
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.order(), ["0"]);
}

async fn a_drain_ends_when_somebody_resumes_the_queue(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(queue()).await;
    let client = evertask.client().clone();
    let drain = tokio::spawn(async move { client.queue(Q).drain().await });
    scene.home.commits(1, is_given_back).await;
    settle(&evertask).await;
    soon(evertask.queue(Q).resume().into_future())
        .await
        .unwrap();
    let resumed = soon(drain).await.unwrap().unwrap();
    assert_eq!(resumed, QueueOutcome::Resumed);
    scene.release(2);
    scene.home.commits(2, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}
