use evertask_core::storage::query::TaskFilter;
use evertask_core::task::TaskId;

use super::client::Client;
use crate::supervision::ask;
use crate::supervisor::{
    Cancel, CancelAll, CancelByKey, CancelOutcome, CancelReport, CancelledTask, RequestError,
};

impl Client {
    /// Cancels a task, wherever it is; the answer comes once that is stored.
    ///
    /// # Errors
    ///
    /// Fails if the storage can't be used or the runtime does not answer; the task may be cancelled
    /// all the same.
    pub async fn cancel(&self, id: impl Into<TaskId>) -> Result<CancelOutcome, RequestError> {
        self.send_cancel(Cancel::new(id)).await
    }

    /// Cancels a task, with what the audit says about it.
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
    pub async fn send_cancel(&self, cancel: Cancel) -> Result<CancelOutcome, RequestError> {
        let answer = ask(&self.supervisor, cancel).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Cancels the task that holds a key, or answers `None` if none does; to say who asked and why, send a
    /// [`CancelByKey`] to the [`supervisor`](Self::supervisor).
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel).
    pub async fn cancel_by_key(
        &self,
        key: impl Into<String>,
    ) -> Result<Option<CancelledTask>, RequestError> {
        let answer = ask(&self.supervisor, CancelByKey::new(key)).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Cancels all tasks that a filter means and that are not over, as [`CancelAll`] says; to say who asked
    /// and why, send one to the [`supervisor`](Self::supervisor).
    ///
    /// ```no_run
    /// # use evertask_actors::Client;
    /// # use evertask_core::storage::query::TaskFilter;
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let filter = TaskFilter { tag: Some("import 7".to_owned()), ..TaskFilter::default() };
    /// let report = client.cancel_all(filter).await?;
    /// println!("{} never run, {} were running", report.cancelled, report.cancelled_while_running);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`cancel`](Self::cancel); what was cancelled until then stays cancelled.
    pub async fn cancel_all(&self, filter: TaskFilter) -> Result<CancelReport, RequestError> {
        let answer = ask(&self.supervisor, CancelAll::new(filter)).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }
}
