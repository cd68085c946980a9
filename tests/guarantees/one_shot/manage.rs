//! What somebody does with a task beside cancelling it (issue 4, build 8).

use std::sync::Arc;
use std::time::Duration;

use evertask::time::Clock;
use evertask::{
    AuditLevel, EverTask, ManageOutcome, ManageTask, Refusal, RetryPolicy, Status, TaskError,
    TaskId, TaskResult,
};
use tokio::sync::Semaphore;

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::id_of;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_failed_task_is_retried_under_its_id_with_its_history,
    a_cancelled_task_is_retried_and_not_cancelled_again,
    a_cancelled_delivery_of_another_process_does_not_end_the_new_life,
    a_delayed_task_runs_now,
    a_parked_retry_runs_now_and_stays_a_retry,
    a_delayed_task_is_moved_to_and_fro,
    what_runs_what_is_over_and_what_is_unknown_is_left_alone,
    who_did_it_is_kept_at_every_level,
}

const HOUR: Duration = Duration::from_hours(1);

async fn done(evertask: &EverTask, message: ManageTask) -> ManageOutcome {
    let answer = soon(evertask.supervisor().send(message)).await;
    answer.unwrap().unwrap()
}

/// Fails in the first delivery and succeeds in the next one.
fn better_next_time(diary: &Diary) -> Player {
    let entered = std::sync::atomic::AtomicU32::new(0);
    Player::new(diary, move |_, _| {
        let before = entered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            match before {
                0 => Err(TaskError::permanent("not today")),
                _ => TaskResult::Ok(()),
            }
        }
    })
}

/// Decision "Retry of a terminal task by a person".
async fn a_failed_task_is_retried_under_its_id_with_its_history(home: Home) {
    let diary = Diary::default();
    let evertask = better_next_time(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    home.commits(1, becomes(Status::Failed)).await;
    let retry = ManageTask::retry(id).by("ada").because("it is tomorrow");
    assert_eq!(done(&evertask, retry).await, ManageOutcome::Done);
    diary.says("completed 1").await;
    let again = done(&evertask, ManageTask::retry(id)).await;
    assert_eq!(again, ManageOutcome::Done, "also one that succeeded");
    diary.counts(2, "completed 1").await;
    home.shut_down(evertask).await;
    let row = home.row(id).await;
    assert_eq!(
        (row.state.status, row.state.attempts),
        (Status::Completed, 0)
    );
    assert_eq!(home.attempts(id).await.len(), 3);
    let audit = home.audit(id).await;
    let retried: Vec<_> = audit.iter().filter(|entry| entry.actor.is_some()).collect();
    assert_eq!(retried.len(), 2);
    assert_eq!(retried[0].status, Status::WaitingQueue);
    assert_eq!(retried[0].actor.as_deref(), Some("ada"));
    assert_eq!(retried[0].reason.as_deref(), Some("it is tomorrow"));
    assert_eq!(retried[1].actor.as_deref(), Some("application"));
}

async fn a_cancelled_task_is_retried_and_not_cancelled_again(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    evertask.cancel(id).await.unwrap();
    let retried = done(&evertask, ManageTask::retry(id)).await;
    assert_eq!(retried, ManageOutcome::Done);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
}

/// Runs until the gate is opened, whatever it is told.
fn held(diary: &Diary, gate: &Arc<Semaphore>) -> Player {
    let gate = Arc::clone(gate);
    Player::new(diary, move |_, _| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await?.forget();
            Ok(())
        }
    })
}

/// The process that retries a task knows nothing of a handler that another one has told to stop.
async fn a_cancelled_delivery_of_another_process_does_not_end_the_new_life(home: Home) {
    let (old, new) = (Diary::default(), Diary::default());
    let gates = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let stubborn = held(&old, &gates[0]).at(&home).abort_after(HOUR);
    let first = stubborn.start().await.unwrap();
    let id = first.dispatch(Numbered(1)).await.unwrap().id;
    old.says("handle 1.1").await;
    first.cancel(id).await.unwrap();
    let second = held(&new, &gates[1]).at(&home).start().await.unwrap();
    let retried = done(&second, ManageTask::retry(id)).await;
    assert_eq!(retried, ManageOutcome::Done);
    new.says("handle 1.1").await;
    gates[0].add_permits(1);
    old.has(|said| said.starts_with("error 1")).await;
    assert_ne!(home.status(id).await, Status::Cancelled);
    gates[1].add_permits(1);
    new.says("completed 1").await;
    for evertask in [&first, &second] {
        soon(evertask.shutdown()).await.expect("no fault");
    }
    assert_eq!(home.status(id).await, Status::Completed);
}

async fn a_delayed_task_runs_now(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    let done = done(&evertask, ManageTask::run_now(id)).await;
    assert_eq!(done, ManageOutcome::Done);
    diary.says("completed 1").await;
    // Its old instant means nothing any more.
    clock.advance(HOUR * 2);
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}

async fn a_parked_retry_runs_now_and_stays_a_retry(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::new(&diary, |_, context| async move {
        match context.attempt() {
            1 => Err(TaskError::other("not yet")),
            _ => Ok(()),
        }
    });
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let policy = RetryPolicy::Linear {
        retries: 1,
        delay: HOUR,
    };
    let id = evertask
        .dispatch(Numbered(1))
        .retry(policy)
        .await
        .unwrap()
        .id;
    let parked = |write: &evertask::storage::Write, _: &_| {
        let evertask::storage::Write::Change(change) = write else {
            return false;
        };
        change.state.attempts == 1 && change.state.owner.is_none()
    };
    home.commits(1, parked).await;
    let done = done(&evertask, ManageTask::run_now(id)).await;
    assert_eq!(done, ManageOutcome::Done);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1.2"), 1);
    assert_eq!(diary.count("started 1"), 1);
}

async fn a_delayed_task_is_moved_to_and_fro(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let player = Player::idle(&diary);
    let evertask = player.at(&home).clock(clock.clone()).start().await.unwrap();
    let begun = clock.now();
    let id = evertask.dispatch(Numbered(1)).after(HOUR).await.unwrap().id;
    for hours in [9, 3] {
        let moved = ManageTask::reschedule(id, begun + HOUR * hours);
        assert_eq!(done(&evertask, moved).await, ManageOutcome::Done);
    }
    clock.advance(HOUR * 2);
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    assert_eq!(diary.count("handle 1"), 0);
    clock.advance(HOUR);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    let row = home.row(id).await;
    assert_eq!(row.definition.scheduled_at, Some(begun + HOUR * 3));
    assert_eq!(home.attempts(id).await[0].started_at, begun + HOUR * 3);
}

async fn what_runs_what_is_over_and_what_is_unknown_is_left_alone(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number == 1 {
            context.cancelled().await;
        }
        Ok(())
    });
    let builder = player.at(&home).drain(Duration::ZERO);
    let evertask = builder.start().await.unwrap();
    let over = evertask.dispatch(Numbered(2)).await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    let running = evertask.dispatch(Numbered(1)).await.unwrap().id;
    diary.says("handle 1.1").await;
    home.commits(2, becomes(Status::InProgress)).await;
    let series = evertask.dispatch(Numbered(3)).every(HOUR).await.unwrap().id;
    let all = |id: TaskId| {
        let at = evertask::time::Timestamp::MAX_UTC;
        [
            ManageTask::retry(id),
            ManageTask::run_now(id),
            ManageTask::reschedule(id, at),
        ]
    };
    let refused = ManageOutcome::Refused;
    let cases = [
        (
            running,
            [
                refused(Refusal::NotOver(Status::InProgress)),
                refused(Refusal::InFlight),
                refused(Refusal::InFlight),
            ],
        ),
        (id_of(77), [ManageOutcome::Unknown; 3]),
    ];
    for (id, expected) in cases {
        for (message, expected) in all(id).into_iter().zip(expected) {
            assert_eq!(done(&evertask, message).await, expected);
        }
    }
    let retried = done(&evertask, ManageTask::retry(series)).await;
    assert_eq!(retried, refused(Refusal::IsSeries));
    let [_, now, later] = all(over);
    let is_over = refused(Refusal::IsOver(Status::Completed));
    assert_eq!(done(&evertask, now).await, is_over);
    assert_eq!(done(&evertask, later).await, is_over);
    home.shut_down(evertask).await;
    assert_eq!(home.audit(over).await.len(), 3);
}

async fn who_did_it_is_kept_at_every_level(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    for (number, level) in (0..).zip(AuditLevel::ALL) {
        let task = evertask.dispatch(Numbered(number)).audit(level);
        let id = task.after(HOUR).await.unwrap().id;
        let moved = ManageTask::run_now(id).by("ada");
        assert_eq!(done(&evertask, moved).await, ManageOutcome::Done);
        diary.says(&format!("completed {number}")).await;
        let audit = home.audit(id).await;
        let mut actors = audit.iter().filter_map(|entry| entry.actor.as_deref());
        assert_eq!(
            (actors.next(), actors.next()),
            (Some("ada"), None),
            "{level}"
        );
    }
    home.shut_down(evertask).await;
}
