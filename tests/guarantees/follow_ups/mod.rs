//! Tasks that follow others: stored in the commit of an outcome, or not at all (issue 4, build 5).

mod hook;
mod refusals;

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::{Answer, CancelTask, ChangeAnswer, NewTask, Write, WriteGroup};
use evertask::{
    CancelOutcome, Client, Dispatch, DispatchError, Queue, RetryPolicy, Status, TaskContext,
    TaskError, TaskEventKind, TaskId, WhenFull,
};
use tokio::sync::Semaphore;

use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::session::Fault;
use crate::stage::{Numbered, event, soon};

on_every_storage_and_server! {
    a_success_and_what_follows_it_are_one_write,
    only_the_attempt_that_decides_names_what_follows,
    a_failure_is_followed_by_its_last_resort,
    a_cancelled_task_is_followed_by_nothing,
    a_lost_answer_neither_loses_nor_doubles_what_follows,
    a_superseded_outcome_is_followed_by_nothing,
    what_follows_waits_for_its_delay_and_survives_a_restart,
    a_queue_that_rejects_takes_what_follows,
    what_is_wrong_with_a_follow_up_is_said_at_once,
    a_context_that_outlives_its_attempt_names_nothing,
}

/// The follow-ups of the changes that were applied.
fn follow_ups(home: &Home) -> Vec<NewTask> {
    let committed = home.committed().into_iter();
    let tasks = committed.flat_map(|(write, answer)| match (write, answer) {
        (Write::Change(change), Answer::Change(ChangeAnswer::Applied)) => change.follow_ups,
        _ => Vec::new(),
    });
    tasks.collect()
}

pub(crate) fn has_follow_ups(write: &Write) -> bool {
    matches!(write, Write::Change(change) if !change.follow_ups.is_empty())
}

/// A player whose task 0 is followed by task 1.
fn pair(diary: &Diary) -> Player {
    Player::new(diary, |number, context| async move {
        if number == 0 {
            context.then(Numbered(1))?;
        }
        Ok(())
    })
}

async fn a_success_and_what_follows_it_are_one_write(home: Home) {
    let diary = Diary::default();
    let evertask = pair(&diary).at(&home).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("completed 1").await;
    let told = event(&mut events, |event| {
        event.id != id && event.kind == TaskEventKind::Dispatched
    });
    let told = told.await.id;
    home.shut_down(evertask).await;
    let [follow_up] = &follow_ups(&home)[..] else {
        panic!("{:?}", home.committed());
    };
    let next = follow_up.record.id();
    assert_eq!(next, told);
    let row = home.row(next).await;
    assert_eq!(row.definition.parent_id, Some(id));
    assert_eq!(row.state.status, Status::Completed);
    let audited = [Status::Queued, Status::InProgress, Status::Completed];
    assert_eq!(home.audited(next).await, audited);
    assert_eq!(diary.count("handle 1"), 1);
}

/// Names tasks 10, 20 and 30 for each way an attempt may end, counted by the attempt.
fn name_all(context: &TaskContext) -> Result<(), DispatchError> {
    let attempt = context.attempt();
    context.then(Numbered(10 + attempt))?;
    context.or_else(Numbered(20 + attempt))?;
    context.finally(Numbered(30 + attempt))?;
    Ok(())
}

fn handled(diary: &Diary) -> Vec<String> {
    let mut handled = diary.entries();
    handled.retain(|entry| entry.starts_with("handle"));
    handled.sort();
    handled
}

fn once_more() -> RetryPolicy {
    RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_millis(1),
    }
}

async fn only_the_attempt_that_decides_names_what_follows(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number > 0 {
            return Ok(());
        }
        name_all(&context)?;
        match context.attempt() {
            1 => Err(TaskError::other("not yet")),
            _ => Ok(()),
        }
    });
    let evertask = player.at(&home).start().await.unwrap();
    let task = evertask.dispatch(Numbered(0)).retry(once_more());
    task.await.unwrap();
    diary.says("completed 12").await;
    diary.says("completed 32").await;
    home.shut_down(evertask).await;
    let expected = ["handle 0.1", "handle 0.2", "handle 12.1", "handle 32.1"];
    assert_eq!(handled(&diary), expected);
    assert_eq!(follow_ups(&home).len(), 2);
}

async fn a_failure_is_followed_by_its_last_resort(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number > 0 {
            return Ok(());
        }
        name_all(&context)?;
        assert!(context.attempt() < 2, "a panic is a failure as well");
        Err(TaskError::other("never"))
    });
    let evertask = player.at(&home).start().await.unwrap();
    let task = evertask.dispatch(Numbered(0)).retry(once_more());
    let id = task.await.unwrap().id;
    diary.says("completed 22").await;
    diary.says("completed 32").await;
    home.shut_down(evertask).await;
    let expected = ["handle 0.1", "handle 0.2", "handle 22.1", "handle 32.1"];
    assert_eq!(handled(&diary), expected);
    assert_eq!(follow_ups(&home).len(), 2);
    assert_eq!(home.status(id).await, Status::Failed);
}

async fn a_cancelled_task_is_followed_by_nothing(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, context| async move {
        name_all(&context)?;
        context.cancelled().await;
        Ok(())
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let outcome = evertask.cancel(id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::CancelledWhileRunning);
    diary.counts(1, "error 0").await;
    home.shut_down(evertask).await;
    assert!(
        !home
            .committed()
            .iter()
            .any(|(write, _)| has_follow_ups(write))
    );
    assert_eq!(diary.count("handle"), 1);
}

/// A repeated outcome finds what was stored with it, or stores both.
async fn a_lost_answer_neither_loses_nor_doubles_what_follows(home: Home) {
    let diary = Diary::default();
    let evertask = pair(&diary).at(&home).start().await.unwrap();
    let faults = [
        Fault::LostAfterCommit,
        Fault::LostBeforeCommit,
        Fault::Transient,
    ];
    for (failures, fault) in (1..).zip(faults) {
        home.fail(1, fault, has_follow_ups);
        evertask.dispatch(Numbered(0)).await.unwrap();
        home.failures(failures).await;
    }
    diary.counts(3, "completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(home.faults_left(), 0);
    assert_eq!(diary.count("handle 0"), 3);
    assert_eq!(diary.count("handle 1"), 3);
}

/// Somebody else has written to the row since: the outcome is refused, and what follows it with it.
async fn a_superseded_outcome_is_followed_by_nothing(home: Home) {
    let (gate, diary) = (Arc::new(Semaphore::new(0)), Diary::default());
    let held = Arc::clone(&gate);
    let player = Player::new(&diary, move |number, context| {
        let held = Arc::clone(&held);
        async move {
            if number == 0 {
                context.then(Numbered(1))?;
                held.acquire().await?.forget();
            }
            Ok(())
        }
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("handle 0.1").await;
    let cancel = Write::Cancel(CancelTask {
        id,
        at: home.row(id).await.definition.created_at,
        actor: None,
        reason: None,
    });
    let writes = vec![cancel];
    let reader = home.reader().await;
    reader.apply(&WriteGroup { writes }).await.unwrap();
    gate.add_permits(1);
    // There is one slot.
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Cancelled);
    assert_eq!(follow_ups(&home).len(), 0);
    assert_eq!(diary.count("handle 1"), 0);
}

async fn what_follows_waits_for_its_delay_and_survives_a_restart(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number == 0 {
            let later = Dispatch::new(Numbered(1)).after(Duration::from_hours(1));
            context.then(later)?;
        }
        Ok(())
    });
    let clock = StagedClock::new();
    let evertask = player.at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    home.commits(1, becomes(Status::Completed)).await;
    home.crash(evertask).await;
    let next = follow_ups(&home)[0].record.clone();
    assert_eq!(home.row(next.id()).await, next);
    assert_eq!(next.state.status, Status::WaitingQueue);
    clock.advance(Duration::from_hours(1));
    let evertask = player.at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle 1"), 1);
}

/// An outcome can't be refused because somebody else's queue is full.
async fn a_queue_that_rejects_takes_what_follows(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number == 0 {
            for next in 1..=8 {
                let next = Dispatch::new(Numbered(next)).queue("narrow");
                context.then(next)?;
            }
        }
        Ok(())
    });
    let narrow = Queue::new("narrow").capacity(1);
    let evertask = player.at(&home).queue(narrow.when_full(WhenFull::Reject));
    let evertask = evertask.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.counts(9, "completed").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 9);
}

async fn what_is_wrong_with_a_follow_up_is_said_at_once(home: Home) {
    let diary = Diary::default();
    let pages = diary.clone();
    let player = Player::new(&diary, move |_, context| {
        let pages = pages.clone();
        async move {
            let endless = Dispatch::new(Numbered(1)).every(Duration::ZERO);
            let refused = context.then(endless).unwrap_err();
            assert!(matches!(refused, DispatchError::Series { .. }), "{refused}");
            let long = Dispatch::new(Numbered(1)).tag("x".repeat(201));
            let refused = context.then(long).unwrap_err();
            assert!(
                matches!(refused, DispatchError::OptionTooLong { .. }),
                "{refused}"
            );
            for number in 0..1_000 {
                context.or_else(Numbered(number))?;
            }
            let refused = context.then(Numbered(1)).unwrap_err();
            assert!(
                matches!(refused, DispatchError::TooManyFollowUps { .. }),
                "{refused}"
            );
            pages.note("refused");
            Ok(())
        }
    });
    let evertask = player.at(&home).start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 0").await;
    home.shut_down(evertask).await;
    diary.says("refused").await;
    assert!(
        !home
            .committed()
            .iter()
            .any(|(write, _)| has_follow_ups(write))
    );
}

async fn a_context_that_outlives_its_attempt_names_nothing(home: Home) {
    let (sender, kept) = std::sync::mpsc::channel();
    let diary = Diary::default();
    let player = Player::new(&diary, move |_, context| {
        sender.send(context).ok();
        async { Ok(()) }
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("completed 0").await;
    let context = kept.recv().unwrap();
    let refused = context.then(Numbered(1)).unwrap_err();
    assert!(
        matches!(refused, DispatchError::OutcomeDecided),
        "{refused}"
    );
    assert_eq!(parent_of(&evertask, context.client()).await, Some(id));
    home.shut_down(evertask).await;
}

/// What is dispatched too late can still be dispatched with the client.
async fn parent_of(evertask: &Client, client: &Client) -> Option<TaskId> {
    let late = client.dispatch(Numbered(1)).after(Duration::from_hours(1));
    let late = late.await.unwrap().id;
    let view = soon(evertask.task(late)).await.unwrap().unwrap();
    view.record.definition.parent_id
}
