use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::invalid::InvalidSchedule;
use crate::task::TaskId;
use crate::time::{Timestamp, later};

/// The most missed occurrences that are caught up with at once.
pub const MOST_CAUGHT_UP: u32 = 1_000;

/// How a series deals with occurrences that can't simply run at their time.
///
/// Written as JSON, in which what is as by default is left out.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeriesPolicy {
    /// What comes due while the run before it is still going on.
    #[serde(skip_serializing_if = "is_default")]
    pub overlap: Overlap,
    /// What came due while nothing ran: the process was down, or the series or its queue paused.
    #[serde(skip_serializing_if = "is_default")]
    pub misfire: Misfire,
    /// By how much an occurrence is delayed at most, by chance but always the same for the same one.
    /// It moves no other one.
    #[serde(skip_serializing_if = "is_default", with = "micros")]
    pub jitter: Duration,
    /// After how many failed runs in a row the series ends.
    #[serde(skip_serializing_if = "is_default")]
    pub stop_after_failures: Option<u32>,
}

/// What becomes of an occurrence that comes due while the run before it is still going on.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is left out, the default: runs of one series never overlap.
    #[default]
    Skip,
    /// The last of them runs as soon as the run ends.
    BufferOne,
    /// It runs beside it: each occurrence is a task of its own, with the series as its
    /// [`series_id`](crate::task::TaskDefinition::series_id). They are cancelled on their own, and stay
    /// when the series is.
    Allow,
}

/// What becomes of occurrences that came due while nothing ran.
///
/// The last one is run late under every policy, if its successor is not due yet.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// They are left out, the default.
    #[default]
    Skip,
    /// The last of them runs at once, for all of them.
    RunOnce,
    /// The last so many of them run at once, each as a task of its own with the series as its
    /// [`series_id`](crate::task::TaskDefinition::series_id); at most [`MOST_CAUGHT_UP`].
    CatchUp(u32),
}

impl SeriesPolicy {
    /// Whether what it says makes sense.
    ///
    /// # Errors
    ///
    /// Refuses to catch up with none or with more than [`MOST_CAUGHT_UP`], and to stop after no failure.
    pub fn check(&self) -> Result<(), InvalidSchedule> {
        if let Misfire::CatchUp(most) = self.misfire
            && !(1..=MOST_CAUGHT_UP).contains(&most)
        {
            let reason = format!("is not from 1 to {MOST_CAUGHT_UP}");
            return Err(InvalidSchedule::new("misfire catch_up", most, reason));
        }
        if self.stop_after_failures == Some(0) {
            let reason = "is not a number of failures from 1";
            return Err(InvalidSchedule::new("stop_after_failures", 0, reason));
        }
        Ok(())
    }

    /// When an occurrence may begin: at its time, or later by its share of the jitter.
    pub fn begins(&self, series: TaskId, occurrence: Timestamp) -> Timestamp {
        let span = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX);
        if span == 0 {
            return occurrence;
        }
        let (high, low) = occurrence_id(series, occurrence).0.as_u64_pair();
        later(occurrence, Duration::from_micros((high ^ low) % span))
    }
}

/// The id of the task that runs an occurrence beside its series: always the same, so that it is stored
/// once whoever asks for it.
pub fn occurrence_id(series: TaskId, occurrence: Timestamp) -> TaskId {
    let at = occurrence.timestamp_micros().to_be_bytes();
    TaskId(Uuid::new_v5(&series.0, &at))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A span in microseconds, as all spans are stored.
mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}
