//! Blocking handlers and asynchronous ones beside each other.

use std::sync::mpsc;

use evertask::{BlockingHandler, Queue, Task, TaskContext, TaskEventKind, TaskOptions, TaskResult};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::shelf::Shelf;
use crate::stage::{Numbered, Watch, event, over, soon};

on_each_storage!(blocking_handlers_in_every_slot_stall_nobody_else);

#[derive(Debug, Serialize, Deserialize)]
struct Compute(u32);

impl Task for Compute {
    const NAME: &'static str = "test.compute";

    fn options() -> TaskOptions {
        TaskOptions::new().queue("compute")
    }
}

/// Blocks its thread until the test lets it go, then dispatches a number.
struct Computer(Mutex<mpsc::Receiver<()>>);

impl BlockingHandler<Compute> for Computer {
    fn handle(&self, task: &Compute, context: &TaskContext) -> TaskResult {
        self.0.lock().recv()?;
        let number = Numbered(task.0);
        context.block_on(async { context.client().dispatch(number).await })?;
        Ok(())
    }
}

/// "Blocking handlers never stall async ones": every blocking slot is taken, on a runtime with a
/// single thread for asynchronous handlers.
async fn blocking_handlers_in_every_slot_stall_nobody_else(shelf: Shelf) {
    const SLOTS: usize = 32;
    let (go, wait) = mpsc::channel();
    let watch = Watch::open();
    let evertask = shelf
        .queues([Queue::new("compute").parallelism(SLOTS).capacity(100)])
        .blocking_handler(Computer(Mutex::new(wait)))
        .handler(watch.clone())
        .handler_threads(1)
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    for number in 0..40 {
        evertask.dispatch(Compute(number)).await.unwrap();
    }
    for _ in 0..SLOTS {
        event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    }
    for number in 100..200 {
        evertask.dispatch(Numbered(number)).await.unwrap();
    }
    over(&mut events, 100).await;
    for _ in 0..40 {
        go.send(()).unwrap();
    }
    over(&mut events, 80).await;
    soon(evertask.shutdown()).await.unwrap();
    let counts = watch.counts();
    assert_eq!(counts.len(), 140);
    assert!(counts.values().all(|count| *count == 1));
}
