//! What a child and its test say to each other.

use evertask::TaskId;
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
    /// Whether to dispatch one behind them that takes the process down.
    pub(super) poison: bool,
    /// Whether probation ends when a steady task has been entered, instead of after a time.
    pub(super) untimed_probation: bool,
    /// After how many crashes a task is quarantined, if not by default.
    pub(super) quarantine_after: Option<u32>,
}
