//! How many handlers of a queue run at once, changed at run time.

use evertask::{Queue, QueueOutcome, Status};

use super::{Q, Scene, dispatch, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::settle;
use crate::stage::soon;

on_every_storage! {
    more_handlers_start_as_soon_as_more_may_run,
    fewer_handlers_run_once_those_that_do_have_ended,
    a_parallelism_survives_a_restart_until_it_is_reset,
}

fn queue() -> Queue {
    Queue::new(Q).parallelism(1).capacity(20)
}

async fn set(evertask: &evertask::EverTask, handlers: u32) -> QueueOutcome {
    let request = evertask.queue(Q).set_parallelism(handlers);
    soon(request.into_future()).await.unwrap()
}

async fn more_handlers_start_as_soon_as_more_may_run(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([queue()]).start().await.unwrap();
    scene.saturate(&evertask, Q).await;
    dispatch(&evertask, 2).queue(Q).await.unwrap();
    settle(&evertask).await;
    assert_eq!(scene.order(), ["0"]);
    assert_eq!(set(&evertask, 3).await, QueueOutcome::Changed);
    scene.diary.counts(3, "handle").await;
    assert_eq!(set(&evertask, 3).await, QueueOutcome::AlreadySo);
    let now = status(&evertask, Q).await;
    assert_eq!((now.parallelism, now.configured_parallelism), (3, 1));
    assert_eq!(now.running, 3);
    scene.release(3);
    scene.home.commits(3, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

async fn fewer_handlers_run_once_those_that_do_have_ended(home: Home) {
    let scene = Scene::new(home);
    let queue = Queue::new(Q).parallelism(3).capacity(20);
    let evertask = scene.builder([queue]).start().await.unwrap();
    for number in 0..6 {
        dispatch(&evertask, number).queue(Q).await.unwrap();
    }
    scene.diary.counts(3, "handle").await;
    set(&evertask, 1).await;
    assert_eq!(status(&evertask, Q).await.running, 3);
    for (ended, entered) in [(1, 3), (2, 3), (3, 4), (4, 5), (5, 6)] {
        scene.release(1);
        scene.home.commits(ended, becomes(Status::Completed)).await;
        scene.diary.counts(entered, "handle").await;
        settle(&evertask).await;
        assert_eq!(scene.order().len(), entered);
    }
    scene.release(1);
    scene.home.commits(6, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

async fn a_parallelism_survives_a_restart_until_it_is_reset(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([queue()]).start().await.unwrap();
    set(&evertask, 2).await;
    scene.home.crash(evertask).await;
    let evertask = scene.builder([queue()]).start().await.unwrap();
    assert_eq!(status(&evertask, Q).await.parallelism, 2);
    for number in 0..3 {
        dispatch(&evertask, number).queue(Q).await.unwrap();
    }
    scene.diary.counts(2, "handle").await;
    let reset = evertask.queue(Q).reset_parallelism();
    soon(reset.into_future()).await.unwrap();
    assert_eq!(status(&evertask, Q).await.parallelism, 1);
    scene.release(3);
    scene.home.commits(3, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}
