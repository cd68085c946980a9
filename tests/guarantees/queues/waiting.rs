//! A full queue whose callers wait.

use evertask::{
    CancelOutcome, DispatchError, Queue, Status, Stored, TaskContext, TaskHandler, TaskResult,
    WhenFull,
};
use futures::future::join_all;

use super::{FREE, Q, Scene, dispatch, idle, on_its_way, queue, status};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::settle;
use crate::one_shot::row::id_of;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_caller_who_gives_up_leaves_a_task_that_runs,
    callers_are_answered_in_their_order_when_their_tasks_have_a_place,
    a_task_that_is_cancelled_while_its_caller_waits_never_runs,
    a_shutdown_answers_whoever_waits_and_keeps_their_tasks,
    many_more_dispatches_than_fit_right_after_the_start_come_through,
    a_pause_answers_whoever_waits,
}

fn waiting() -> Queue {
    queue().when_full(WhenFull::Wait)
}

/// Core acceptance scenario 6, core edge cases 47 and 48 and core 2.7: the row is not failed and runs
/// without a restart. Until it has a place it is one that waits, as any other in the backlog.
async fn a_caller_who_gives_up_leaves_a_task_that_runs(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(waiting()).await;
    let third = on_its_way(&evertask, 2);
    scene.stored(2).await;
    settle(&evertask).await;
    assert!(!third.is_finished());
    assert_eq!(status(&evertask, Q).await.waiting_callers, 1);
    third.abort();
    assert!(soon(third).await.unwrap_err().is_cancelled());
    settle(&evertask).await;
    assert_eq!(status(&evertask, Q).await.waiting_callers, 0);
    assert_eq!(scene.home.status(id_of(2)).await, Status::WaitingQueue);
    scene.release(3);
    scene.home.commits(3, becomes(Status::Completed)).await;
    let after = idle(&evertask, Q).await;
    assert_eq!((after.ready, after.backlog.count), (0, 0));
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.order(), ["0", "1", "2"]);
}

async fn callers_are_answered_in_their_order_when_their_tasks_have_a_place(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(waiting()).await;
    let mut callers = Vec::new();
    for number in 2..5 {
        callers.push(on_its_way(&evertask, number));
        scene.stored(number).await;
    }
    settle(&evertask).await;
    for number in 2..5 {
        assert!(callers.iter().all(|caller| !caller.is_finished()));
        scene.release(1);
        let id = soon(callers.remove(0)).await.unwrap().unwrap().id;
        assert_eq!(id, id_of(number));
        settle(&evertask).await;
    }
    // There is room now, and nobody waits.
    scene.release(3);
    scene.home.commits(5, becomes(Status::Completed)).await;
    settle(&evertask).await;
    soon(dispatch(&evertask, FREE).queue(Q).into_future())
        .await
        .unwrap();
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.order()[..5], ["0", "1", "2", "3", "4"]);
}

/// Core edge case 79.
async fn a_task_that_is_cancelled_while_its_caller_waits_never_runs(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(waiting()).await;
    let third = on_its_way(&evertask, 2);
    scene.stored(2).await;
    let cancelled = evertask.cancel(id_of(2)).await.unwrap();
    assert_eq!(cancelled, CancelOutcome::Cancelled);
    assert_eq!(soon(third).await.unwrap().unwrap().id, id_of(2));
    scene.release(3);
    scene.home.commits(2, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
    assert_eq!(scene.home.status(id_of(2)).await, Status::Cancelled);
    assert_eq!(scene.order(), ["0", "1"]);
}

async fn a_shutdown_answers_whoever_waits_and_keeps_their_tasks(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(waiting()).await;
    let third = on_its_way(&evertask, 2);
    scene.stored(2).await;
    scene.home.shut_down(evertask).await;
    assert_eq!(soon(third).await.unwrap().unwrap().id, id_of(2));
    assert_eq!(scene.home.status(id_of(2)).await, Status::WaitingQueue);
    scene.release(3);
    let evertask = scene.builder([waiting()]).start().await.unwrap();
    scene.home.commits(3, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

/// Core edge case 147.
async fn many_more_dispatches_than_fit_right_after_the_start_come_through(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.builder([waiting()]).start().await.unwrap();
    let dispatches = (FREE..FREE + 40).map(|number| dispatch(&evertask, number).queue(Q));
    let dispatches = dispatches.map(IntoFuture::into_future);
    for stored in soon(join_all(dispatches)).await {
        stored.unwrap();
    }
    scene.home.commits(40, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

async fn a_pause_answers_whoever_waits(home: Home) {
    let scene = Scene::new(home);
    let evertask = scene.saturated(waiting()).await;
    let third = on_its_way(&evertask, 2);
    scene.stored(2).await;
    soon(evertask.queue(Q).pause().into_future()).await.unwrap();
    assert_eq!(soon(third).await.unwrap().unwrap().id, id_of(2));
    // Nobody knows when it goes on, so nobody waits for it.
    soon(dispatch(&evertask, 3).queue(Q).into_future())
        .await
        .unwrap();
    soon(evertask.queue(Q).resume().into_future())
        .await
        .unwrap();
    scene.release(4);
    scene.home.commits(4, becomes(Status::Completed)).await;
    scene.home.shut_down(evertask).await;
}

#[actix::test]
async fn too_many_callers_are_refused_and_hold_up_no_other_queue() {
    let scene = Scene::new(Home::memory());
    let builder = scene.builder([waiting()]).max_dispatches(1);
    let evertask = builder.start().await.unwrap();
    scene.saturate(&evertask, Q).await;
    let third = on_its_way(&evertask, 2);
    scene.stored(2).await;
    settle(&evertask).await;
    let error = dispatch(&evertask, 3).queue(Q).await.unwrap_err();
    assert!(
        matches!(error, DispatchError::Overloaded { limit: 1 }),
        "{error:?}"
    );
    assert_eq!(error.stored(), Stored::No);
    assert_eq!(scene.home.find(id_of(3)).await, None);
    dispatch(&evertask, FREE).await.unwrap();
    scene.diary.says(&format!("completed {FREE}")).await;
    scene.release(3);
    soon(third).await.unwrap().unwrap();
    scene.home.shut_down(evertask).await;
}

/// Dispatches many tasks into the very queue it runs in.
struct Parent;

impl TaskHandler<Numbered> for Parent {
    async fn handle(&self, task: &Numbered, context: &TaskContext) -> TaskResult {
        if task.0 == 0 {
            for number in 1..10 {
                let child = context.client().dispatch(Numbered(number));
                child.id(id_of(number)).queue(Q).await?;
            }
        }
        Ok(())
    }
}

#[actix::test]
async fn a_handler_never_waits_for_its_own_slot() {
    let home = Home::memory();
    let evertask = evertask::EverTask::builder()
        .storage(home.clone())
        .queue(waiting())
        .handler(Parent)
        .start()
        .await
        .unwrap();
    dispatch(&evertask, 0).queue(Q).await.unwrap();
    home.commits(10, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
}
