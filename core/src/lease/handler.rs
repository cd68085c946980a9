//! A handler is entered and works.

use super::{History, RowLease, audited};
use crate::storage::RowChange;
use crate::task::{ProcessId, Progress, RowState, Status};
use crate::time::Timestamp;

impl RowLease {
    /// A handler is about to be entered.
    ///
    /// `alone` says that it was interrupted by a crash and runs alone, on probation. A delivery that
    /// returns for a later attempt is in progress already, and its audit does not say so again.
    pub fn start(&mut self, owner: ProcessId, alone: bool, now: Timestamp) -> RowChange {
        let state = RowState {
            status: Status::InProgress,
            owner: Some(owner),
            on_probation: alone,
            recovery_failures: 0,
            failure: None,
            error_fingerprint: None,
            start_by: None,
            snooze_reason: None,
            progress: None,
            ..self.state.clone()
        };
        self.advance(state, audited(Status::InProgress, None, now))
    }

    /// A handler that ran alone has outlived its probation: it is not what killed the process.
    pub fn outlive_probation(&mut self) -> RowChange {
        let state = RowState {
            on_probation: false,
            interruptions: 0,
            ..self.state.clone()
        };
        self.advance(state, History::default())
    }

    /// The handler says how far it has come.
    pub fn report(&mut self, progress: Progress) -> RowChange {
        self.note_progress(progress);
        self.advance(self.state.clone(), History::default())
    }

    /// The handler says how far it has come; the next write takes it along.
    pub fn note_progress(&mut self, progress: Progress) {
        self.state.progress = Some(progress);
        self.has_progressed = true;
    }
}
