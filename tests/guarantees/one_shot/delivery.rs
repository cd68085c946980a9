//! One delivery of a task at a time, from its insert to the end of its last hook.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::{
    CancelOutcome, DispatchError, Queue, RetryPolicy, Status, TaskError, TaskEventKind, WhenFull,
};
use tokio::sync::Semaphore;

use super::clock::StagedClock;
use super::home::Home;
use super::player::{Diary, Player, settle};
use super::session::Fault;
use crate::stage::{Numbered, event, soon};

on_every_storage! {
    a_delivery_lasts_until_its_hooks_are_done,
    every_way_to_end_gives_back_what_the_delivery_held,
    a_task_starts_after_the_commit_of_its_insert_and_events_follow_their_commit,
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
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("hook of 0").await;
    assert_eq!(home.status(id).await, Status::Completed);
    evertask.dispatch(Numbered(1)).await.unwrap();
    let again = evertask.dispatch(Numbered(0)).id(id).await.unwrap().id;
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
        let retried = retried.await.unwrap().id;
        let is_parked = |write: &Write, _: &Answer| {
            matches!(write, Write::Change(change) if change.id == retried
                && change.state.status == Status::InProgress && change.state.owner.is_none())
        };
        home.commits(1, is_parked).await;
        clock.advance(Duration::from_secs(2));
        diary.says(&format!("completed {}", round + 4)).await;

        let running = evertask.dispatch(Numbered(round + 5)).await.unwrap().id;
        diary.says(&format!("handle {}.1", round + 5)).await;
        let waiting = evertask.dispatch(Numbered(round + 6)).await.unwrap().id;
        let spilled = evertask.dispatch(Numbered(round + 7)).await.unwrap().id;
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
    let id = id.unwrap().id;
    let mut told = Vec::new();
    while told.last() != Some(&Status::Completed) {
        let event = event(&mut events, |event| event.id == id).await;
        let statuses = [
            (TaskEventKind::Queued, Status::Queued),
            (TaskEventKind::Started, Status::InProgress),
            (TaskEventKind::Completed, Status::Completed),
        ];
        let status = statuses.into_iter().find(|(kind, _)| *kind == event.kind);
        told.extend(status.map(|(_, status)| status));
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
