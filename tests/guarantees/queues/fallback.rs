//! A full queue whose tasks go to the default one.

use std::time::Duration;

use evertask::{Queue, RetryPolicy, Status, WhenFull};

use super::{FREE, Q, Scene, dispatch, on_its_way, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::settle;
use crate::one_shot::row::id_of;
use crate::stage::soon;

on_every_storage! {
    what_does_not_fit_runs_in_the_default_queue_as_its_own_queue_says,
    a_fallback_to_a_full_default_queue_waits_there,
    a_default_queue_that_falls_back_to_itself_waits,
    what_is_for_a_paused_queue_runs_in_no_other,
}

fn falling_back() -> Queue {
    queue().when_full(WhenFull::FallbackToDefault)
}

fn default() -> Queue {
    Queue::new(Queue::DEFAULT).parallelism(1).capacity(1)
}

/// Core edge case 136 and the end of core 5.1: a task that is sent elsewhere keeps the retry policy and
/// the timeout of the queue it was for.
async fn what_does_not_fit_runs_in_the_default_queue_as_its_own_queue_says(home: Home) {
    let scene = Scene::new(home);
    let minute = Duration::from_mins(1);
    let q = falling_back().retry(RetryPolicy::None).timeout(minute);
    let default = default().timeout(Duration::from_secs(1));
    let evertask = scene.builder([q, default]).start().await.unwrap();
    scene.opened(&evertask, Queue::DEFAULT).await;
    scene.saturate(&evertask, Q).await;
    soon(dispatch(&evertask, FREE).queue(Q).into_future())
        .await
        .unwrap();
    scene.diary.says(&format!("completed {FREE}")).await;
    let row = scene.home.row(id_of(FREE)).await.definition;
    assert_eq!(row.queue, Queue::DEFAULT);
    assert_eq!(row.retry, Some(RetryPolicy::None));
    assert_eq!(row.timeout, Some(minute));
    assert_eq!(scene.home.row(id_of(1)).await.definition.queue, Q);
    scene.release(2);
    scene.home.shut_down(evertask).await;
}

async fn a_fallback_to_a_full_default_queue_waits_there(home: Home) {
    let scene = Scene::new(home);
    // Whatever the default queue itself does when it is full.
    let strict = default().when_full(WhenFull::Reject);
    let evertask = scene
        .builder([falling_back(), strict])
        .start()
        .await
        .unwrap();
    scene.opened(&evertask, Queue::DEFAULT).await;
    scene.saturate(&evertask, Q).await;
    for number in 2..4 {
        dispatch(&evertask, number).await.unwrap();
        scene.diary.says("handle 2.1").await;
    }
    let fifth = on_its_way(&evertask, 4);
    scene.stored(4).await;
    settle(&evertask).await;
    assert!(!fifth.is_finished());
    assert_eq!(status(&evertask, Queue::DEFAULT).await.waiting_callers, 1);
    scene.release(5);
    assert_eq!(soon(fifth).await.unwrap().unwrap().id, id_of(4));
    scene.home.commits(5, becomes(Status::Completed)).await;
    assert_eq!(
        scene.home.row(id_of(4)).await.definition.queue,
        Queue::DEFAULT
    );
    scene.home.shut_down(evertask).await;
}

/// Core edge case 137.
async fn a_default_queue_that_falls_back_to_itself_waits(home: Home) {
    let scene = Scene::new(home);
    let default = default().when_full(WhenFull::FallbackToDefault);
    let evertask = scene.builder([default]).start().await.unwrap();
    scene.saturate(&evertask, Queue::DEFAULT).await;
    let client = evertask.client().clone();
    let third = tokio::spawn(async move {
        let third = client.dispatch(crate::stage::Numbered(2)).id(id_of(2));
        third.await
    });
    scene.stored(2).await;
    settle(&evertask).await;
    assert!(!third.is_finished());
    scene.release(3);
    soon(third).await.unwrap().unwrap();
    scene.home.commits(3, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

async fn what_is_for_a_paused_queue_runs_in_no_other(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([falling_back()]).start().await.unwrap();
    scene.saturate(&evertask, Q).await;
    soon(evertask.queue(Q).pause().into_future()).await.unwrap();
    for number in FREE..FREE + 5 {
        dispatch(&evertask, number).queue(Q).await.unwrap();
        assert_eq!(scene.home.row(id_of(number)).await.definition.queue, Q);
    }
    scene.release(2);
    scene.home.shut_down(evertask).await;
}
