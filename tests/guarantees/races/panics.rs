//! Code of the application runs in places where nobody expects it.

use std::error::Error;
use std::fmt;

use evertask::task::Generation;
use evertask::{
    EverTask, RetryPolicy, Status, Task, TaskContext, TaskError, TaskHandler, TaskResult,
};
use serde::{Deserialize, Serialize};

use super::world::quiet;
use crate::ground::Ground;
use crate::stage::{over, soon, task};
use crate::subscriber;

/// An error that panics when it is printed.
#[derive(Debug)]
struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("can't be printed")
    }
}

impl Error for Unprintable {}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
enum Where {
    Handle,
    Started,
    Completed,
}

impl Task for Where {
    const NAME: &'static str = "races.where";
}

struct Fails;

impl Fails {
    fn at(place: Where, task: Where) -> TaskResult {
        if place == task {
            return Err(TaskError::other(Unprintable));
        }
        Ok(())
    }
}

impl TaskHandler<Where> for Fails {
    async fn handle(&self, task: &Where, _: &TaskContext) -> TaskResult {
        Self::at(Where::Handle, *task)
    }

    async fn on_started(&self, task: &Where, _: &TaskContext) -> TaskResult {
        Self::at(Where::Started, *task)
    }

    async fn on_completed(&self, task: &Where, _: &TaskContext) -> TaskResult {
        Self::at(Where::Completed, *task)
    }
}

async fn ends(place: Where) -> Status {
    // An error of a hook is only ever printed for a log.
    subscriber::install();
    let evertask = EverTask::builder()
        .storage(Ground::memory())
        .handler(Fails)
        .start()
        .await
        .unwrap();
    // From here on a dispatch gets a place, and its row is not claimed.
    quiet(&evertask).await;
    let mut events = evertask.events();
    let id = evertask.dispatch(place).retry(RetryPolicy::None).await;
    over(&mut events, 1).await;
    let view = task(&evertask, id.unwrap().id).await;
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(view.attempts.len(), 1);
    let untouched = view.record.generation < Generation(0).superseded();
    assert!(untouched, "its delivery ended on the way");
    view.record.state.status
}

/// Guarantee 7.
#[actix::test]
async fn an_error_that_can_not_be_printed_is_a_failed_attempt() {
    assert_eq!(ends(Where::Handle).await, Status::Failed);
}

/// Guarantee 7.
#[actix::test]
async fn an_error_of_a_hook_that_can_not_be_printed_changes_nothing() {
    assert_eq!(ends(Where::Started).await, Status::Completed);
    assert_eq!(ends(Where::Completed).await, Status::Completed);
}
