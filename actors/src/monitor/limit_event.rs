use std::fmt;

use evertask_core::limit::OwnedScope;
use evertask_core::time::Timestamp;
use futures::stream::{BoxStream, StreamExt};
use tokio::sync::broadcast::Receiver;

use super::broadcast::until_the_end;
use crate::runtime::Lifecycle;

/// Something that a rate limit did in this process.
///
/// What happens again and again in a scope is told at once the first time, and then every half a minute
/// with how often it happened since.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LimitEvent {
    /// Where; of several scopes that failed open together, one.
    pub scope: OwnedScope,
    /// What.
    pub kind: LimitEventKind,
    /// When it is told.
    pub at: Timestamp,
}

/// What a rate limit did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LimitEventKind {
    /// Tasks without budget were told to wait.
    Deferred {
        /// How many, since it was told last.
        count: u64,
        /// The slot of the last of them.
        next_slot: Timestamp,
    },
    /// Tasks were started without being limited, because too many scopes are tracked or because the
    /// limiter failed.
    FailedOpen {
        /// How many, since it was told last.
        count: u64,
    },
    /// Nothing starts for a while.
    Paused {
        /// Until then.
        until: Timestamp,
    },
}

/// What rate limits do from the moment it was opened on; ends with the runtime.
///
/// A reader that is slow loses the oldest events. What is true now is told by
/// [`Client::limits`](crate::Client::limits).
pub struct LimitEvents(BoxStream<'static, LimitEvent>);

impl LimitEvents {
    pub(super) fn new(receiver: Receiver<LimitEvent>, lifecycle: Lifecycle) -> Self {
        Self(until_the_end(receiver, lifecycle))
    }

    /// Waits for the next event; `None` once the runtime has ended.
    pub async fn next(&mut self) -> Option<LimitEvent> {
        self.0.next().await
    }
}

impl fmt::Debug for LimitEvents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LimitEvents")
    }
}
