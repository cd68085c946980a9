//! A timeout ends an attempt, and the slot is free only when its body has really stopped.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use evertask::{
    BlockingHandler, EverTask, Failure, FailureKind, Queue, RetryPolicy, Status, TaskContext,
    TaskError, TaskResult,
};
use parking_lot::Mutex;

use super::clock::StagedClock;
use super::home::Home;
use super::player::{Diary, NoteOnDrop, Player};
use crate::stage::Numbered;

on_every_storage! {
    a_body_that_cooperates_fails_as_timed_out_and_is_not_retried,
    a_body_that_ignores_its_token_keeps_its_slot_until_it_is_aborted,
    a_blocking_body_that_ignores_its_token_keeps_its_slot_until_it_returns,
    a_timeout_is_that_of_an_attempt_and_the_nearest_one_counts,
}

const LIMIT: Duration = Duration::from_millis(300);
const ABORT_AFTER: Duration = Duration::from_secs(7);

fn limited() -> Queue {
    Queue::new("limited").parallelism(1).timeout(LIMIT)
}

async fn timed_out(home: &Home, id: evertask::TaskId) -> Failure {
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    let failure = state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(failure.text.contains("300ms"), "{failure}");
    failure
}

/// Core acceptance scenario 38, first half.
async fn a_body_that_cooperates_fails_as_timed_out_and_is_not_retried(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::cooperative(&diary);
    let evertask = player.at(&home).queue(limited()).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let id = evertask
        .dispatch(Numbered(0))
        .queue("limited")
        .await
        .unwrap()
        .id;
    clock.pass(LIMIT).await;
    diary.counts(1, "error 0: timed_out").await;
    home.shut_down(evertask).await;
    timed_out(&home, id).await;
    assert_eq!(diary.count("handle"), 1);
    assert_eq!(diary.count("retry"), 0);
    let attempt = home.attempts(id).await.remove(0);
    assert_eq!(attempt.ran, LIMIT);
}

/// Core acceptance scenario 38, second half, and core edge case 134.
async fn a_body_that_ignores_its_token_keeps_its_slot_until_it_is_aborted(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let pages = diary.clone();
    let player = Player::new(&diary, move |number, _| {
        let dropped = NoteOnDrop(pages.clone(), format!("dropped {number}"));
        async move {
            let _dropped = dropped;
            if number == 0 {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let evertask = player
        .at(&home)
        .queue(limited())
        .clock(clock.clone())
        .abort_after(ABORT_AFTER)
        .start()
        .await
        .unwrap();
    let id = evertask
        .dispatch(Numbered(0))
        .queue("limited")
        .await
        .unwrap()
        .id;
    diary.says("handle 0.1").await;
    evertask
        .dispatch(Numbered(1))
        .queue("limited")
        .await
        .unwrap();
    clock.pass(LIMIT).await;
    clock.asked_for(ABORT_AFTER).await;
    // Another queue goes on meanwhile.
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    assert_eq!(diary.count("handle 1"), 0);
    clock.advance(ABORT_AFTER);
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    timed_out(&home, id).await;
    let entries = diary.entries();
    let place = |entry: &str| entries.iter().position(|found| found == entry).unwrap();
    assert!(place("dropped 0") < place("handle 1.1"), "{entries:?}");
}

/// Core acceptance scenario 38, for a body that nothing can abort.
async fn a_blocking_body_that_ignores_its_token_keeps_its_slot_until_it_returns(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let (release, held) = channel();
    let handler = Blocking {
        diary: diary.clone(),
        held: Arc::new(Mutex::new(held)),
    };
    let evertask = EverTask::builder()
        .storage(home.clone())
        .queue(limited())
        .blocking_handler(handler)
        .clock(clock.clone())
        .abort_after(ABORT_AFTER)
        .start()
        .await
        .unwrap();
    let id = evertask
        .dispatch(Numbered(0))
        .queue("limited")
        .await
        .unwrap()
        .id;
    diary.says("handle 0").await;
    let next = evertask
        .dispatch(Numbered(1))
        .queue("limited")
        .await
        .unwrap()
        .id;
    clock.pass(LIMIT).await;
    clock.pass(ABORT_AFTER).await;
    assert_eq!(diary.count("handle 1"), 0);
    assert_eq!(home.attempts(id).await, [], "it has not ended");
    release.send(()).unwrap();
    diary.says("returned 1").await;
    home.shut_down(evertask).await;
    let entries = diary.entries();
    let order = ["handle 0", "returned 0", "handle 1", "returned 1"];
    assert_eq!(entries, order);
    timed_out(&home, id).await;
    assert_eq!(home.status(next).await, Status::Completed);
}

struct Blocking {
    diary: Diary,
    held: Arc<Mutex<Receiver<()>>>,
}

impl BlockingHandler<Numbered> for Blocking {
    fn handle(&self, task: &Numbered, _: &TaskContext) -> TaskResult {
        self.diary.note(format!("handle {}", task.0));
        if task.0 == 0 {
            self.held.lock().recv()?;
        }
        self.diary.note(format!("returned {}", task.0));
        Ok(())
    }
}

/// Core 5.1, 5.4 and core edge cases 124 and 129: the clock begins anew with each attempt, a
/// dispatch overrules its queue, and zero means without limit.
async fn a_timeout_is_that_of_an_attempt_and_the_nearest_one_counts(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::new(&diary, |number, context| async move {
        if number == 0 && context.attempt() < 3 {
            return Err(TaskError::other("not yet"));
        }
        if number == 1 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = player.at(&home).queue(limited()).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let delay = Duration::from_millis(900);
    let policy = RetryPolicy::Linear { retries: 2, delay };
    let task = evertask.dispatch(Numbered(0)).queue("limited");
    let patient = task.retry(policy).await.unwrap().id;
    clock.pass(delay).await;
    clock.pass(delay).await;
    diary.says("completed 0").await;

    let task = evertask.dispatch(Numbered(1)).queue("limited");
    let own = task.timeout(Duration::from_secs(2)).await.unwrap().id;
    diary.says("handle 1.1").await;
    clock.pass(Duration::from_secs(2)).await;
    diary.counts(1, "error 1: timed_out").await;

    let task = evertask.dispatch(Numbered(1)).queue("limited");
    let endless = task.timeout(Duration::ZERO).await.unwrap().id;
    diary.counts(2, "handle 1.1").await;
    clock.advance(Duration::from_hours(1));
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    assert_eq!(home.attempts(endless).await, [], "it still runs");
    evertask.cancel(endless).await.unwrap();
    home.shut_down(evertask).await;
    assert_eq!(home.status(patient).await, Status::Completed);
    let failure = home.row(own).await.state.failure.unwrap();
    assert!(failure.text.contains("2s"), "{failure}");
}
