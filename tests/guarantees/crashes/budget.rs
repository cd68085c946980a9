//! Issue must-show 4: an actor that crashes again and again ends the runtime, and nothing else.

use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{
    DispatchError, EverTask, Phase, Provocation, Queue, RuntimeFault, Status, Target, TaskId,
};
use futures::future::join_all;

use crate::ground::Ground;
use crate::stage::{Numbered, Watch, event, soon, status};

const TASKS: u32 = 20;

/// More crashes than an actor may have within its window of 30 seconds.
const TOO_MANY: u64 = 6;

/// Longer than any backoff before a restart; all crashes are well within the window.
const AFTER_BACKOFF: Duration = Duration::from_secs(4);

async fn start(ground: &Ground, watch: &Watch, clock: &ManualClock) -> EverTask {
    let queue = Queue::new(Queue::DEFAULT).parallelism(4).capacity(8);
    EverTask::builder()
        .storage(ground.clone())
        .queue(queue)
        .clock(clock.clone())
        .handler(watch.clone())
        .start()
        .await
        .unwrap()
}

async fn dispatch_all(evertask: &EverTask) -> Vec<TaskId> {
    let dispatches = (0..TASKS).map(|number| evertask.dispatch(Numbered(number)).into_future());
    let stored = soon(join_all(dispatches)).await.into_iter();
    stored.map(|stored| stored.unwrap().id).collect()
}

/// Crashes the actor until it is given up; the first time its panic says something else.
async fn spend_budget(evertask: &EverTask, clock: &ManualClock, target: Target) {
    let before = evertask.crashes();
    for crash in 1..=TOO_MANY {
        let phase = if crash == 1 {
            Phase::Timer
        } else {
            Phase::Message
        };
        evertask.provoke(Provocation::Actor(target, phase));
        soon(evertask.crashed(before + crash)).await;
        clock.advance(AFTER_BACKOFF);
    }
}

async fn give_up(ground: Ground, target: Target, name: &str) {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let held = Watch::held();
    let evertask = start(&ground, &held, &clock).await;
    let ids = dispatch_all(&evertask).await;
    spend_budget(&evertask, &clock, target).await;

    let fault = soon(evertask.stopped()).await.unwrap_err();
    let text = fault.to_string();
    let RuntimeFault::ActorGaveUp { actor, panic } = fault else {
        panic!("{fault:?}");
    };
    assert_eq!(actor.as_str(), name);
    assert_eq!(panic, "provoked: timer", "what the first crash said");
    assert!(text.contains(name) && text.contains(&panic), "{text}");
    let refused = soon(evertask.dispatch(Numbered(TASKS)).into_future()).await;
    assert!(
        matches!(
            refused,
            Err(DispatchError::ShuttingDown | DispatchError::Unknown { .. })
        ),
        "{refused:?}"
    );
    let shutdown = soon(evertask.shutdown()).await;
    assert!(shutdown.is_err(), "{shutdown:?}");
    drop(evertask);
    ground.unused().await;

    let open = Watch::open();
    let evertask = start(&ground, &open, &clock).await;
    everything_completes(&evertask, &open, &ids).await;
    soon(evertask.shutdown()).await.unwrap();
}

async fn everything_completes(evertask: &EverTask, watch: &Watch, ids: &[TaskId]) {
    let mut events = evertask.events();
    for id in ids {
        while status(evertask, *id).await != Status::Completed {
            // Whatever happens next may be what it waits for.
            event(&mut events, |_| true).await;
        }
    }
    let counts = watch.counts();
    assert!(
        (0..TASKS).all(|number| counts.get(&number) == Some(&1)),
        "{counts:?}"
    );
    assert_eq!(watch.overlaps(), [0; 0]);
}

macro_rules! given_up {
    ($($name:ident: $storage:ident, $target:ident, $actor:literal;)+) => {$(
        #[actix::test]
        async fn $name() {
            give_up(Ground::$storage(), Target::$target, $actor).await;
        }
    )+};
}

given_up! {
    a_supervisor_without_restarts_left_ends_the_runtime_on_memory: memory, Supervisor, "supervisor";
    persistence_without_restarts_left_ends_the_runtime_on_memory: memory, Persistence, "persistence";
    a_pool_without_restarts_left_ends_the_runtime_on_memory: memory, Pool, "pool default";
    a_scheduler_without_restarts_left_ends_the_runtime_on_memory: memory, Scheduler, "scheduler";
    a_monitor_without_restarts_left_ends_the_runtime_on_memory: memory, Monitor, "monitor";
    a_supervisor_without_restarts_left_ends_the_runtime_on_sqlite: sqlite, Supervisor, "supervisor";
    persistence_without_restarts_left_ends_the_runtime_on_sqlite: sqlite, Persistence, "persistence";
    a_pool_without_restarts_left_ends_the_runtime_on_sqlite: sqlite, Pool, "pool default";
    a_scheduler_without_restarts_left_ends_the_runtime_on_sqlite: sqlite, Scheduler, "scheduler";
    a_monitor_without_restarts_left_ends_the_runtime_on_sqlite: sqlite, Monitor, "monitor";
}

/// A program that starts anew as soon as it hears of the fault must not leave its tasks behind.
async fn start_right_behind(ground: Ground) {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let held = Watch::held();
    let evertask = start(&ground, &held, &clock).await;
    let ids = dispatch_all(&evertask).await;
    spend_budget(&evertask, &clock, Target::Pool).await;
    soon(evertask.stopped()).await.unwrap_err();

    let open = Watch::open();
    let again = start(&ground, &open, &clock).await;
    everything_completes(&again, &open, &ids).await;
    soon(again.shutdown()).await.unwrap();
}

#[actix::test]
async fn a_start_right_behind_a_fault_runs_what_was_left_on_memory() {
    start_right_behind(Ground::memory()).await;
}

#[actix::test]
async fn a_start_right_behind_a_fault_runs_what_was_left_on_sqlite() {
    start_right_behind(Ground::sqlite()).await;
}

/// The fault of an actor is not blamed on what another one said long before.
#[actix::test]
async fn the_fault_says_what_the_actor_said_that_was_given_up() {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let evertask = start(&Ground::memory(), &Watch::open(), &clock).await;
    evertask.provoke(Provocation::Actor(Target::Monitor, Phase::Future));
    soon(evertask.crashed(1)).await;
    clock.advance(Duration::from_hours(1));
    spend_budget(&evertask, &clock, Target::Pool).await;
    let fault = soon(evertask.stopped()).await.unwrap_err();
    let text = fault.to_string();
    assert!(text.contains("provoked: timer"), "{text}");
    assert!(text.contains("pool default"), "{text}");
}
