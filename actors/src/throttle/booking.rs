use evertask_core::limit::{OwnedScope, Reply, Scope};
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;

use super::limits::RateLimits;

/// The slot of a task, given up when dropped: nobody else waits for what it will not use.
#[must_use]
#[derive(Debug)]
pub(crate) struct Booking {
    limits: RateLimits,
    id: TaskId,
    pub(crate) slot: Timestamp,
    /// Which of them has no budget before that.
    pub(crate) scope: OwnedScope,
    /// Where it is booked.
    scopes: Vec<OwnedScope>,
}

impl Booking {
    pub(super) fn new(
        limits: &RateLimits,
        id: TaskId,
        slot: Timestamp,
        scope: OwnedScope,
        scopes: Vec<OwnedScope>,
    ) -> Self {
        Self {
            limits: limits.clone(),
            id,
            slot,
            scope,
            scopes,
        }
    }

    /// The limiter has heard of its owner since: there is nothing to give up.
    pub(super) fn redeem(mut self) {
        self.scopes.clear();
    }
}

impl Drop for Booking {
    fn drop(&mut self) {
        if self.scopes.is_empty() {
            return;
        }
        let scopes: Vec<Scope<'_>> = self.scopes.iter().map(OwnedScope::as_scope).collect();
        let now = self.limits.clock.now();
        match self.limits.limiter.release(self.id, &scopes, now) {
            Reply::Ready(_) => {}
            Reply::Pending(answer) => {
                let id = self.id;
                drop(self.limits.threads.spawn(async move {
                    if let Err(error) = answer.await {
                        tracing::warn!(%error, %id, "a slot was not given up");
                    }
                }));
            }
        }
    }
}
