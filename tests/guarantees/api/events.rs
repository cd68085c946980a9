//! Events: numbered, after the commit, in the order of each task.

use std::collections::HashMap;
use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{
    EventStream, EverTask, Queue, RetryPolicy, Status, Task, TaskContext, TaskError, TaskEvent,
    TaskEventKind, TaskHandler, TaskId, TaskResult,
};
use futures::future::join_all;
use futures::poll;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon, task};

on_each_storage!(
    events_are_numbered_from_one_without_gaps,
    a_burst_that_spills_tells_of_each_task_in_order,
    a_claim_in_the_same_commit_is_told_after_the_insert_it_takes,
    the_row_read_on_an_event_shows_it,
    a_failing_task_tells_of_each_attempt,
    a_cancelled_task_tells_so_last,
    the_count_begins_anew_with_the_runtime,
);

/// Fails as often as it says, then succeeds.
#[derive(Debug, Serialize, Deserialize)]
struct Stumbling(u32);

impl Task for Stumbling {
    const NAME: &'static str = "test.stumbling";
}

struct Stumbler;

impl TaskHandler<Stumbling> for Stumbler {
    async fn handle(&self, task: &Stumbling, context: &TaskContext) -> TaskResult {
        if context.attempt() <= task.0 {
            return Err(TaskError::other(format!("stumbled {}", context.attempt())));
        }
        Ok(())
    }
}

fn retries(retries: u32) -> RetryPolicy {
    let delay = Duration::from_millis(1);
    RetryPolicy::Linear { retries, delay }
}

/// Reads events until that many tasks are over.
async fn until_over(events: &mut EventStream, mut tasks: usize) -> Vec<TaskEvent> {
    let mut seen = Vec::new();
    while tasks > 0 {
        let event = event(events, |_| true).await;
        if matches!(
            event.kind,
            TaskEventKind::Completed | TaskEventKind::Failed(_) | TaskEventKind::Cancelled
        ) {
            tasks -= 1;
        }
        seen.push(event);
    }
    seen
}

fn kinds_of(events: &[TaskEvent], id: TaskId) -> Vec<&TaskEventKind> {
    let own = events.iter().filter(|event| event.id == id);
    own.map(|event| &event.kind).collect()
}

const IN_ORDER: [&TaskEventKind; 4] = [
    &TaskEventKind::Dispatched,
    &TaskEventKind::Queued,
    &TaskEventKind::Started,
    &TaskEventKind::Completed,
];

/// Architecture, Monitor: "turns state and outcomes into typed, numbered events".
async fn events_are_numbered_from_one_without_gaps(shelf: Shelf) {
    let evertask = shelf.runtime(&Watch::open()).start().await.unwrap();
    let mut events = evertask.events();
    for number in 0..50 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    let seen = until_over(&mut events, 50).await;
    let numbers: Vec<_> = seen.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    assert!(seen.iter().all(|event| event.missed == 0));
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(soon(events.next()).await, None, "it ends with the runtime");
}

/// Decision "event numbers": S22, "in order per task". A claim and the insert it takes are often in
/// the same commit here.
async fn a_burst_that_spills_tells_of_each_task_in_order(shelf: Shelf) {
    let queue = Queue::new(Queue::DEFAULT).parallelism(2).capacity(3);
    let watch = Watch::open();
    let runtime = shelf.queues([queue]).handler(watch.clone());
    let evertask = runtime.start().await.unwrap();
    let mut events = evertask.events();
    let dispatches = (0..200).map(|number| evertask.dispatch(Numbered(number)).into_future());
    let (ids, seen) = tokio::join!(join_all(dispatches), until_over(&mut events, 200));
    for id in ids {
        assert_eq!(kinds_of(&seen, id.unwrap().id), IN_ORDER);
    }
    let numbers: Vec<_> = seen.iter().map(|event| event.number).collect();
    assert_eq!(numbers, (1..=800).collect::<Vec<_>>());
    soon(evertask.shutdown()).await.unwrap();
}

/// Decision "event numbers": "in order per task". A storage claims after it has inserted, whatever
/// the order in which the two were asked for.
async fn a_claim_in_the_same_commit_is_told_after_the_insert_it_takes(shelf: Shelf) {
    let hour = Duration::from_hours(1);
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let runtime = shelf.runtime(&Watch::open()).clock(clock.clone());
    let evertask = runtime.start().await.unwrap();
    evertask.dispatch(Numbered(0)).after(hour).await.unwrap();
    let mut events = evertask.events();
    let dispatch = |number| Box::pin(evertask.dispatch(Numbered(number)).into_future());
    shelf.hold();
    // Its insert is held, so that what follows makes the next group: a claim for the task that is
    // due now, and an insert that waits for a claim.
    let mut first = dispatch(1);
    assert!(poll!(&mut first).is_pending());
    take_turns(&evertask).await;
    clock.advance(hour);
    take_turns(&evertask).await;
    let mut second = dispatch(2);
    assert!(poll!(&mut second).is_pending());
    take_turns(&evertask).await;
    shelf.release();
    let ids = [soon(first).await, soon(second).await].map(|stored| stored.unwrap().id);
    let seen = until_over(&mut events, 3).await;
    for id in ids {
        assert_eq!(kinds_of(&seen, id), IN_ORDER);
    }
    soon(evertask.shutdown()).await.unwrap();
}

/// Lets the actors do what they have to do: each question is answered in a turn of its own.
async fn take_turns(evertask: &EverTask) {
    for _ in 0..50 {
        soon(evertask.task(TaskId(uuid::Uuid::nil())))
            .await
            .unwrap();
    }
}

/// Architecture, life of a task, step 6: "after the commit: the event is published".
async fn the_row_read_on_an_event_shows_it(shelf: Shelf) {
    let evertask = shelf
        .runtime(&Watch::open())
        .handler(Stumbler)
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    for number in 0..20 {
        evertask.dispatch(Numbered(number)).await.unwrap();
        let retry = retries(1);
        evertask
            .dispatch(Stumbling(number % 3))
            .retry(retry)
            .await
            .unwrap();
    }
    let mut over = 0;
    while over < 40 {
        let event = event(&mut events, |_| true).await;
        let view = task(&evertask, event.id).await;
        let status = view.record.state.status;
        match event.kind {
            TaskEventKind::Dispatched => {}
            TaskEventKind::Queued => assert_ne!(status, Status::WaitingQueue),
            TaskEventKind::Started => {
                assert!(status == Status::InProgress || status.is_terminal());
            }
            TaskEventKind::AttemptFailed { attempt, failure } => {
                let stored = &view.attempts[attempt as usize - 1];
                assert_eq!((stored.number, &stored.failure), (attempt, &Some(failure)));
            }
            TaskEventKind::Completed => {
                assert_eq!(status, Status::Completed);
                over += 1;
            }
            TaskEventKind::Failed(failure) => {
                assert_eq!(status, Status::Failed);
                assert_eq!(view.record.state.failure, Some(failure));
                over += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    soon(evertask.shutdown()).await.unwrap();
}

async fn a_failing_task_tells_of_each_attempt(shelf: Shelf) {
    let runtime = shelf.queues([]).handler(Stumbler);
    let evertask = runtime.start().await.unwrap();
    let mut events = evertask.events();
    let retry = retries(2);
    let id = evertask
        .dispatch(Stumbling(9))
        .retry(retry)
        .await
        .unwrap()
        .id;
    let seen = until_over(&mut events, 1).await;
    let mut told: Vec<_> = kinds_of(&seen, id).into_iter().map(name_of).collect();
    assert_eq!(told.pop().unwrap().split(':').next(), Some("failed"));
    assert_eq!(
        told,
        [
            "dispatched",
            "queued",
            "started",
            "attempt 1: stumbled 1",
            "attempt 2: stumbled 2",
        ]
    );
    soon(evertask.shutdown()).await.unwrap();
}

fn name_of(kind: &TaskEventKind) -> String {
    match kind {
        TaskEventKind::Dispatched => "dispatched".to_owned(),
        TaskEventKind::Queued => "queued".to_owned(),
        TaskEventKind::Started => "started".to_owned(),
        TaskEventKind::AttemptFailed { attempt, failure } => {
            format!("attempt {attempt}: {}", failure.text)
        }
        TaskEventKind::Failed(failure) => format!("failed: {}", failure.text),
        other => format!("{other:?}"),
    }
}

async fn a_cancelled_task_tells_so_last(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    let running = evertask.dispatch(Numbered(0)).await.unwrap().id;
    event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    let parked = evertask
        .dispatch(Numbered(1))
        .after(Duration::from_hours(1))
        .await
        .unwrap()
        .id;
    soon(evertask.cancel(parked)).await.unwrap();
    soon(evertask.cancel(running)).await.unwrap();
    // The last act of a runtime: what comes of the running handler has been told by then.
    soon(evertask.shutdown()).await.unwrap();
    let mut seen: HashMap<TaskId, Vec<TaskEventKind>> = HashMap::new();
    while let Some(event) = soon(events.next()).await {
        seen.entry(event.id).or_default().push(event.kind);
    }
    assert_eq!(seen[&running], [TaskEventKind::Cancelled]);
    assert_eq!(
        seen[&parked],
        [TaskEventKind::Dispatched, TaskEventKind::Cancelled]
    );
}

/// Decision "event numbers": "restart with the process".
async fn the_count_begins_anew_with_the_runtime(shelf: Shelf) {
    for _ in 0..2 {
        let evertask = shelf.runtime(&Watch::open()).start().await.unwrap();
        let mut events = evertask.events();
        evertask.dispatch(Numbered(0)).await.unwrap();
        let first = event(&mut events, |_| true).await;
        assert_eq!((first.number, first.missed), (1, 0));
        over(&mut events, 1).await;
        soon(evertask.shutdown()).await.unwrap();
    }
}
