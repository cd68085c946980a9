//! A claim takes what nobody has, and what it took is run once or let go.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, ClaimedTask, Write};
use evertask::{
    CancelOutcome, EverTask, Phase, Provocation, Queue, RetryPolicy, Status, Target, TaskError,
    TaskEventKind,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player, settle};
use crate::stage::{Numbered, event, soon};

on_every_storage! {
    a_row_on_its_way_to_the_window_is_not_claimed,
    a_running_task_is_not_claimed_and_does_not_block_a_queue_of_one,
    a_row_that_is_claimed_before_its_delivery_has_ended_is_not_forgotten,
    a_task_cancelled_while_it_was_being_claimed_never_runs,
    a_task_cancelled_in_the_window_never_runs,
    a_cancelled_task_is_not_revived_when_it_becomes_due,
}

/// Core edge case 10, as the decisions read it: the row and a claim that could take it commit in one
/// group, before anybody knows of the row.
async fn a_row_on_its_way_to_the_window_is_not_claimed(home: Home) {
    let clock = StagedClock::new();
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 0").await;
    let later = evertask.dispatch(Numbered(1)).after(Duration::from_secs(9));
    later.await.unwrap();

    home.hold();
    let in_flight = evertask.dispatch(Numbered(2)).into_future();
    let with_the_claim = evertask.dispatch(Numbered(3)).into_future();
    let steps = async {
        home.stuck_with(|write| matches!(write, Write::Insert(_)))
            .await;
        settle(&evertask).await;
        clock.advance(Duration::from_secs(9));
        settle(&evertask).await;
        home.release();
    };
    let (first, second, ()) = soon(futures::future::join3(in_flight, with_the_claim, steps)).await;
    first.unwrap();
    let id = second.unwrap().id;
    diary.says("completed 1").await;
    diary.says("completed 3").await;
    home.shut_down(evertask).await;

    let committed = home.committed();
    let place = |picks: &dyn Fn(&Write) -> bool| {
        committed
            .iter()
            .rposition(|(write, _)| picks(write))
            .unwrap()
    };
    let insert =
        place(&|write| matches!(write, Write::Insert(task) if task.record.definition.id == id));
    assert!(
        matches!(committed[insert + 1].0, Write::Claim(_)),
        "the claim was not in the group of the insert"
    );
    assert_eq!(diary.count("handle 3"), 1);
    let statuses = home.audited(id).await;
    assert_eq!(
        statuses,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
}

/// Core edge case 12; the crash of the pool makes it look for rows while one runs.
async fn a_running_task_is_not_claimed_and_does_not_block_a_queue_of_one(home: Home) {
    let diary = Diary::default();
    let gate = Arc::new(Semaphore::new(0));
    let gates = Arc::clone(&gate);
    let player = Player::new(&diary, move |_, _| {
        let gate = Arc::clone(&gates);
        async move {
            gate.acquire().await?.forget();
            Ok(())
        }
    });
    let small = Queue::new("default").parallelism(1).capacity(1);
    let evertask = EverTask::builder()
        .storage(home.clone())
        .queue(small)
        .handler(player.clone())
        .start()
        .await
        .unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("handle 0.1").await;
    for number in 1..6 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    evertask.provoke(Provocation::Actor(Target::Pool, Phase::Message));
    evertask.dispatch(Numbered(6)).await.unwrap();
    gate.add_permits(7);
    home.commits(7, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 7);
    assert_eq!(diary.count("handle 0"), 1);
}

/// Core edge case 12, the other way round: a parked task comes due while its delivery, which has
/// stored that, is kept from ending by a handler that blocks the only thread.
async fn a_row_that_is_claimed_before_its_delivery_has_ended_is_not_forgotten(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let block = Arc::new(Semaphore::new(0));
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let fail = Arc::new(Semaphore::new(0));
    let (notes, gate, failing) = (diary.clone(), Arc::clone(&block), Arc::clone(&fail));
    let player = Player::new(&diary, move |number, context| {
        let (notes, gate, blocked) = (notes.clone(), Arc::clone(&gate), Arc::clone(&blocked));
        let failing = Arc::clone(&failing);
        async move {
            match (number, context.attempt()) {
                (0, 1) => {
                    failing.acquire().await?.forget();
                    return Err(TaskError::other("once"));
                }
                (1, _) => {
                    gate.acquire().await?.forget();
                    notes.note("blocking");
                    blocked.lock().recv()?;
                }
                _ => {}
            }
            Ok(())
        }
    });
    let evertask = player
        .at(&home)
        .queue(Queue::new("wide").parallelism(3))
        .clock(clock.clone())
        .handler_threads(1)
        .start()
        .await
        .unwrap();
    evertask.dispatch(Numbered(1)).queue("wide").await.unwrap();
    diary.says("handle 1.1").await;
    let delay = Duration::from_secs(2);
    let due = evertask.dispatch(Numbered(2)).queue("wide").after(delay);
    due.await.unwrap();
    let policy = RetryPolicy::Linear { retries: 1, delay };
    let parked = evertask.dispatch(Numbered(0)).queue("wide").retry(policy);
    let id = parked.await.unwrap().id;
    let starts = |write: &Write, _: &Answer| {
        matches!(write, Write::Change(change)
            if change.id == id && change.state.status == Status::InProgress)
    };
    home.commits(1, starts).await;
    home.hold();
    fail.add_permits(1);
    let parks = |write: &Write| {
        matches!(write, Write::Change(change)
            if change.state.status == Status::InProgress && change.state.owner.is_none())
    };
    home.stuck_with(parks).await;
    block.add_permits(1);
    diary.says("blocking").await;
    home.release();
    home.commits(1, |write, _| parks(write)).await;
    clock.advance(delay);
    let claims = |_: &Write, answer: &Answer| {
        let is_it = |task: &ClaimedTask| task.record.definition.id == id;
        matches!(answer, Answer::Claim(claimed) if claimed.tasks.iter().any(is_it))
    };
    home.commits(1, claims).await;
    settle(&evertask).await;
    unblock.send(()).unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 0"), 2);
}

/// Core edge case 18: the task ends after it was claimed and before anybody knows that it was.
async fn a_task_cancelled_while_it_was_being_claimed_never_runs(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let delay = Duration::from_secs(5);
    let id = evertask
        .dispatch(Numbered(1))
        .after(delay)
        .await
        .unwrap()
        .id;
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 0").await;
    let claims = |write: &Write| matches!(write, Write::Claim(_));
    home.hold_answers(claims);
    clock.advance(delay);
    home.stuck_with(claims).await;
    assert_eq!(home.status(id).await, Status::Queued);
    let steps = async {
        settle(&evertask).await;
        home.release();
    };
    let (outcome, ()) = soon(futures::future::join(evertask.cancel(id), steps)).await;
    assert_eq!(outcome.unwrap(), CancelOutcome::Cancelled);
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    for entry in ["started 1", "handle 1", "error 1"] {
        assert_eq!(diary.count(entry), 0);
    }
    assert_eq!(home.audited(id).await, [Status::Queued, Status::Cancelled]);
}

/// Core edge case 18, for a task that waits in the window.
async fn a_task_cancelled_in_the_window_never_runs(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number == 0 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = player.at(&home).start().await.unwrap();
    let running = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    event(&mut events, |event| {
        event.id == id && event.kind == TaskEventKind::Queued
    })
    .await;
    assert_eq!(evertask.cancel(id).await.unwrap(), CancelOutcome::Cancelled);
    evertask.cancel(running).await.unwrap();
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 0);
    assert_eq!(home.audited(id).await, [Status::Queued, Status::Cancelled]);
}

/// Core edge case 19.
async fn a_cancelled_task_is_not_revived_when_it_becomes_due(home: Home) {
    let clock = StagedClock::new();
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let delay = Duration::from_secs(5);
    let id = evertask
        .dispatch(Numbered(0))
        .after(delay)
        .await
        .unwrap()
        .id;
    let due = evertask
        .dispatch(Numbered(1))
        .after(delay)
        .await
        .unwrap()
        .id;
    evertask.cancel(id).await.unwrap();
    let before = home.row(id).await;
    clock.advance(delay);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(due).await, Status::Completed);
    assert_eq!(diary.count("handle 0"), 0);
    assert_eq!(home.row(id).await, before);
    assert_eq!(home.audited(id).await, [Status::Cancelled]);
}
