use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::event::TaskEvent;
use crate::runtime::Lifecycle;

/// Events from the moment it was opened on; ends with the runtime.
///
/// It holds a bounded number of events. A reader that is slower loses the oldest, and the next event
/// says in `missed` how many.
pub struct EventStream(BoxStream<'static, TaskEvent>);

impl EventStream {
    pub(super) fn new(receiver: Receiver<TaskEvent>, lifecycle: Lifecycle) -> Self {
        Self(unfold((receiver, lifecycle), next).boxed())
    }

    /// Waits for the next event; `None` once the runtime has ended.
    pub async fn next(&mut self) -> Option<TaskEvent> {
        self.0.next().await
    }
}

type Source = (Receiver<TaskEvent>, Lifecycle);

async fn next((mut receiver, lifecycle): Source) -> Option<(TaskEvent, Source)> {
    let mut missed = 0;
    loop {
        let event = tokio::select! {
            biased;
            event = receiver.recv() => event,
            _ = lifecycle.ended() => return None,
        };
        match event {
            Ok(event) => return Some((TaskEvent { missed, ..event }, (receiver, lifecycle))),
            Err(RecvError::Lagged(count)) => missed += count,
            Err(RecvError::Closed) => return None,
        }
    }
}

impl Stream for EventStream {
    type Item = TaskEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TaskEvent>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EventStream")
    }
}
