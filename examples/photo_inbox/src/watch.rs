//! Waits for tasks to change instead of asking again and again.
//!
//! The order matters: subscribe first, then read, then wait. An event that comes between the
//! reading and the waiting is in the stream already, so no change is slept through.

use std::time::Duration;

use evertask::{Client, EventStream, RequestError, TaskId, TaskView};
use tokio::time::{Instant, timeout_at};

/// A bounded wait for changes.
#[derive(Debug)]
pub(crate) struct Watch {
    events: EventStream,
    until: Instant,
}

impl Watch {
    /// Begins to notice changes, for that long.
    pub(crate) fn open(client: &Client, wait: Duration) -> Self {
        Self {
            events: client.events(),
            until: Instant::now() + wait,
        }
    }

    /// Waits until something happens to the task, or to any; `false` if the time is over first.
    pub(crate) async fn changed(&mut self, id: Option<TaskId>) -> bool {
        loop {
            let Ok(Some(event)) = timeout_at(self.until, self.events.next()).await else {
                return false;
            };
            // What was missed may have been about it.
            if event.missed > 0 || id.is_none_or(|id| id == event.id) {
                return true;
            }
        }
    }
}

/// Waits until a task is over, for that long, and answers it as it is then.
///
/// # Errors
///
/// Fails if the task can't be read.
pub(crate) async fn until_over(
    client: &Client,
    id: TaskId,
    wait: Duration,
) -> Result<Option<TaskView>, RequestError> {
    let mut watch = Watch::open(client, wait);
    loop {
        let task = client.task(id).await?;
        let is_over = task
            .as_ref()
            .is_none_or(|task| task.record.state.status.is_terminal());
        if is_over || !watch.changed(Some(id)).await {
            return Ok(task);
        }
    }
}
