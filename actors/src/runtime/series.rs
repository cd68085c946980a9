//! Declaring series, and looking ahead.

use evertask_core::schedule::{Schedule, SeriesPolicy};
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;

use super::client::Client;
use super::manage::ManageRequest;
use crate::dispatch::Dispatch;
use crate::supervision::ask;
use crate::supervisor::{
    Backfill, BackfillOutcome, DeclareError, DeclareSeries, Declared, GetNextRuns, ManageTask,
    RequestError,
};

impl Client {
    /// Registers all series of a set, and cancels those that an earlier version of the program had in
    /// it; each needs a key.
    ///
    /// ```no_run
    /// # use evertask_actors::{Client, DeclareError, Dispatch, Task};
    /// # use evertask_core::schedule::{Refine, every_day, every};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Report;
    /// # impl Task for Report { const NAME: &'static str = "report"; }
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Tidy;
    /// # impl Task for Tidy { const NAME: &'static str = "tidy"; }
    /// # async fn example(client: Client) -> Result<(), DeclareError> {
    /// let report = every_day().at("09:00").in_zone("Europe/Rome");
    /// client.declare_series("housekeeping", [
    ///     Dispatch::new(Report).key("report").schedule(report),
    ///     Dispatch::new(Tidy).key("tidy").schedule(every(30).minutes()),
    /// ]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Says what of it is done; it may be called again.
    pub async fn declare_series(
        &self,
        set: impl Into<String>,
        series: impl IntoIterator<Item = Dispatch>,
    ) -> Result<Declared, DeclareError> {
        let set = set.into();
        let series = series.into_iter().collect();
        let answer = ask(&self.supervisor, DeclareSeries { set, series }).await;
        answer.unwrap_or(Err(DeclareError::Retire(RequestError::NoAnswer)))
    }

    /// See [`ManageTask::run_beside`].
    pub fn run_beside(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::run_beside(id))
    }

    /// See [`ManageTask::skip_next`].
    pub fn skip_next(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::skip_next(id))
    }

    /// See [`ManageTask::edit_schedule`].
    pub fn edit_schedule(&self, id: impl Into<TaskId>, schedule: Schedule) -> ManageRequest<'_> {
        self.request(ManageTask::edit_schedule(id, schedule))
    }

    /// See [`ManageTask::edit_policy`].
    pub fn edit_policy(&self, id: impl Into<TaskId>, policy: SeriesPolicy) -> ManageRequest<'_> {
        self.request(ManageTask::edit_policy(id, policy))
    }

    /// When a series runs next, by what is stored of it: at most so many instants, and at most
    /// [`GetNextRuns::MOST`]; none of what is over or no series.
    ///
    /// # Errors
    ///
    /// As [`task`](Self::task).
    pub async fn next_runs(
        &self,
        id: impl Into<TaskId>,
        count: usize,
    ) -> Result<Vec<Timestamp>, RequestError> {
        let series = id.into();
        let answer = ask(&self.supervisor, GetNextRuns { series, count }).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Runs a series for the instants of a range, as [`Backfill`] says.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel); it may be sent again.
    pub async fn backfill(&self, backfill: Backfill) -> Result<BackfillOutcome, RequestError> {
        let answer = ask(&self.supervisor, backfill).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }
}
