//! What is asked of series.

use actix::Message;
use evertask_core::manage::Refusal;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;
use thiserror::Error;

use super::messages::RequestError;
use crate::dispatch::{Dispatch, DispatchError, Dispatched};

/// Registers all series of a set at once, and cancels those that were in it before and are not any
/// more.
///
/// The answer comes once that is stored. Each series needs a [key](Dispatch::key), by which it is
/// known again; what becomes of one that is stored already is said [there](Dispatch::key).
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<Declared, DeclareError>")]
pub struct DeclareSeries {
    /// The name of the set.
    pub set: String,
    /// The series in it.
    pub series: Vec<Dispatch>,
}

/// What became of a [`DeclareSeries`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Declared {
    /// The series of the set, in the order in which they were declared.
    pub series: Vec<Dispatched>,
    /// The series that were in it before, and are cancelled.
    pub retired: Vec<TaskId>,
}

/// Why a set of series is not as declared.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DeclareError {
    /// A series has no key, by which it would be known again at the next start; nothing is stored.
    #[error("number {0} of the declared series has no key, so it could not be known again")]
    NoKey(usize),
    /// It is a task that runs once; nothing is stored.
    #[error("number {0} of the declared series has no schedule")]
    NoSchedule(usize),
    /// A series could not be registered. Others may have been; none is retired.
    #[error("number {number} of the declared series can't be registered: {error}")]
    Series {
        /// Which, counted from 0.
        number: usize,
        /// Why.
        #[source]
        error: DispatchError,
    },
    /// None could be registered.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// All are registered, but those that are not in the set any more could not all be cancelled.
    #[error("the series that are not declared any more could not be cancelled: {0}")]
    Retire(#[source] RequestError),
}

/// Runs a series for the instants of its schedule in a range, also from before it was registered.
///
/// Each is a task of its own, due at once, with the series as its `series_id`; they are not counted as
/// its runs. One that was asked for before is not stored again, so it may be sent again.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<BackfillOutcome, RequestError>")]
pub struct Backfill {
    /// The series.
    pub series: TaskId,
    /// The first instant that is meant.
    pub from: Timestamp,
    /// The last instant that is meant.
    pub to: Timestamp,
    /// Who asks for it, for the audit.
    pub actor: Option<String>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

impl Backfill {
    /// How many instants one range has at most.
    pub const MOST: usize = 1_000;
}

/// What became of a [`Backfill`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BackfillOutcome {
    /// The instants are stored.
    Done {
        /// So many run now.
        stored: usize,
        /// So many were run or asked for already.
        existing: usize,
    },
    /// The range has more instants than [`Backfill::MOST`], and nothing is stored.
    TooMany,
    /// It is none that this can be done with.
    Refused(Refusal),
    /// There is no such task.
    Unknown,
}

/// Reads when a series runs next, by what is stored of it; empty for what is over or no series.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Vec<Timestamp>, RequestError>")]
pub struct GetNextRuns {
    /// The series.
    pub series: TaskId,
    /// How many instants at most, up to [`MOST`](Self::MOST).
    pub count: usize,
}

impl GetNextRuns {
    /// How many instants are answered at most.
    pub const MOST: usize = 1_000;
}
