use std::fmt;

use evertask_core::storage::QueueSettings;
use evertask_core::time::Timestamp;
use futures::stream::{BoxStream, StreamExt};
use tokio::sync::broadcast::Receiver;

use super::broadcast::until_the_end;
use crate::runtime::Lifecycle;

/// Something that was decided about a queue, by this process or by another one, and is in force here.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEvent {
    /// The queue.
    pub queue: String,
    /// What is different now.
    pub kind: QueueEventKind,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked for it, if known.
    pub actor: Option<String>,
    /// Why, if said.
    pub reason: Option<String>,
}

/// What is different about a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QueueEventKind {
    /// Nothing of it is started any more.
    Paused,
    /// It goes on.
    Resumed,
    /// So many of its handlers run at once in this process.
    ParallelismChanged(usize),
}

impl QueueEvent {
    /// What happened when these settings came into force.
    pub(crate) fn of(settings: &QueueSettings, kind: QueueEventKind) -> Self {
        Self {
            queue: settings.queue.clone(),
            kind,
            at: settings.changed_at,
            actor: settings.actor.clone(),
            reason: settings.reason.clone(),
        }
    }
}

/// What is decided about queues from the moment it was opened on; ends with the runtime.
///
/// A reader that is slow loses the oldest events. What is true of a queue now is told by its
/// [status](crate::QueueStatus).
pub struct QueueEvents(BoxStream<'static, QueueEvent>);

impl QueueEvents {
    pub(super) fn new(receiver: Receiver<QueueEvent>, lifecycle: Lifecycle) -> Self {
        Self(until_the_end(receiver, lifecycle))
    }

    /// Waits for the next event; `None` once the runtime has ended.
    pub async fn next(&mut self) -> Option<QueueEvent> {
        self.0.next().await
    }
}

impl fmt::Debug for QueueEvents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("QueueEvents")
    }
}
