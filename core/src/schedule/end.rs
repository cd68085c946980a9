use std::fmt;

use crate::time::Timestamp;

/// When a task runs again after a run, or why it does not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Next {
    /// The occurrence that is next; `None` for a series that is over, and for a task that runs once.
    pub at: Option<Timestamp>,
    /// Why the series is over.
    pub end: Option<SeriesEnd>,
    /// How many occurrences are left out between the last one and the next.
    pub missed: u64,
}

/// Why a series is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeriesEnd {
    /// It has run as often as it was to.
    MaxRuns(u32),
    /// The instant has come at and after which it does not run.
    RunUntil(Timestamp),
    /// So many runs in a row have failed.
    Failures(u32),
    /// Its schedule has no further instant.
    NoOccurrence,
}

impl From<Option<Timestamp>> for Next {
    fn from(at: Option<Timestamp>) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }
}

impl From<SeriesEnd> for Next {
    fn from(end: SeriesEnd) -> Self {
        Self {
            end: Some(end),
            ..Self::default()
        }
    }
}

impl fmt::Display for SeriesEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxRuns(1) => f.write_str("the series has run once, as often as it was to"),
            Self::MaxRuns(runs) => {
                write!(f, "the series has run {runs} times, as often as it was to")
            }
            Self::RunUntil(until) => write!(f, "the series was to run until {until}"),
            Self::Failures(1) => f.write_str("the series was to stop after a failed run"),
            Self::Failures(runs) => {
                write!(
                    f,
                    "the series was to stop after {runs} failed runs in a row"
                )
            }
            Self::NoOccurrence => f.write_str("the schedule of the series has no further instant"),
        }
    }
}
