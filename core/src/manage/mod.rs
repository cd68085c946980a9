//! What somebody may do with a task beside cancelling it, as functions of its row.
//!
//! Each is one conditional write that supersedes whatever else was under way for the row, with a record
//! of who did it. What is in a window or runs is left alone: its delivery is the one to move it on.

mod decide;
mod refusal;
mod series;

pub use decide::manage;
pub use refusal::Refusal;
pub use series::run_beside;

use crate::schedule::{Schedule, SeriesPolicy};
use crate::time::Timestamp;

/// What is to be done with a task.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// A task that is over runs once more, as if it had never been tried: the one exception to the rule
    /// that what is over stays so.
    ///
    /// It is not for a series: one that is over is revived by registering it again.
    Retry,
    /// A task that waits for its time, or for its next attempt, runs now. A series between two runs
    /// runs beside its schedule: the run counts, and the instants that follow stay what they were.
    RunNow,
    /// A series runs once more now, as a task of its own, whatever it is doing itself; that is not
    /// counted.
    RunBeside,
    /// A task that waits runs then. Of a series, only the next run is moved.
    Reschedule(Timestamp),
    /// A task that waits is not started any more, whatever comes due, until it is resumed.
    Pause,
    /// A task that was paused waits for its time again. Of what a series missed, it runs what it would
    /// run after a time without any process.
    Resume,
    /// A series leaves out its next occurrence, which is not counted.
    SkipNext,
    /// A series runs by another schedule from now on, until the program registers another one itself.
    EditSchedule(Box<Schedule>),
    /// A series treats occurrences that can't run at their time in another way from now on, until the
    /// program registers another one itself.
    EditPolicy(SeriesPolicy),
    /// A task that is over is removed with its history; who removed it is kept.
    Delete,
}

/// Who does something with a task, when, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct By<'a> {
    /// Who.
    pub actor: &'a str,
    /// Why, if said.
    pub reason: Option<&'a str>,
    /// The present instant.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests;
