//! Cancelling by key and by filter.

use std::time::Duration;

use evertask::storage::query::TaskFilter;
use evertask::{CancelAll, CancelByKey, CancelOutcome, Dispatch, EverTask, Status, TaskId};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::id_of;
use crate::series::{STEP, ends_run};
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    the_task_that_holds_a_key_is_cancelled,
    a_key_that_nobody_holds_cancels_nothing,
    a_key_held_by_what_is_over_is_answered_so,
    a_series_is_cancelled_by_its_key_and_keeps_it,
    a_filter_cancels_what_it_means_and_nothing_else,
    a_filter_that_names_statuses_means_those_only,
    an_empty_filter_cancels_all_that_is_not_over,
}

const HOUR: Duration = Duration::from_hours(1);

async fn the_task_that_holds_a_key_is_cancelled(home: Home) {
    let diary = Diary::default();
    let evertask = Player::cooperative(&diary).at(&home).start().await.unwrap();
    let waiting = evertask.dispatch(Numbered(1)).key("w").after(HOUR);
    let waiting = waiting.await.unwrap().id;
    let running = evertask.dispatch(Numbered(2)).key("r").await.unwrap().id;
    diary.says("handle 2.1").await;
    let cancel = CancelByKey::new("w").by("ada").because("no longer wanted");
    let cancelled = evertask.supervisor().send(cancel).await.unwrap();
    let cancelled = cancelled.unwrap().unwrap();
    assert_eq!(
        (cancelled.id, cancelled.outcome),
        (waiting, CancelOutcome::Cancelled)
    );
    let entry = home.audit(waiting).await.pop().unwrap();
    assert_eq!(entry.status, Status::Cancelled);
    assert_eq!(entry.actor.as_deref(), Some("ada"));
    assert_eq!(entry.reason.as_deref(), Some("no longer wanted"));
    let cancelled = evertask.cancel_by_key("r").await.unwrap().unwrap();
    assert_eq!(
        (cancelled.id, cancelled.outcome),
        (running, CancelOutcome::CancelledWhileRunning)
    );
    home.shut_down(evertask).await;
    assert_eq!(home.status(running).await, Status::Cancelled);
    assert_eq!(diary.count("handle 1"), 0);
}

async fn a_key_that_nobody_holds_cancels_nothing(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    assert_eq!(evertask.cancel_by_key("k").await.unwrap(), None);
    let id = evertask.dispatch(Numbered(1)).key("k").await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    assert_eq!(evertask.cancel_by_key("k").await.unwrap(), None);
    assert_eq!(evertask.cancel_by_key("K").await.unwrap(), None);
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
}

async fn a_key_held_by_what_is_over_is_answered_so(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).key("k").key_for(HOUR);
    let id = id.await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    let cancelled = evertask.cancel_by_key("k").await.unwrap().unwrap();
    let over = CancelOutcome::AlreadyOver(Status::Completed);
    assert_eq!((cancelled.id, cancelled.outcome), (id, over));
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
}

async fn a_series_is_cancelled_by_its_key_and_keeps_it(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).key("k").every(STEP);
    let id = id.await.unwrap().id;
    home.commits(1, ends_run).await;
    let cancelled = evertask.cancel_by_key("k").await.unwrap().unwrap();
    assert_eq!(
        (cancelled.id, cancelled.outcome),
        (id, CancelOutcome::Cancelled)
    );
    let again = evertask.cancel_by_key("k").await.unwrap().unwrap();
    let over = CancelOutcome::AlreadyOver(Status::Cancelled);
    assert_eq!((again.id, again.outcome), (id, over));
    clock.advance(STEP);
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}

/// A runtime with, all of them tagged, 410 tasks that wait, one that runs, one that is over, a series between
/// two runs and one that is over; and one that waits without the tag.
async fn crowded(home: &Home, diary: &Diary, clock: &StagedClock) -> EverTask {
    let player = Player::new(diary, |number, context| async move {
        if number == 1_000 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = player.at(home).clock(clock.clone()).start().await.unwrap();
    let tagged = |number| Dispatch::new(Numbered(number)).id(id_of(number)).tag("t");
    evertask.send(tagged(1_001)).await.unwrap();
    home.commits(1, becomes(Status::Completed)).await;
    evertask.send(tagged(1_002).every(HOUR)).await.unwrap();
    let over = tagged(1_003).every(HOUR).max_runs(1);
    evertask.send(over).await.unwrap();
    home.commits(2, ends_run).await;
    evertask.send(tagged(1_000)).await.unwrap();
    diary.says("handle 1000.1").await;
    let waiting = (0..410).map(|number| tagged(number).after(HOUR * 2));
    for answer in evertask.dispatch_all(waiting).await.unwrap() {
        answer.unwrap();
    }
    let other = Dispatch::new(Numbered(2_000)).id(id_of(2_000));
    evertask.send(other.after(HOUR * 2)).await.unwrap();
    evertask
}

async fn is_cancelled(home: &Home, id: TaskId) -> bool {
    home.status(id).await == Status::Cancelled
}

async fn a_filter_cancels_what_it_means_and_nothing_else(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let evertask = crowded(&home, &diary, &clock).await;
    let filter = TaskFilter {
        tag: Some("t".to_owned()),
        ..TaskFilter::default()
    };
    let cancel = CancelAll::new(filter.clone()).by("ada").because("moved");
    let report = soon(evertask.supervisor().send(cancel)).await.unwrap();
    let report = report.unwrap();
    assert_eq!((report.cancelled, report.cancelled_while_running), (411, 1));
    assert_eq!(report.already_over, 0);
    for number in [0, 205, 409, 1_000, 1_002] {
        assert!(is_cancelled(&home, id_of(number)).await, "{number}");
        let entry = home.audit(id_of(number)).await.pop().unwrap();
        assert_eq!(entry.actor.as_deref(), Some("ada"));
        assert_eq!(entry.reason.as_deref(), Some("moved"));
    }
    for number in [1_001, 1_003, 2_000] {
        assert!(!is_cancelled(&home, id_of(number)).await, "{number}");
    }
    // What is over is not cancelled again.
    let again = soon(evertask.cancel_all(filter)).await.unwrap();
    assert_eq!(again, evertask::CancelReport::default());
    home.shut_down(evertask).await;
}

async fn a_filter_that_names_statuses_means_those_only(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let evertask = crowded(&home, &diary, &clock).await;
    let of = |statuses: &[Status]| TaskFilter {
        statuses: statuses.to_vec(),
        ..TaskFilter::default()
    };
    let running = soon(evertask.cancel_all(of(&[Status::InProgress]))).await;
    assert_eq!(running.unwrap().cancelled_while_running, 1);
    let over = [Status::Failed, Status::Cancelled];
    let none = soon(evertask.cancel_all(of(&over))).await.unwrap();
    assert_eq!(none, evertask::CancelReport::default());
    assert!(!is_cancelled(&home, id_of(1_002)).await);
    let resting = soon(evertask.cancel_all(of(&[Status::Completed]))).await;
    assert_eq!(resting.unwrap().cancelled, 1);
    assert!(is_cancelled(&home, id_of(1_002)).await);
    assert!(!is_cancelled(&home, id_of(7)).await);
    home.shut_down(evertask).await;
}

async fn an_empty_filter_cancels_all_that_is_not_over(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let evertask = crowded(&home, &diary, &clock).await;
    let report = soon(evertask.cancel_all(TaskFilter::default())).await;
    let report = report.unwrap();
    assert_eq!((report.cancelled, report.cancelled_while_running), (412, 1));
    clock.advance(HOUR * 3);
    evertask.dispatch(Numbered(3_000)).await.unwrap();
    diary.says("completed 3000").await;
    home.shut_down(evertask).await;
    // Four ran before, and one after.
    assert_eq!(diary.count("handle"), 5);
}
