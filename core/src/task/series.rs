use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The most runs a series counts; beyond it the counter stands still.
pub const MAX_RUN_COUNT: u32 = i32::MAX.cast_unsigned();

/// When a task runs again and again.
///
/// The schedule is kept as the text it was stored as: one that this version can't read must not make
/// its row unreadable.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SeriesDefinition {
    /// The schedule as JSON; see [`Schedule`](crate::schedule::Schedule).
    pub schedule: String,
    /// The instant from which the schedule counts.
    pub anchor: Timestamp,
    /// How many runs it has at most; failed ones count, skipped ones don't.
    pub max_runs: Option<u32>,
    /// The instant at and after which no occurrence runs.
    pub run_until: Option<Timestamp>,
}
