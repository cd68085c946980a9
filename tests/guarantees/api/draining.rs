//! A runtime that is shutting down.

use std::sync::mpsc;

use evertask::{
    DispatchError, EverTask, Status, Stored, Task, TaskContext, TaskEventKind, TaskHandler, TaskId,
    TaskResult,
};
use futures::poll;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon, status};

on_each_storage!(
    a_draining_runtime_stores_and_a_stopped_one_does_not,
    waiting_tasks_stay_stored_and_run_after_the_next_start,
    a_shutdown_waits_for_what_has_a_slot_and_no_thread_yet,
);

/// "While draining a dispatch still stores, afterwards `ShuttingDown` and nothing is stored."
async fn a_draining_runtime_stores_and_a_stopped_one_does_not(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Numbered(0)).await.unwrap();
    event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    let mut shutdown = Box::pin(evertask.shutdown());
    // Its message is in the mailbox, before that of the dispatch.
    assert!(poll!(&mut shutdown).is_pending());
    let drained = evertask.dispatch(Numbered(1)).await.unwrap().id;
    assert_eq!(status(&evertask, drained).await, Status::WaitingQueue);
    watch.release(1);
    let report = soon(shutdown).await.unwrap();
    assert_eq!((report.running, report.drained), (1, 1));

    let late = TaskId(Uuid::from_u128(2));
    let error = evertask.dispatch(Numbered(2)).id(late).await.unwrap_err();
    assert!(matches!(error, DispatchError::ShuttingDown), "{error:?}");
    assert_eq!(error.stored(), Stored::No);
    drop(evertask);

    let watch = Watch::open();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    if status(&evertask, drained).await != Status::Completed {
        over(&mut events, 1).await;
    }
    assert_eq!(soon(evertask.task(late)).await.unwrap(), None);
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [1]);
}

async fn waiting_tasks_stay_stored_and_run_after_the_next_start(shelf: Shelf) {
    let watch = Watch::held();
    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    for number in 0..10 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    let (mut queued, mut started) = (0, 0);
    while queued < 10 || started < 4 {
        match event(&mut events, |_| true).await.kind {
            TaskEventKind::Queued => queued += 1,
            TaskEventKind::Started => started += 1,
            _ => {}
        }
    }
    let mut shutdown = Box::pin(evertask.shutdown());
    assert!(poll!(&mut shutdown).is_pending());
    // Answered after the shutdown has begun.
    evertask.dispatch(Numbered(10)).await.unwrap();
    watch.release(4);
    let report = soon(shutdown).await.unwrap();
    assert_eq!(report.drained, 4);
    // A claim that was under way may have brought the last one.
    assert!(matches!(report.given_back, 6 | 7), "{report:?}");
    // Joins the shutdown that is over.
    assert_eq!(soon(evertask.shutdown()).await.unwrap(), report);

    let rest = Watch::held();
    let evertask = shelf.runtime(&rest).start().await.unwrap();
    let mut events = evertask.events();
    rest.release(100);
    over(&mut events, 7).await;
    soon(evertask.shutdown()).await.unwrap();
    let mut order = rest.order();
    order.sort_unstable();
    assert_eq!(order, (4..=10).collect::<Vec<_>>());
}

/// Leaves something behind on the thread of the handlers that blocks it when told to.
struct Blocker(Mutex<Option<Signals>>);

struct Signals {
    begin: oneshot::Receiver<()>,
    blocked: mpsc::Sender<()>,
    end: mpsc::Receiver<()>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Block;

impl Task for Block {
    const NAME: &'static str = "test.block";
}

impl TaskHandler<Block> for Blocker {
    async fn handle(&self, _: &Block, _: &TaskContext) -> TaskResult {
        let signals = self.0.lock().take().unwrap();
        tokio::spawn(async move {
            signals.begin.await.unwrap();
            signals.blocked.send(()).unwrap();
            signals.end.recv().unwrap();
        });
        Ok(())
    }
}

/// Architecture, promise 3: "A task runs twice only if the process or its lease died", and a
/// shutdown is neither.
async fn a_shutdown_waits_for_what_has_a_slot_and_no_thread_yet(shelf: Shelf) {
    let watch = Watch::open();
    let (begin, begins) = oneshot::channel();
    let (blocked, is_blocked) = mpsc::channel();
    let (end, ends) = mpsc::channel();
    let signals = Signals {
        begin: begins,
        blocked,
        end: ends,
    };
    let blocker = Blocker(Mutex::new(Some(signals)));
    let builder = shelf.runtime(&watch).handler(blocker).handler_threads(1);
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Block).await.unwrap();
    over(&mut events, 1).await;
    begin.send(()).unwrap();
    is_blocked.recv().unwrap();
    evertask.dispatch(Numbered(1)).await.unwrap();
    event(&mut events, |event| event.kind == TaskEventKind::Queued).await;
    take_turns(&evertask).await;
    let mut shutdown = Box::pin(evertask.shutdown());
    assert!(poll!(&mut shutdown).is_pending());
    take_turns(&evertask).await;
    assert!(poll!(&mut shutdown).is_pending(), "it does not wait");
    end.send(()).unwrap();
    let report = soon(shutdown).await.unwrap();
    assert!(report.running > 0);
    assert_eq!(report.running, report.drained);

    let evertask = shelf.runtime(&watch).start().await.unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Numbered(2)).await.unwrap();
    over(&mut events, 1).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(watch.order(), [1, 2]);
}

/// Lets the actors do what they have to do: each question is answered in a turn of its own.
async fn take_turns(evertask: &EverTask) {
    for _ in 0..50 {
        soon(evertask.task(TaskId(Uuid::nil()))).await.unwrap();
    }
}
