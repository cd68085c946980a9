use std::time::Duration;

use evertask::{
    RetryPolicy, Status, Task, TaskContext, TaskError, TaskHandler, TaskId, TaskOptions, TaskResult,
};
use reqwest::{Client, StatusCode, redirect};
use serde::{Deserialize, Serialize};

use crate::album::Album;
use crate::photo::Photo;
use crate::watch::until_over;

/// How long the other side may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long to wait for the thumbnails to be stored as completed.
const COMPLETED_WITHIN: Duration = Duration::from_mins(2);

/// Asks for somebody to be told that the thumbnails of a picture are ready.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct NotifyReady {
    pub(crate) photo: TaskId,
    pub(crate) url: String,
}

impl Task for NotifyReady {
    const NAME: &'static str = "photo.notify";

    /// Runs apart from the pictures, so that neither waits for the other's slots; tries for as long
    /// as it takes to restart what listens there.
    fn options() -> TaskOptions {
        TaskOptions::new()
            .queue("notifications")
            .timeout(COMPLETED_WITHIN + 2 * ANSWER_WITHIN)
            .retry(RetryPolicy::Linear {
                retries: 30,
                delay: Duration::from_secs(2),
            })
    }
}

/// Sends notifications.
#[derive(Debug)]
pub(crate) struct Notifier {
    album: Album,
    http: Client,
}

impl Notifier {
    /// # Errors
    ///
    /// Fails if the certificates of the system can't be loaded.
    pub(crate) fn new(album: Album) -> reqwest::Result<Self> {
        // A redirect would turn the POST into a GET; whoever moved should say so to us.
        let http = Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(redirect::Policy::none())
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()?;
        Ok(Self { album, http })
    }

    async fn notify(&self, task: &NotifyReady, context: &TaskContext) -> TaskResult {
        // This task was dispatched by the last line of the other one, which may not be stored as
        // completed yet, or never if somebody cancelled it at that moment.
        let thumbnails = until_over(context.client(), task.photo, COMPLETED_WITHIN).await?;
        let Some(thumbnails) = thumbnails else {
            return Err(TaskError::permanent("there is no such photo"));
        };
        let photo = Photo::of(&self.album, &thumbnails).await?;
        match photo.status {
            Status::Completed => self.post(&task.url, &photo).await,
            Status::Failed | Status::Cancelled => {
                tracing::info!(photo = %task.photo, "there are no thumbnails to tell of");
                Ok(())
            }
            Status::WaitingQueue | Status::Queued | Status::InProgress | Status::ServiceStopped => {
                Err(TaskError::transient("the thumbnails are not ready"))
            }
        }
    }

    async fn post(&self, url: &str, photo: &Photo) -> TaskResult {
        let answer = self.http.post(url).json(photo).send().await;
        // Such a URL may hold a secret, and failures are stored and logged.
        let answer = answer.map_err(|error| TaskError::transient(error.without_url()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let problem = format!("the other side answered {status}");
        if is_final(status) {
            return Err(TaskError::permanent(problem));
        }
        Err(TaskError::transient(problem))
    }
}

impl TaskHandler<NotifyReady> for Notifier {
    async fn handle(&self, task: &NotifyReady, context: &TaskContext) -> TaskResult {
        tokio::select! {
            result = self.notify(task, context) => result,
            () = context.cancelled() => Err(TaskError::other("told to stop")),
        }
    }
}

/// Whether asking again is no use: the other side finds fault with the request, not with the
/// moment.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && status != StatusCode::REQUEST_TIMEOUT
        && status != StatusCode::TOO_MANY_REQUESTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_change_is_tried_again() {
        for code in 300..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let expected = (400..500).contains(&code) && ![408, 429].contains(&code);
            assert_eq!(is_final(status), expected, "{status}");
        }
    }
}
