use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an open row can't run and is passed over by claims.
///
/// Such a row keeps the owner that judged it, if one did, and it is looked at again by the next start; one
/// that somebody paused waits until it is resumed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// No handler is registered for its task name in this process.
    NoHandler,
    /// Its payload can't be decoded into the type of its task.
    Undecodable,
    /// Somebody paused it.
    Paused,
}

impl WaitReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::NoHandler, Self::Undecodable, Self::Paused];

    /// The name under which the reason is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHandler => "no_handler",
            Self::Undecodable => "undecodable",
            Self::Paused => "paused",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A stored reason that this version does not know.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("unknown wait reason {0:?}")]
pub struct UnknownWaitReason(pub String);

impl FromStr for WaitReason {
    type Err = UnknownWaitReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownWaitReason(text.to_owned()))
    }
}
