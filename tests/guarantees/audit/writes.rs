//! The audit and the row are one write, and the row says when its task really ran.

use evertask::storage::Write;
use evertask::{Queue, Status};

use super::lines_of;
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::session::Fault;
use crate::series::{STEP, ends_run};
use crate::stage::Numbered;

on_every_storage_and_server! {
    a_start_that_can_not_be_audited_is_not_stored_and_then_once,
    the_last_execution_is_that_of_the_last_run_whatever_comes_after,
    a_task_that_is_given_back_has_not_been_executed,
}

/// Storage scenario S5 and storage edge case 28, as the runtime lives them: what is refused leaves
/// the row as it was, and is written once when it can be.
async fn a_start_that_can_not_be_audited_is_not_stored_and_then_once(home: Home) {
    let starts = |write: &Write| matches!(write, Write::Change(change) if change.state.status == Status::InProgress);
    home.fail(usize::MAX, Fault::Transient, starts);
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    home.failures(3).await;
    assert_eq!(home.status(id).await, Status::Queued);
    assert_eq!(home.audited(id).await, [Status::Queued]);
    home.recover();
    home.commits(1, becomes(Status::InProgress)).await;
    assert_eq!(home.status(id).await, Status::InProgress);
    assert_eq!(lines_of(&home, id, Status::InProgress).await, 1);
    evertask.cancel(id).await.unwrap();
    diary.counts(1, "error").await;
    home.shut_down(evertask).await;
    assert_eq!(lines_of(&home, id, Status::InProgress).await, 1);
}

/// Storage scenario S6, its first half: queued again, started and cancelled, it still says when it
/// ran last. Storage specification 1.6, R1.
async fn the_last_execution_is_that_of_the_last_run_whatever_comes_after(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let runs = std::sync::atomic::AtomicU32::new(0);
    let player = Player::new(&diary, move |_, context| {
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            if run > 0 {
                context.cancelled().await;
            }
            Ok(())
        }
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).every(STEP).await.unwrap().id;
    home.commits(1, ends_run).await;
    let ran = home.row(id).await.state.last_execution_at;
    assert!(ran.is_some());
    clock.advance(STEP);
    home.commits(2, becomes(Status::InProgress)).await;
    assert_eq!(home.row(id).await.state.last_execution_at, ran);
    evertask.cancel(id).await.unwrap();
    diary.counts(1, "error").await;
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(
        (state.status, state.last_execution_at),
        (Status::Cancelled, ran)
    );
}

/// Storage scenario S6, its second half, and storage edge case 39: its place in the window was no
/// execution.
async fn a_task_that_is_given_back_has_not_been_executed(home: Home) {
    let diary = Diary::default();
    let queue = Queue::new("narrow").parallelism(1).capacity(5);
    let evertask = Player::cooperative(&diary).at(&home).queue(queue);
    let evertask = evertask
        .drain(std::time::Duration::ZERO)
        .start()
        .await
        .unwrap();
    let running = evertask.dispatch(Numbered(0)).queue("narrow").await;
    diary.says("handle 0.1").await;
    let next = evertask.dispatch(Numbered(1)).queue("narrow").await;
    let (running, next) = (running.unwrap().id, next.unwrap().id);
    assert_eq!(home.status(next).await, Status::Queued);
    home.shut_down(evertask).await;
    let state = home.row(next).await.state;
    assert_eq!(
        (state.status, state.last_execution_at),
        (Status::WaitingQueue, None)
    );
    assert!(home.row(running).await.state.last_execution_at.is_some());
}
