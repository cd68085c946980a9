//! One delivery of a task at a time, from its insert to the end of its last hook.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{
    CancelOutcome, DispatchError, Phase, Provocation, Queue, RetryPolicy, Status, Target,
    TaskError, TaskEventKind, WhenFull,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::clock::StagedClock;
use super::home::{Fault, Home, becomes};
use super::player::{Diary, Player};
use crate::stage::{Numbered, event, soon};

on_every_storage! {
    a_row_on_its_way_to_the_window_is_not_claimed,
    a_running_task_is_not_claimed_and_does_not_block_a_queue_of_one,
    a_delivery_lasts_until_its_hooks_are_done,
    a_row_that_is_claimed_before_its_delivery_has_ended_is_not_forgotten,
    every_way_to_end_gives_back_what_the_delivery_held,
    a_task_starts_after_the_commit_of_its_insert_and_events_follow_their_commit,
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
    let id = second.unwrap();
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

/// Lets the actors work off what they have been sent: each question passes through all of them.
pub(super) async fn settle(evertask: &evertask::EverTask) {
    for _ in 0..32 {
        evertask.task(super::home::id_of(9_999)).await.unwrap();
    }
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
    let evertask = evertask::EverTask::builder()
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

/// Core edge case 13: the slot and the registration are held until the last hook has returned.
async fn a_delivery_lasts_until_its_hooks_are_done(home: Home) {
    let diary = Diary::default();
    let gate = Arc::new(Semaphore::new(0));
    let handler = SlowHooks {
        diary: diary.clone(),
        gate: Arc::clone(&gate),
    };
    let clock = StagedClock::new();
    let evertask = evertask::EverTask::builder()
        .storage(home.clone())
        .clock(clock.clone())
        .drain(Duration::from_secs(7))
        .queue(Queue::new("default").parallelism(1).capacity(5))
        .handler(handler)
        .start()
        .await
        .unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("hook of 0").await;
    assert_eq!(home.status(id).await, Status::Completed);
    evertask.dispatch(Numbered(1)).await.unwrap();
    let again = evertask.dispatch(Numbered(0)).id(id).await.unwrap();
    assert_eq!(again, id);
    let over = CancelOutcome::AlreadyOver(Status::Completed);
    assert_eq!(evertask.cancel(id).await.unwrap(), over);
    gate.add_permits(1);
    diary.says("hook of 1").await;
    let (shutdown, ()) = soon(futures::future::join(evertask.shutdown(), async {
        clock.asked_for(Duration::from_secs(7)).await;
        gate.add_permits(1);
    }))
    .await;
    assert_eq!(shutdown.unwrap().running, 1, "the hook counts as running");
    let order = ["handle 0", "hook of 0", "after hook of 0"];
    let next = ["handle 1", "hook of 1", "after hook of 1"];
    assert_eq!(diary.entries(), [order, next].concat());
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
    let id = parked.await.unwrap();
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
    let claims = |_: &Write, answer: &Answer| match answer {
        Answer::Claim(claimed) => claimed
            .tasks
            .iter()
            .any(|task| task.record.definition.id == id),
        _ => false,
    };
    home.commits(1, claims).await;
    settle(&evertask).await;
    unblock.send(()).unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 0"), 2);
}

struct SlowHooks {
    diary: Diary,
    gate: Arc<Semaphore>,
}

impl evertask::TaskHandler<Numbered> for SlowHooks {
    async fn handle(&self, task: &Numbered, _: &evertask::TaskContext) -> evertask::TaskResult {
        self.diary.note(format!("handle {}", task.0));
        Ok(())
    }

    async fn on_completed(
        &self,
        task: &Numbered,
        _: &evertask::TaskContext,
    ) -> evertask::TaskResult {
        self.diary.note(format!("hook of {}", task.0));
        self.gate.acquire().await?.forget();
        self.diary.note(format!("after hook of {}", task.0));
        Ok(())
    }
}

/// Core edge case 14: the window has room for two, so whatever kept its place or its entry three
/// times would stop it.
async fn every_way_to_end_gives_back_what_the_delivery_held(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        match (number % 10, context.attempt()) {
            (1, _) => Err(TaskError::permanent("broken")),
            (2, _) => panic!("as the test wants"),
            (3 | 4, 1) => Err(TaskError::other("once")),
            (5, _) => {
                context.cancelled().await;
                Ok(())
            }
            _ => Ok(()),
        }
    });
    let clock = StagedClock::new();
    let evertask = evertask::EverTask::builder()
        .storage(home.clone())
        .queue(Queue::new("default").parallelism(1).capacity(1))
        .queue(Queue::new("strict").capacity(1).when_full(WhenFull::Reject))
        .handler(player)
        .clock(clock.clone())
        .patience(Duration::from_millis(1))
        .start()
        .await
        .unwrap();
    let parked = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_secs(2),
    };
    for round in [0, 10, 20] {
        for ending in 0..3 {
            let task = Numbered(round + ending);
            evertask
                .dispatch(task)
                .retry(RetryPolicy::None)
                .await
                .unwrap();
        }
        diary
            .says(&format!(
                "error {}: panicked: the handler panicked: as the test wants",
                round + 2
            ))
            .await;
        evertask.dispatch(Numbered(round + 3)).await.unwrap();
        clock.pass(Duration::from_millis(500)).await;
        diary.says(&format!("completed {}", round + 3)).await;

        let retried = evertask.dispatch(Numbered(round + 4)).retry(parked.clone());
        let retried = retried.await.unwrap();
        let is_parked = |write: &Write, _: &Answer| {
            matches!(write, Write::Change(change) if change.id == retried
                && change.state.status == Status::InProgress && change.state.owner.is_none())
        };
        home.commits(1, is_parked).await;
        clock.advance(Duration::from_secs(2));
        diary.says(&format!("completed {}", round + 4)).await;

        let running = evertask.dispatch(Numbered(round + 5)).await.unwrap();
        diary.says(&format!("handle {}.1", round + 5)).await;
        let waiting = evertask.dispatch(Numbered(round + 6)).await.unwrap();
        let spilled = evertask.dispatch(Numbered(round + 7)).await.unwrap();
        for id in [spilled, waiting] {
            assert_eq!(evertask.cancel(id).await.unwrap(), CancelOutcome::Cancelled);
        }
        let outcome = evertask.cancel(running).await.unwrap();
        assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);

        home.fail(100, Fault::Rejected, |write| {
            matches!(write, Write::Insert(_))
        });
        let refused = evertask.dispatch(Numbered(round + 8)).await.unwrap_err();
        home.recover();
        assert!(
            matches!(refused, DispatchError::Storage { .. }),
            "{refused:?}"
        );
    }
    evertask.dispatch(Numbered(100)).await.unwrap();
    evertask.dispatch(Numbered(110)).await.unwrap();
    diary.says("completed 100").await;
    diary.says("completed 110").await;
    home.shut_down(evertask).await;
    for never in [6, 7, 8] {
        assert_eq!(diary.count(&format!("handle {never}")), 0);
    }
}

/// Core edge case 17, as the decisions read it.
async fn a_task_starts_after_the_commit_of_its_insert_and_events_follow_their_commit(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Numbered(0)).await.unwrap();
    event(&mut events, |event| event.kind == TaskEventKind::Completed).await;

    home.hold();
    let steps = async {
        home.stuck_with(|write| matches!(write, Write::Insert(_)))
            .await;
        settle(&evertask).await;
        assert_eq!(diary.count("handle 1"), 0, "started before its insert");
        home.release();
    };
    let dispatch = evertask.dispatch(Numbered(1)).into_future();
    let (id, ()) = soon(futures::future::join(dispatch, steps)).await;
    let id = id.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&Status::Completed) {
        let event = event(&mut events, |event| event.id == id).await;
        let status = match event.kind {
            TaskEventKind::Queued => Status::Queued,
            TaskEventKind::Started => Status::InProgress,
            TaskEventKind::Completed => Status::Completed,
            TaskEventKind::Dispatched => continue,
            other => panic!("{other:?}"),
        };
        told.push(status);
        let stored = home.audited(id).await;
        assert!(
            stored.starts_with(&told),
            "{told:?} was told, {stored:?} is stored"
        );
    }
    assert_eq!(
        told,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
    home.shut_down(evertask).await;
}

/// Core edge case 18: the task ends after it was claimed and before anybody knows that it was.
async fn a_task_cancelled_while_it_was_being_claimed_never_runs(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let delay = Duration::from_secs(5);
    let id = evertask.dispatch(Numbered(1)).after(delay).await.unwrap();
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
    let running = evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("handle 0.1").await;
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap();
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
    let id = evertask.dispatch(Numbered(0)).after(delay).await.unwrap();
    let due = evertask.dispatch(Numbered(1)).after(delay).await.unwrap();
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
