use thiserror::Error;

use super::policy::RateLimit;
use super::scope::OwnedScope;
use crate::task::TaskId;
use crate::time::Timestamp;

/// Whether a task may start.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use = "a task that was granted has spent its budget"]
pub enum Decision {
    /// It may start now. What it needs is spent, in every scope at once.
    Granted {
        /// Of how many scopes nothing was spent because too many keys are tracked: there the task is
        /// not limited. More than zero deserves a warning.
        untracked: usize,
    },
    /// It has to come back.
    Deferred(Deferral),
    /// It may not start, and holds nothing.
    Refused(Box<Refusal>),
}

/// The slot that a task was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deferral {
    /// When to come back, in whole microseconds. Coming early makes no difference; coming late keeps the
    /// place, but others may have used the budget meanwhile, and then there is another slot.
    pub slot: Timestamp,
    /// Which of the demands it waits for, by their order in the request.
    pub demand: usize,
}

/// Why a task may not start, as the error that its handler is told.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the rate limit of {scope} refused the task: {reason}, its slot would be {slot}")]
pub struct Refusal {
    /// The scope that has no budget.
    pub scope: OwnedScope,
    /// When there would be budget. A series goes on with its first occurrence that is not before.
    pub slot: Timestamp,
    /// The limit.
    pub limit: RateLimit,
    /// What is wrong with the slot.
    pub reason: RefusalReason,
}

/// What is wrong with the slot of a task that is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum RefusalReason {
    /// It is farther away than tasks of this limit wait.
    #[error("it would have to wait longer than the horizon of the limit")]
    BeyondHorizon,
    /// Tasks of this limit don't wait at all.
    #[error("tasks without budget are discarded")]
    Discarded,
    /// It is not before the end of the series of which the task is an occurrence.
    #[error("its series is over by then")]
    PastEnd,
}

/// An owner whose slot is another one now, without having asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MovedSlot {
    /// The task.
    pub id: TaskId,
    /// Its slot.
    pub slot: Timestamp,
}

/// What is left of a budget.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// How many tasks that cost one could start now, beside those that have booked.
    pub available: u32,
    /// When the task that was asked about could start, at the earliest now.
    pub next_slot: Timestamp,
    /// How many tasks have a slot.
    pub parked: usize,
}
