//! Somebody cancels a task that has a delivery.

use super::{History, RowLease};
use crate::storage::{AuditEntry, RowChange};
use crate::task::{RowState, Status};
use crate::time::Timestamp;

impl RowLease {
    /// Somebody cancelled the task.
    ///
    /// A cancel of theirs may have come first. This generation is one further than what that leaves, so
    /// that this one is not taken for it and told once more.
    pub fn cancel(
        &mut self,
        actor: Option<String>,
        reason: Option<String>,
        now: Timestamp,
    ) -> RowChange {
        let keeps_key = self.keeps_key(now);
        let state = RowState {
            status: Status::Cancelled,
            owner: None,
            available_at: None,
            wait_reason: None,
            on_probation: false,
            failure: None,
            error_fingerprint: None,
            active_key: self.state.active_key.clone().filter(|_| keeps_key),
            next_run_at: None,
            retry_delay: None,
            snooze_reason: None,
            ..self.state.clone()
        };
        let entry = AuditEntry {
            actor,
            reason,
            ..AuditEntry::of(Status::Cancelled, now)
        };
        let history = History {
            audit: Some(entry),
            ..History::default()
        };
        self.move_to(self.generation.superseded().next(), state, history)
    }
}
