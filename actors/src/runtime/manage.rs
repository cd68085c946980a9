use std::future::IntoFuture;

use evertask_core::storage::Deletion;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;
use futures::future::BoxFuture;

use super::client::Client;
use crate::supervision::ask;
use crate::supervisor::{
    GetDeletion, ManageAll, ManageOutcome, ManageReport, ManageTask, RequestError,
};

/// Something that is to be done with a task; `.await` does it.
///
/// ```no_run
/// # use evertask_actors::{Client, RequestError};
/// # use evertask_core::task::TaskId;
/// # async fn example(client: Client, id: TaskId) -> Result<(), RequestError> {
/// let outcome = client.retry(id).by("ada").because("the disk has room again").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Fails if the storage can't be used or the runtime does not answer; it may be done all the same.
#[must_use = "nothing is done until it is awaited"]
#[derive(Debug)]
pub struct ManageRequest<'a> {
    client: &'a Client,
    message: ManageTask,
}

impl ManageRequest<'_> {
    /// Says in the audit who asked for it; otherwise it was the `application`.
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.message = self.message.by(actor);
        self
    }

    /// Says in the audit why.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.message = self.message.because(reason);
        self
    }
}

impl<'a> IntoFuture for ManageRequest<'a> {
    type Output = Result<ManageOutcome, RequestError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.client.manage(self.message))
    }
}

impl Client {
    /// See [`ManageTask::retry`].
    pub fn retry(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::retry(id))
    }

    /// See [`ManageTask::run_now`].
    pub fn run_now(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::run_now(id))
    }

    /// See [`ManageTask::reschedule`].
    pub fn reschedule(&self, id: impl Into<TaskId>, at: Timestamp) -> ManageRequest<'_> {
        self.request(ManageTask::reschedule(id, at))
    }

    /// See [`ManageTask::pause`].
    pub fn pause(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::pause(id))
    }

    /// See [`ManageTask::resume`].
    pub fn resume(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::resume(id))
    }

    /// See [`ManageTask::delete`].
    pub fn delete(&self, id: impl Into<TaskId>) -> ManageRequest<'_> {
        self.request(ManageTask::delete(id))
    }

    pub(super) fn request(&self, message: ManageTask) -> ManageRequest<'_> {
        let client = self;
        ManageRequest { client, message }
    }

    /// Does something with a task, as the message says.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
    pub async fn manage(&self, message: ManageTask) -> Result<ManageOutcome, RequestError> {
        let answer = ask(&self.supervisor, message).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Does something with all tasks that a filter means, as [`ManageAll`] says.
    ///
    /// ```no_run
    /// # use evertask_actors::{Client, ManageAll, RequestError};
    /// # use evertask_core::storage::query::TaskFilter;
    /// # use evertask_core::task::Status;
    /// # async fn example(client: Client) -> Result<(), RequestError> {
    /// let failed = TaskFilter { statuses: vec![Status::Failed], ..TaskFilter::default() };
    /// let report = client.manage_all(ManageAll::retry(failed).by("ada")).await?;
    /// println!("{} run again", report.done);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel); what was done until then stays done.
    pub async fn manage_all(&self, message: ManageAll) -> Result<ManageReport, RequestError> {
        let answer = ask(&self.supervisor, message).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Reads what is kept of a task that somebody deleted; `None` if nobody did.
    ///
    /// # Errors
    ///
    /// As [`task`](Self::task).
    pub async fn deletion(&self, id: impl Into<TaskId>) -> Result<Option<Deletion>, RequestError> {
        let answer = ask(&self.supervisor, GetDeletion(id.into())).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }
}
