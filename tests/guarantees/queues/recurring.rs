//! The queue of series.

use std::time::Duration;

use evertask::{Queue, Status, WhenFull};

use super::{FREE, Q, Scene, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::stage::{Numbered, soon};

on_every_storage! {
    a_series_runs_in_the_recurring_queue,
    a_series_is_neither_refused_nor_sent_elsewhere_nor_waited_for,
}

/// Core 2.1 and core edge case 148; what is inherited is tested where it is resolved.
async fn a_series_runs_in_the_recurring_queue(home: Home) {
    let scene = Scene::new(home);
    let default = Queue::new(Queue::DEFAULT).parallelism(3).capacity(7);
    let evertask = scene.builder([default]).start().await.unwrap();
    let hour = Duration::from_hours(1);
    let series = evertask.dispatch(Numbered(FREE)).every(hour).max_runs(1);
    let series = series.await.unwrap().id;
    let named = evertask
        .dispatch(Numbered(FREE + 1))
        .every(hour)
        .max_runs(1);
    let named = named.queue(Queue::DEFAULT).await.unwrap().id;
    scene.home.commits(2, becomes(Status::Completed)).await;
    let recurring = status(&evertask, Queue::RECURRING).await;
    assert_eq!((recurring.parallelism, recurring.capacity), (3, 7));
    scene.home.shut_down(evertask).await;
    let queue_of = async |id| scene.home.row(id).await.definition.queue;
    assert_eq!(queue_of(series).await, Queue::RECURRING);
    assert_eq!(queue_of(named).await, Queue::DEFAULT);
}

/// Core 2.1 and 6: a series goes by the scheduler, also when it is due now.
async fn a_series_is_neither_refused_nor_sent_elsewhere_nor_waited_for(home: Home) {
    for behaviour in [
        WhenFull::Wait,
        WhenFull::FallbackToDefault,
        WhenFull::Reject,
    ] {
        let scene = Scene::new(home.clone());
        let evertask = scene.builder([queue().when_full(behaviour)]).start();
        let evertask = evertask.await.unwrap();
        scene.opened(&evertask, Q).await;
        for number in 0..2 {
            evertask.dispatch(Numbered(number)).queue(Q).await.unwrap();
            scene.diary.says("handle 0.1").await;
        }
        let series = evertask.dispatch(Numbered(FREE)).queue(Q);
        let series = series.every(Duration::from_hours(1)).max_runs(1);
        let id = soon(series.into_future()).await.unwrap().id;
        assert_eq!(scene.home.row(id).await.definition.queue, Q);
        scene.release(2);
        scene.diary.says(&format!("completed {FREE}")).await;
        scene.home.shut_down(evertask).await;
    }
}
