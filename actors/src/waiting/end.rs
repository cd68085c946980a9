use std::time::Duration;

use evertask_core::task::TaskId;
use evertask_core::time::Clock;
use tokio::sync::SemaphorePermit;

use super::ends::{Ends, Waiter};
use super::error::WaitError;
use crate::runtime::{Client, Lifecycle};
use crate::supervisor::TaskView;

/// The times between two looks at a task that is not in this process: doubling up to a limit.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Waits until a task is over and answers it as it is then.
///
/// An outage that begins meanwhile is waited out: who has no time for it has a timeout around this.
pub(crate) async fn wait_for(
    id: TaskId,
    client: &Client,
    ends: &Ends,
    lifecycle: &Lifecycle,
    clock: &dyn Clock,
) -> Result<TaskView, WaitError> {
    // Opened before the task is read: if it ends in between, that is noticed.
    let (waiter, mut told) = ends.open(id);
    let mut looks = Looks::new(&waiter, clock);
    let mut read = client.task(id).await;
    if let (Err(error), false) = (&read, lifecycle.has_ended()) {
        return Err(error.clone().into());
    }
    loop {
        match read {
            Ok(Some(view)) if view.is_over() => return Ok(view),
            Ok(Some(_)) => {}
            Ok(None) => return Err(WaitError::Unknown),
            Err(error) => tracing::debug!(%error, %id, "a task that is waited for can't be read"),
        }
        let turn = tokio::select! {
            biased;
            // The sender is there for as long as the waiter is.
            _ = told.changed() => None,
            ended = lifecycle.ended() => {
                return Err(ended.map_or_else(WaitError::Fault, |_| WaitError::ShutDown));
            }
            turn = looks.next() => turn,
        };
        read = client.task(id).await;
        drop(turn);
    }
}

/// When to look at a task whose end would not be told.
struct Looks<'a> {
    waiter: &'a Waiter,
    clock: &'a dyn Clock,
    pause: Duration,
}

impl<'a> Looks<'a> {
    fn new(waiter: &'a Waiter, clock: &'a dyn Clock) -> Self {
        Self {
            waiter,
            clock,
            pause: FIRST_LOOK,
        }
    }

    /// Waits until it is time for the next look and this waiter's turn.
    async fn next(&mut self) -> Option<SemaphorePermit<'a>> {
        loop {
            self.clock.sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            if !self.waiter.is_here() {
                // It is never closed.
                return self.waiter.turn().acquire().await.ok();
            }
        }
    }
}
