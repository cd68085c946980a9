//! What a child and its test say to each other.

use evertask::time::Timestamp;
use evertask::{DispatchOutcome, KeptReason, TaskContext, TaskId};
use serde::{Deserialize, Serialize};

/// Something that happened in a child.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Report {
    /// The number of the child.
    pub(super) by: u32,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum What {
    /// A caller of `dispatch` got this id.
    Given(TaskId),
    /// A caller of `dispatch` got this answer, which says more than an id.
    Answered(Answered),
    /// A caller of `cancel` was told that the task is cancelled.
    Cancelled(TaskId),
    /// The handler has the work of this number in hand.
    Worked(u64),
    /// The row says that the task is in progress.
    InProgress(TaskId),
    /// The handler was entered, or is about to be.
    Entered(Run),
    /// The body of the handler is at its end; nothing of it is stored yet.
    Left(Run),
    /// The outcome is stored, and it is final.
    Over(TaskId),
    /// It brought a task to its end that this child dispatched.
    Served(u32),
    /// The child dispatches no more.
    Quiet,
    /// The child has shut down in order.
    Closed,
    /// The child panics; what it says about it is on its standard error.
    Panicked,
    /// The process is gone: everything it reported was said before. Said by the test itself.
    Gone,
    /// Everything reported before was said earlier. Said by the test itself.
    Mark,
}

/// One attempt of a task; repeated under the same number after a crash.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub(super) struct Run {
    pub(super) id: TaskId,
    pub(super) attempt: u32,
    /// The occurrence that it serves, if it is one of a series: each of them begins with a first
    /// attempt.
    pub(super) occurrence: Option<Timestamp>,
}

impl Run {
    /// The attempt of a task that is no series.
    pub(super) fn of(context: &TaskContext) -> Self {
        Self {
            id: context.id(),
            attempt: context.attempt(),
            occurrence: None,
        }
    }
}

/// What a dispatch answered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Answered {
    pub(super) id: TaskId,
    /// The number of the work that was dispatched.
    pub(super) work: u64,
    pub(super) how: How,
}

/// What became of a dispatch.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum How {
    Created,
    Updated,
    Converted,
    Revived,
    /// The holder of the key was on its way to its handler, or just coming from it.
    LeftInFlight,
    LeftRunning,
    LeftToSeries,
    /// For a reason that no dispatch of a child gives.
    LeftOtherwise,
}

impl How {
    /// Whether the task does the work that was dispatched.
    pub(super) fn is_taken_up(self) -> bool {
        match self {
            Self::Created | Self::Updated | Self::Converted | Self::Revived => true,
            Self::LeftInFlight | Self::LeftRunning | Self::LeftToSeries | Self::LeftOtherwise => {
                false
            }
        }
    }
}

impl From<DispatchOutcome> for How {
    fn from(outcome: DispatchOutcome) -> Self {
        match outcome {
            DispatchOutcome::Created => Self::Created,
            DispatchOutcome::Updated => Self::Updated,
            DispatchOutcome::Converted => Self::Converted,
            DispatchOutcome::Revived => Self::Revived,
            DispatchOutcome::Existing(KeptReason::InFlight) => Self::LeftInFlight,
            DispatchOutcome::Existing(KeptReason::Running) => Self::LeftRunning,
            DispatchOutcome::Existing(KeptReason::IsSeries) => Self::LeftToSeries,
            _ => Self::LeftOtherwise,
        }
    }
}

/// What a child is to do, in the order in which it can be told.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) enum Order {
    /// Dispatch and run.
    Work,
    /// Dispatch so many tasks more than were allowed at the start.
    WorkMore(u32),
    /// Dispatch no more and let everything come to its end.
    Finish,
    /// Shut down.
    Stop,
}

/// What a child is told at its start.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Assignment {
    /// The number of the child, new for each start.
    pub(super) number: u32,
    /// The file of the database.
    pub(super) database: String,
    /// How many tasks to dispatch.
    pub(super) tasks: u32,
    /// How long the longest delay is, in milliseconds, where delays are by chance.
    pub(super) longest_delay: u32,
    /// Whether to dispatch one behind them that takes the process down.
    pub(super) poison: bool,
    /// Whether probation ends when a steady task has been entered, instead of after a time.
    pub(super) untimed_probation: bool,
    /// After how many crashes a task is quarantined, if not by default.
    pub(super) quarantine_after: Option<u32>,
}
