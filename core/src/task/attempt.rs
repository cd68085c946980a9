use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{AttemptId, Failure, ProcessId};
use crate::time::Timestamp;

/// How one attempt ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The handler returned successfully.
    Succeeded,
    /// It failed, timed out or panicked; the failure says which.
    Failed,
    /// Somebody cancelled the task meanwhile.
    Cancelled,
    /// A shutdown interrupted it.
    Stopped,
    /// The handler asked to be called again later; that is no failure and costs no attempt.
    Snoozed,
}

impl AttemptOutcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Stopped,
        Self::Snoozed,
    ];

    /// The name under which the outcome is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Stopped => "stopped",
            Self::Snoozed => "snoozed",
        }
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for AttemptOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| format!("unknown attempt outcome {text:?}"))
    }
}

/// What is kept about one attempt of a task.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AttemptRecord {
    /// The key of the record.
    pub id: AttemptId,
    /// Which attempt it was, from 1; an interrupted or snoozed attempt and its
    /// repetition share a number.
    pub number: u32,
    /// The process that ran it.
    pub process: ProcessId,
    /// When the handler was entered.
    pub started_at: Timestamp,
    /// How long the task had been due before that.
    pub waited: Duration,
    /// How long the handler ran.
    pub ran: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why, unless it succeeded or was snoozed.
    pub failure: Option<Failure>,
    /// Whether statistics count it: it is the one that ended a run, and its task keeps successes,
    /// too. Set by the transition of [`RowLease`](crate::lease::RowLease) that stores it.
    pub is_counted: bool,
}

impl AttemptRecord {
    /// When the handler was left.
    pub fn ended_at(&self) -> Timestamp {
        TimeDelta::from_std(self.ran)
            .ok()
            .and_then(|ran| self.started_at.checked_add_signed(ran))
            .unwrap_or(self.started_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_read_back_from_its_stored_name() {
        for outcome in AttemptOutcome::ALL {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
        }
        assert!("Failed".parse::<AttemptOutcome>().is_err());
    }
}
