//! What a dispatch says about a task that runs again and again.

use std::time::Duration;

use evertask_core::key::Revive;
use evertask_core::schedule::{Draft, InvalidSchedule, Misfire, Overlap, Schedule, SeriesPolicy};
use evertask_core::time::Timestamp;

use super::message::Dispatch;

/// How a task that runs again and again was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    pub(super) schedule: Option<Result<Draft, InvalidSchedule>>,
    /// Whether the first run does not wait for the schedule, if it is not said when it is.
    pub(super) starts_at_once: bool,
    pub(super) max_runs: Option<u32>,
    pub(super) run_until: Option<Timestamp>,
    pub(super) policy: SeriesPolicy,
    pub(super) revive: Revive,
    pub(super) declared_in: Option<String>,
}

/// The options of a series.
impl Dispatch {
    /// Runs the task again and again, when a schedule says.
    ///
    /// The first run is the schedule's first instant from now on, unless [`now`](Self::now),
    /// [`after`](Self::after) or [`at`](Self::at) says otherwise; what the schedule counts begins there.
    /// A first run that would have been more than a second ago does not take place, but counts as the
    /// beginning. The instants are fixed by that, so nothing drifts: neither a run that is late nor one
    /// that takes long moves the next. A run that fails does not end the series.
    #[must_use]
    pub fn schedule(mut self, schedule: impl Into<Draft>) -> Self {
        self.series.get_or_insert_default().schedule = Some(Ok(schedule.into()));
        self
    }

    /// Runs the task again and again: first when it is due, at once by default, and then every `step`
    /// after that, in whole seconds.
    ///
    /// [`schedule`](Self::schedule) says more, and its first run waits for the schedule.
    #[must_use]
    pub fn every(mut self, step: Duration) -> Self {
        let series = self.series.get_or_insert_default();
        series.schedule = Some(Schedule::every(step).map(Draft::from));
        series.starts_at_once = true;
        self
    }

    /// Ends a series after that many runs; failed ones count, skipped and interrupted ones don't.
    #[must_use]
    pub fn max_runs(mut self, runs: u32) -> Self {
        self.series.get_or_insert_default().max_runs = Some(runs);
        self
    }

    /// Ends a series: no occurrence at or after that instant runs.
    #[must_use]
    pub fn run_until(mut self, instant: Timestamp) -> Self {
        self.series.get_or_insert_default().run_until = Some(instant);
        self
    }

    /// What becomes of an occurrence that comes due while the run before it is still going on; it is left
    /// out by default.
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.series.get_or_insert_default().policy.overlap = overlap;
        self
    }

    /// What becomes of occurrences that came due while nothing ran; they are left out by default, except
    /// for a last one whose successor is not due yet.
    #[must_use]
    pub fn misfire(mut self, misfire: Misfire) -> Self {
        self.series.get_or_insert_default().policy.misfire = misfire;
        self
    }

    /// Delays each occurrence by chance, by less than `most`, so that series with the same schedule do
    /// not all begin at once. The same occurrence is always delayed alike, and none moves another.
    #[must_use]
    pub fn jitter(mut self, most: Duration) -> Self {
        self.series.get_or_insert_default().policy.jitter = most;
        self
    }

    /// Ends a series after that many failed runs in a row, from 1.
    #[must_use]
    pub fn stop_after_failures(mut self, runs: u32) -> Self {
        let series = self.series.get_or_insert_default();
        series.policy.stop_after_failures = Some(runs);
        self
    }

    /// What becomes of a series that holds the [key](Self::key) and is over or was cancelled.
    #[must_use]
    pub fn revive(mut self, revive: Revive) -> Self {
        self.series.get_or_insert_default().revive = revive;
        self
    }

    /// Counts a series to a set of the program's; see
    /// [`Client::declare_series`](crate::Client::declare_series).
    #[must_use]
    pub(crate) fn declared_in(mut self, set: &str) -> Self {
        self.series.get_or_insert_default().declared_in = Some(set.to_owned());
        self
    }

    pub(crate) fn is_series(&self) -> bool {
        self.series.is_some()
    }
}
