use thiserror::Error;

use crate::task::{Status, WaitReason};
use crate::time::Timestamp;

/// Why nothing was done with a task.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// It runs again and again.
    #[error("it is a series")]
    IsSeries,
    /// It runs once.
    #[error("it is no series")]
    NoSeries,
    /// Its schedule can't be read.
    #[error("its schedule can't be read")]
    Unreadable,
    /// The series would be over.
    #[error("the series would have no further occurrence")]
    NothingFollows,
    /// It is not over, so it can be neither retried nor deleted.
    #[error("it is not over, it is {0}")]
    NotOver(Status),
    /// It is over.
    #[error("it is over, it is {0}")]
    IsOver(Status),
    /// It is in a window or runs.
    #[error("it is on its way to its handler already, or runs")]
    InFlight,
    /// It is due already and starts as soon as there is room.
    #[error("it is due already")]
    AlreadyDue,
    /// It waits for another reason than its time.
    #[error("it waits for something else than its time: {}", .0.as_str())]
    Waits(WaitReason),
    /// It is not paused, so there is nothing to resume.
    #[error("it is not paused")]
    NotPaused,
    /// It would not be started any more then.
    #[error("it has to be started by {0}")]
    AfterDeadline(Timestamp),
    /// The series would be over by then.
    #[error("it is a series that ends at {0}")]
    AfterEnd(Timestamp),
}
