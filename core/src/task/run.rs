use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AttemptId, Failure, Status};
use crate::time::Timestamp;

/// What is kept about one run of a series.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RunRecord {
    /// The key of the record: the id of the attempt that ended the run.
    pub id: AttemptId,
    /// Which run of the series it was, from 1.
    pub number: u32,
    /// The occurrence it served.
    pub scheduled_at: Option<Timestamp>,
    /// When it ended.
    pub at: Timestamp,
    /// How long its last attempt ran.
    pub execution_time: Duration,
    /// `Completed` or `Failed`.
    pub status: Status,
    /// Why, if it failed.
    pub failure: Option<Failure>,
}
