//! A delivery ends before its handler was entered.

use super::{History, RowLease, audited};
use crate::storage::RowChange;
use crate::task::{Failure, ProcessId, RowState, Status, WaitReason};
use crate::time::Timestamp;

impl RowLease {
    /// The delivery ends before its handler was entered: the row is as good as never claimed.
    pub fn release(&mut self, now: Timestamp) -> RowChange {
        let (status, audit) = if self.state.status == Status::Queued {
            let status = Status::WaitingQueue;
            (status, audited(status, None, now))
        } else {
            (self.state.status, History::default())
        };
        let state = RowState {
            status,
            owner: None,
            available_at: Some(self.state.available_at.unwrap_or(now)),
            ..self.state.clone()
        };
        self.move_to(self.generation.superseded(), state, audit)
    }

    /// The row can't run here; it waits, visibly, until the next start looks at it again.
    pub fn wait(
        &mut self,
        owner: ProcessId,
        reason: WaitReason,
        failure: Failure,
        now: Timestamp,
    ) -> RowChange {
        let decoding = u32::from(reason == WaitReason::Undecodable);
        let state = RowState {
            status: Status::WaitingQueue,
            owner: Some(owner),
            wait_reason: Some(reason),
            recovery_failures: self.state.recovery_failures.saturating_add(decoding),
            failure: Some(failure),
            ..self.state.clone()
        };
        self.advance(state, audited(Status::WaitingQueue, None, now))
    }
}
