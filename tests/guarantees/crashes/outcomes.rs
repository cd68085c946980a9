//! What becomes of outcomes when a handler or one of our actors panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{
    AttemptOutcome, BlockingHandler, EverTask, FailureKind, Phase, Provocation, RetryPolicy,
    Status, Target, Task, TaskContext, TaskEventKind, TaskHandler, TaskResult,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::ground::Ground;
use crate::races::world::quiet;
use crate::stage::{event, over, soon, task};

#[derive(Debug, Deserialize, Serialize)]
struct Bomb;

impl Task for Bomb {
    const NAME: &'static str = "crashes.bomb";
}

struct Explodes;

impl TaskHandler<Bomb> for Explodes {
    async fn handle(&self, _: &Bomb, context: &TaskContext) -> TaskResult {
        panic!("boom {}", context.attempt());
    }
}

impl BlockingHandler<Bomb> for Explodes {
    fn handle(&self, _: &Bomb, context: &TaskContext) -> TaskResult {
        panic!("boom {}", context.attempt());
    }
}

async fn explode(evertask: EverTask) {
    let mut events = evertask.events();
    let retry = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_millis(1),
    };
    let id = evertask.dispatch(Bomb).retry(retry).await.unwrap().id;
    over(&mut events, 1).await;
    let view = task(&evertask, id).await;
    assert_eq!(view.record.state.status, Status::Failed);
    assert_eq!(view.attempts.len(), 2);
    for (attempt, number) in view.attempts.iter().zip(1..) {
        let failure = attempt.failure.as_ref().unwrap();
        assert_eq!(attempt.outcome, AttemptOutcome::Failed);
        assert_eq!(failure.kind, FailureKind::Panicked);
        assert_eq!(failure.text, format!("the handler panicked: boom {number}"));
    }
    let failure = view.record.state.failure.unwrap();
    assert!(failure.text.contains("boom 1") && failure.text.contains("boom 2"));
    assert_eq!(evertask.crashes(), 0, "no actor of ours crashed");
    soon(evertask.shutdown()).await.unwrap();
}

/// Probe 9 of the actor design; guarantee 7.
#[actix::test]
async fn a_panic_of_a_handler_is_a_failed_attempt_with_its_text() {
    let builder = EverTask::builder().storage(Ground::memory());
    explode(builder.handler(Explodes).start().await.unwrap()).await;
    let builder = EverTask::builder().storage(Ground::sqlite());
    explode(builder.handler(Explodes).start().await.unwrap()).await;
}

/// Probe 9 of the actor design; guarantee 7.
#[actix::test]
async fn a_panic_of_a_blocking_handler_is_a_failed_attempt_with_its_text() {
    let builder = EverTask::builder().storage(Ground::memory());
    explode(builder.blocking_handler(Explodes).start().await.unwrap()).await;
}

#[derive(Debug, Deserialize, Serialize)]
struct Calm;

impl Task for Calm {
    const NAME: &'static str = "crashes.calm";
}

/// Returns when it is told to, and tells when its outcome has been posted.
#[derive(Clone, Default)]
struct Poster {
    runs: Arc<AtomicUsize>,
    completed: Arc<AtomicUsize>,
    may_return: Arc<Notify>,
    posted: Arc<Notify>,
}

/// More turns of a thread than a delivery takes from the end of its body to its posted outcome.
const TURNS: usize = 100;

impl TaskHandler<Calm> for Poster {
    async fn handle(&self, _: &Calm, _: &TaskContext) -> TaskResult {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.may_return.notified().await;
        let posted = Arc::clone(&self.posted);
        // There is one thread for handlers, so all that is ready on it gets its turns meanwhile.
        tokio::spawn(async move {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            posted.notify_one();
        });
        Ok(())
    }

    async fn on_completed(&self, _: &Calm, _: &TaskContext) -> TaskResult {
        self.completed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

async fn crash_before_the_flush(ground: Ground) {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let poster = Poster::default();
    let evertask = EverTask::builder()
        .storage(ground)
        .clock(clock.clone())
        .handler_threads(1)
        .handler(poster.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Calm).await.unwrap().id;
    event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    // After its second crash, persistence waits for the clock before it restarts.
    let crash = Provocation::Actor(Target::Persistence, Phase::Message);
    evertask.provoke(crash);
    evertask.provoke(crash);
    soon(evertask.crashed(2)).await;
    poster.may_return.notify_one();
    soon(poster.posted.notified()).await;
    // In its next life it takes the outcome, and crashes before it has begun to flush.
    evertask.provoke(crash);
    clock.advance(Duration::from_secs(1));
    soon(evertask.crashed(3)).await;
    clock.advance(Duration::from_secs(1));
    completed_once(evertask, id, &poster, &mut events).await;
}

async fn completed_once(
    evertask: EverTask,
    id: evertask::TaskId,
    poster: &Poster,
    events: &mut evertask::EventStream,
) {
    event(events, |event| event.kind == TaskEventKind::Completed).await;
    let view = task(&evertask, id).await;
    assert_eq!(view.record.state.status, Status::Completed);
    assert_eq!(view.attempts.len(), 1);
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(poster.runs.load(Ordering::Relaxed), 1);
    assert_eq!(poster.completed.load(Ordering::Relaxed), 1);
    let mut more = Vec::new();
    while let Some(event) = soon(events.next()).await {
        more.push(event);
    }
    assert_eq!(more, [], "it was completed once");
}

/// Probe 10 of the actor design.
#[actix::test]
async fn an_outcome_that_is_posted_when_persistence_crashes_is_stored_once_on_memory() {
    crash_before_the_flush(Ground::memory()).await;
}

/// Probe 10 of the actor design.
#[actix::test]
async fn an_outcome_that_is_posted_when_persistence_crashes_is_stored_once_on_sqlite() {
    crash_before_the_flush(Ground::sqlite()).await;
}

async fn crash_after_the_commit(ground: Ground) {
    let poster = Poster::default();
    let evertask = EverTask::builder()
        .storage(ground)
        .handler(poster.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Calm).await.unwrap().id;
    event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    evertask.provoke(Provocation::AfterCommit);
    poster.may_return.notify_one();
    completed_once(evertask, id, &poster, &mut events).await;
}

/// Architecture, rule 7: a commit whose answer is lost is not applied twice.
#[actix::test]
async fn an_outcome_whose_answer_is_lost_is_stored_once_on_memory() {
    crash_after_the_commit(Ground::memory()).await;
}

/// Architecture, rule 7: a commit whose answer is lost is not applied twice.
#[actix::test]
async fn an_outcome_whose_answer_is_lost_is_stored_once_on_sqlite() {
    crash_after_the_commit(Ground::sqlite()).await;
}

/// A delayed task is known to nobody but the scheduler's alarm.
#[actix::test]
async fn a_scheduler_that_crashes_forgets_no_alarm() {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let evertask = EverTask::builder()
        .storage(Ground::memory())
        .clock(clock.clone())
        .handler(Explodes)
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    // The first look at what is stored is over, and nothing makes the pool look again.
    quiet(&evertask).await;
    let hour = Duration::from_hours(1);
    let delayed = evertask.dispatch(Bomb).retry(RetryPolicy::None).after(hour);
    delayed.await.unwrap();
    evertask.provoke(Provocation::Actor(Target::Scheduler, Phase::Message));
    soon(evertask.crashed(1)).await;
    clock.advance(hour);
    over(&mut events, 1).await;
}
