use std::fmt::Display;

use thiserror::Error;

/// A schedule that makes no sense: which field of it, what that says, and why it can't.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the schedule's {field} `{value}` {reason}")]
pub struct InvalidSchedule {
    /// The field, as the JSON form and the fields of cron are called.
    pub field: String,
    /// What it says.
    pub value: String,
    /// Why it can't, and what it may be.
    pub reason: String,
}

impl InvalidSchedule {
    pub(super) fn new(
        field: impl Into<String>,
        value: impl Display,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            value: value.to_string(),
            reason: reason.into(),
        }
    }
}
