//! Tasks that somebody pauses and resumes.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{ManageOutcome, Queue, Refusal, Status, TaskEventKind, WaitReason, WhenFull};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player, settle};
use super::row::id_of;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_paused_task_does_not_start_before_it_is_resumed,
    a_task_that_is_resumed_in_time_waits_for_its_time,
    a_paused_task_is_cancelled_like_any_other,
    what_runs_and_what_is_paused_already_is_not_paused,
    a_dispatch_that_waits_for_room_is_answered_when_its_task_is_paused,
}

const HOUR: Duration = Duration::from_hours(1);
const DONE: ManageOutcome = ManageOutcome::Done;

async fn a_paused_task_does_not_start_before_it_is_resumed(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    let paused = evertask.pause(id).by("ada").because("not today").await;
    assert_eq!(paused.unwrap(), DONE);
    let waits = TaskEventKind::Waiting(WaitReason::Paused);
    while soon(events.next()).await.unwrap().kind != waits {}
    home.shut_down(evertask).await;
    // No start and nothing that comes due wakes it.
    clock.advance(HOUR * 2);
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    settle(&evertask).await;
    assert_eq!(diary.count("handle 1"), 0);
    let state = home.row(id).await.state;
    assert_eq!(state.wait_reason, Some(WaitReason::Paused));
    assert_eq!(evertask.resume(id).await.unwrap(), DONE);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    let audit = home.audit(id).await;
    let actors = audit.iter().filter_map(|entry| entry.actor.as_deref());
    assert_eq!(actors.collect::<Vec<_>>(), ["ada", "application"]);
}

async fn a_task_that_is_resumed_in_time_waits_for_its_time(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    assert_eq!(evertask.resume(id).await.unwrap(), DONE);
    settle(&evertask).await;
    assert_eq!(diary.count("handle 1"), 0);
    clock.advance(HOUR);
    diary.says("completed 1").await;
    let again = evertask.resume(id).await.unwrap();
    assert_ne!(again, DONE);
    home.shut_down(evertask).await;
}

async fn a_paused_task_is_cancelled_like_any_other(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    evertask.cancel(id).await.unwrap();
    let over = ManageOutcome::Refused(Refusal::IsOver(Status::Cancelled));
    assert_eq!(evertask.resume(id).await.unwrap(), over);
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!((state.status, state.wait_reason), (Status::Cancelled, None));
}

async fn what_runs_and_what_is_paused_already_is_not_paused(home: Home) {
    let diary = Diary::default();
    let player = Player::cooperative(&diary).at(&home);
    let evertask = player.drain(Duration::ZERO).start().await.unwrap();
    let running = evertask.dispatch(Numbered(1)).await.unwrap().id;
    home.commits(1, becomes(Status::InProgress)).await;
    let refused = ManageOutcome::Refused;
    let paused = evertask.pause(running).await.unwrap();
    assert_eq!(paused, refused(Refusal::InFlight));
    let resumed = evertask.resume(running).await.unwrap();
    assert_eq!(resumed, refused(Refusal::NotPaused));
    let waiting = evertask.dispatch(Numbered(2)).after(HOUR).await.unwrap().id;
    assert_eq!(evertask.pause(waiting).await.unwrap(), DONE);
    let waits = refused(Refusal::Waits(WaitReason::Paused));
    assert_eq!(evertask.pause(waiting).await.unwrap(), waits);
    assert_eq!(evertask.run_now(waiting).await.unwrap(), waits);
    home.shut_down(evertask).await;
}

/// Nobody knows when there will be a place for it.
async fn a_dispatch_that_waits_for_room_is_answered_when_its_task_is_paused(home: Home) {
    let diary = Diary::default();
    let queue = Queue::new("narrow").parallelism(1);
    let queue = queue.capacity(1).when_full(WhenFull::Wait);
    let player = Player::cooperative(&diary).at(&home).queue(queue);
    let evertask = player.drain(Duration::ZERO).start().await.unwrap();
    for number in [1, 2] {
        let task = evertask.dispatch(Numbered(number));
        task.queue("narrow").await.unwrap();
    }
    diary.says("handle 1.1").await;
    let id = id_of(3);
    let client = evertask.client().clone();
    let waits =
        actix::spawn(async move { client.dispatch(Numbered(3)).id(id).queue("narrow").await });
    let stores = |write: &Write, _: &Answer| matches!(write, Write::Insert(_));
    home.commits(3, stores).await;
    assert_eq!(evertask.pause(id).await.unwrap(), DONE);
    let dispatched = soon(waits).await.unwrap().unwrap();
    assert_eq!(dispatched.id, id);
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 3"), 0);
}
