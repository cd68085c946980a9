//! A full queue that spills or refuses.

use evertask::{DispatchError, MemoryStorage, Queue, Status, Stored, WhenFull};

use super::{Q, Scene, dispatch, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::settle;
use crate::one_shot::row::id_of;

on_every_storage_and_server! {
    a_full_queue_that_rejects_names_the_task_and_the_others_run_after_a_restart,
    a_full_queue_that_spills_stores_what_does_not_fit_and_its_caller_goes_on,
}

/// Core acceptance scenario 5 and core edge cases 3 and 136, by the decision on a refused dispatch: no
/// row exists, and the other two complete.
async fn a_full_queue_that_rejects_names_the_task_and_the_others_run_after_a_restart(home: Home) {
    let scene = Scene::new(home);
    let strict = || queue().when_full(WhenFull::Reject);
    let evertask = scene.saturated(strict()).await;
    let error = dispatch(&evertask, 2).queue(Q).await.unwrap_err();
    let DispatchError::QueueFull { queue, id } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((queue.as_str(), *id), (Q, id_of(2)));
    assert_eq!(error.stored(), Stored::No);
    assert_eq!(scene.home.find(id_of(2)).await, None);
    scene.home.shut_down(evertask).await;
    scene.release(2);
    let evertask = scene.builder([strict()]).start().await.unwrap();
    scene.home.commits(2, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.home.find(id_of(2)).await, None);
    assert_eq!(scene.diary.count("completed"), 2);
}

async fn a_full_queue_that_spills_stores_what_does_not_fit_and_its_caller_goes_on(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(queue().when_full(WhenFull::Spill)).await;
    for number in 2..10 {
        dispatch(&evertask, number).queue(Q).await.unwrap();
    }
    settle(&evertask).await;
    let before = status(&evertask, Q).await;
    assert_eq!((before.running, before.ready), (1, 1));
    assert_eq!(before.backlog.count, 8);
    scene.release(10);
    scene.home.commits(10, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
    let in_order: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(scene.order(), in_order);
}

/// The decision on a backlog larger than a queue.
#[actix::test]
async fn by_default_a_full_queue_spills_if_the_storage_is_durable_and_waits_if_not() {
    let scene = Scene::new(Home::sqlite());
    let evertask = scene.builder([Queue::new(Q)]).start().await.unwrap();
    for of_queue in evertask.queues().await.unwrap() {
        assert_eq!(of_queue.when_full, WhenFull::Spill, "{}", of_queue.queue);
    }
    scene.home.shut_down(evertask).await;
    let builder = scene.builder([Queue::new(Q)]).storage(MemoryStorage::new());
    let evertask = builder.start().await.unwrap();
    for of_queue in evertask.queues().await.unwrap() {
        assert_eq!(of_queue.when_full, WhenFull::Wait, "{}", of_queue.queue);
    }
    evertask.shutdown().await.unwrap();
}
