use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a task is in its life.
///
/// ```text
/// WaitingQueue ──► Queued ──► InProgress ──► Completed | Failed | Cancelled
///       ▲            │            │
///       └────────────┘            └──► ServiceStopped ──► Queued (next claim)
/// ```
///
/// A task between two attempts stays `InProgress`, without an owner if it left its slot.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Status {
    /// Stored, and in no worker queue: due later, or loaded when there is room.
    WaitingQueue,
    /// In the window of its worker queue.
    Queued,
    /// Its handler runs, or waits for the next attempt.
    InProgress,
    /// Its handler returned successfully. Terminal.
    Completed,
    /// It failed for good. Terminal.
    Failed,
    /// Somebody cancelled it. Terminal.
    Cancelled,
    /// A shutdown interrupted it; it runs again after the next start.
    ServiceStopped,
}

impl Status {
    /// Every status, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::WaitingQueue,
        Self::Queued,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::ServiceStopped,
    ];

    /// Whether nothing happens to the task any more.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled => true,
            Self::WaitingQueue | Self::Queued | Self::InProgress | Self::ServiceStopped => false,
        }
    }

    /// The name under which the status is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WaitingQueue => "WaitingQueue",
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::ServiceStopped => "ServiceStopped",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A stored status that this version does not know.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("unknown status {0:?}")]
pub struct UnknownStatus(pub String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_stored_name() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("completed".parse::<Status>().is_err());
    }

    #[test]
    fn a_status_is_printed_as_it_is_stored() {
        let names = Status::ALL.map(|status| status.to_string());
        let stored = [
            "WaitingQueue",
            "Queued",
            "InProgress",
            "Completed",
            "Failed",
            "Cancelled",
            "ServiceStopped",
        ];
        assert_eq!(names, stored);
    }

    #[test]
    fn a_status_is_terminal_if_nothing_follows_it() {
        let terminal = Status::ALL
            .into_iter()
            .filter(|status| status.is_terminal());
        let expected = [Status::Completed, Status::Failed, Status::Cancelled];
        assert_eq!(terminal.collect::<Vec<_>>(), expected);
    }
}
