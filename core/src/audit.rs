//! How much of a task's history is kept.
//!
//! The row of a task says the same at every level; a level decides only which lines of history are
//! written beside it. These functions are the one place where that is decided. A write carries
//! everything that happened, because it is told to subscribers at every level; a storage keeps what
//! [`RowChange::kept_audit`](crate::storage::RowChange::kept_audit) and its siblings leave of it.
//! What a person did is always kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::task::{AttemptOutcome, Failure, FailureKind, Status};

/// Which lines of history a task leaves (storage specification, section 3).
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditLevel {
    /// Every change of status, every run and every attempt. The default.
    #[default]
    Full,
    /// Every run and every attempt, and changes of status that are errors.
    Minimal,
    /// Only what went wrong.
    ErrorsOnly,
    /// Nothing.
    None,
}

impl AuditLevel {
    /// Every level, from the most to the least that is kept.
    pub const ALL: [Self; 4] = [Self::Full, Self::Minimal, Self::ErrorsOnly, Self::None];

    /// The number under which the level is stored.
    pub fn number(self) -> i32 {
        match self {
            Self::Full => 0,
            Self::Minimal => 1,
            Self::ErrorsOnly => 2,
            Self::None => 3,
        }
    }

    /// Reads a stored number; one that this version does not know keeps everything.
    pub fn from_number(number: i64) -> Self {
        match number {
            1 => Self::Minimal,
            2 => Self::ErrorsOnly,
            3 => Self::None,
            _ => Self::Full,
        }
    }

    /// Whether a change of status gets a line.
    pub fn keeps_status(self, status: Status, failure: Option<&Failure>) -> bool {
        match self {
            Self::Full => true,
            Self::Minimal | Self::ErrorsOnly => is_error(status, failure),
            Self::None => false,
        }
    }

    /// Whether a run of a series gets a row.
    pub fn keeps_run(self, status: Status, failure: Option<&Failure>) -> bool {
        match self {
            Self::Full | Self::Minimal => true,
            Self::ErrorsOnly => failure.is_some() || status == Status::Failed,
            Self::None => false,
        }
    }

    /// Whether statistics count the runs of the task: not if its failures alone are kept, or it would
    /// seem to fail always.
    pub fn counts_runs(self) -> bool {
        self.keeps_attempt(AttemptOutcome::Succeeded)
    }

    /// Whether an attempt gets a row: one that was cancelled or stopped is no error.
    pub fn keeps_attempt(self, outcome: AttemptOutcome) -> bool {
        match self {
            Self::Full | Self::Minimal => true,
            Self::ErrorsOnly => outcome == AttemptOutcome::Failed,
            Self::None => false,
        }
    }
}

impl fmt::Display for AuditLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full => "full",
            Self::Minimal => "minimal",
            Self::ErrorsOnly => "errors_only",
            Self::None => "none",
        })
    }
}

/// A failure without a text is one all the same; a stop that was asked for is none.
fn is_error(status: Status, failure: Option<&Failure>) -> bool {
    let was_told_to =
        |failure: &Failure| matches!(failure.kind, FailureKind::Stopped | FailureKind::Cancelled);
    match status {
        Status::Failed => true,
        Status::ServiceStopped => failure.is_some_and(|failure| !was_told_to(failure)),
        Status::WaitingQueue
        | Status::Queued
        | Status::InProgress
        | Status::Completed
        | Status::Cancelled => failure.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept_statuses(status: Status, failure: Option<FailureKind>) -> [bool; 4] {
        let failure = failure.map(|kind| Failure::new(kind, "it broke"));
        AuditLevel::ALL.map(|level| level.keeps_status(status, failure.as_ref()))
    }

    /// Storage specification, table 3.2.
    #[test]
    fn each_level_keeps_the_changes_of_status_it_should() {
        let quiet = [true, false, false, false];
        let error = [true, true, true, false];
        for status in [
            Status::WaitingQueue,
            Status::Queued,
            Status::InProgress,
            Status::Completed,
            Status::Cancelled,
        ] {
            assert_eq!(kept_statuses(status, None), quiet, "{status}");
        }
        assert_eq!(
            kept_statuses(Status::Failed, Some(FailureKind::Other)),
            error
        );
        assert_eq!(
            kept_statuses(Status::ServiceStopped, Some(FailureKind::Other)),
            error
        );
    }

    /// Storage specification 3.1.
    #[test]
    fn a_failure_without_a_text_is_an_error() {
        assert_eq!(
            kept_statuses(Status::Failed, None),
            [true, true, true, false]
        );
    }

    /// Storage edge case 67.
    #[test]
    fn a_stop_that_was_asked_for_is_no_error() {
        let quiet = [true, false, false, false];
        assert_eq!(kept_statuses(Status::ServiceStopped, None), quiet);
        for kind in [FailureKind::Stopped, FailureKind::Cancelled] {
            assert_eq!(kept_statuses(Status::ServiceStopped, Some(kind)), quiet);
        }
    }

    /// Storage specification, table 3.3.
    #[test]
    fn each_level_keeps_the_runs_it_should() {
        let failure = Failure::new(FailureKind::Other, "it broke");
        let kept = |status, failure| AuditLevel::ALL.map(|level| level.keeps_run(status, failure));
        assert_eq!(kept(Status::Completed, None), [true, true, false, false]);
        assert_eq!(
            kept(Status::Failed, Some(&failure)),
            [true, true, true, false]
        );
        assert_eq!(kept(Status::Failed, None), [true, true, true, false]);
    }

    #[test]
    fn each_level_keeps_the_attempts_it_should() {
        let kept = |outcome| AuditLevel::ALL.map(|level| level.keeps_attempt(outcome));
        assert_eq!(kept(AttemptOutcome::Failed), [true, true, true, false]);
        for quiet in [
            AttemptOutcome::Succeeded,
            AttemptOutcome::Cancelled,
            AttemptOutcome::Stopped,
            AttemptOutcome::Snoozed,
        ] {
            assert_eq!(kept(quiet), [true, true, false, false]);
        }
    }

    #[test]
    fn runs_are_counted_where_successes_are_kept() {
        let counted = AuditLevel::ALL.map(AuditLevel::counts_runs);
        assert_eq!(counted, [true, true, false, false]);
    }

    #[test]
    fn a_level_is_printed_as_it_is_stored_in_json() {
        for level in AuditLevel::ALL {
            let json = serde_json::to_string(&level).unwrap();
            assert_eq!(json, format!("\"{level}\""));
        }
    }

    /// Storage specification 2.2.
    #[test]
    fn an_unknown_number_keeps_everything() {
        for level in AuditLevel::ALL {
            assert_eq!(AuditLevel::from_number(i64::from(level.number())), level);
        }
        assert_eq!(AuditLevel::from_number(17), AuditLevel::Full);
        assert_eq!(AuditLevel::from_number(-1), AuditLevel::Full);
    }
}
