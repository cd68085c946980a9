//! No queue ever holds up another.

use std::time::Duration;

use evertask::{EverTask, Queue, Status, WhenFull};

use super::{FREE, Q, Scene, dispatch, queue};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player, settle};
use crate::stage::soon;

on_every_storage_and_server! {
    a_saturated_queue_does_not_hold_up_what_comes_due_in_others,
    neither_a_paused_queue_nor_one_of_endless_handlers_holds_up_others,
}

/// Core acceptance scenario 7 and core edge case 140. A place that becomes free is noticed at once.
async fn a_saturated_queue_does_not_hold_up_what_comes_due_in_others(home: Home) {
    for behaviour in [
        WhenFull::Spill,
        WhenFull::Wait,
        WhenFull::FallbackToDefault,
        WhenFull::Reject,
    ] {
        let scene = Scene::new(home.clone());
        let clock = StagedClock::new();
        let queues = [queue().when_full(behaviour)];
        let builder = scene.builder(queues).clock(clock.clone());
        let evertask = builder.start().await.unwrap();
        scene.opened(&evertask, Q).await;
        let soon_due = Duration::from_millis(700);
        let mut ids = Vec::new();
        for number in 0..2 {
            let task = evertask.dispatch(crate::stage::Numbered(number)).queue(Q);
            ids.push(task.await.unwrap().id);
            scene.diary.says("handle 0.1").await;
        }
        for (number, queue) in [(FREE, Q), (FREE + 1, Queue::DEFAULT)] {
            let task = evertask.dispatch(crate::stage::Numbered(number));
            ids.push(task.queue(queue).after(soon_due).await.unwrap().id);
        }
        settle(&evertask).await;
        clock.advance(soon_due);
        scene.diary.says(&format!("completed {}", FREE + 1)).await;
        settle(&evertask).await;
        assert_eq!(scene.order(), ["0".to_owned(), (FREE + 1).to_string()]);
        scene.release(2);
        scene.diary.says(&format!("completed {FREE}")).await;
        scene.home.shut_down(evertask).await;
        for id in ids {
            assert_eq!(scene.home.status(id).await, Status::Completed);
        }
    }
}

async fn neither_a_paused_queue_nor_one_of_endless_handlers_holds_up_others(home: Home) {
    let diary = Diary::default();
    let endless = Player::new(&diary, |number, _| async move {
        if number < FREE {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let evertask = EverTask::builder()
        .storage(home.clone())
        .queue(Queue::new("endless").parallelism(2).capacity(2))
        .queue(Queue::new("paused").parallelism(2).capacity(2))
        .handler(endless)
        .drain(Duration::ZERO)
        .grace(Duration::ZERO)
        .start()
        .await
        .unwrap();
    soon(evertask.queue("paused").pause().into_future())
        .await
        .unwrap();
    for number in 0..10 {
        let queue = ["endless", "paused"][number as usize % 2];
        dispatch(&evertask, number).queue(queue).await.unwrap();
    }
    diary.counts(2, "handle").await;
    for number in FREE..FREE + 20 {
        dispatch(&evertask, number).await.unwrap();
    }
    home.commits(20, becomes(Status::Completed)).await;
    let entered = diary.count("handle");
    assert_eq!(entered, 22);
    home.shut_down(evertask).await;
}
