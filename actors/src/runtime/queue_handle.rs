use std::future::IntoFuture;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use crate::supervision::ask;
use crate::supervisor::{ControlQueue, GetQueues, QueueOutcome, QueueStatus, RequestError};

/// One queue of a running runtime, to decide about.
///
/// ```no_run
/// # use evertask_actors::{Client, RequestError};
/// # async fn example(client: Client) -> Result<(), RequestError> {
/// let mail = client.queue("mail");
/// mail.pause().by("ada").because("the mail server is being moved").await?;
/// mail.set_parallelism(2).await?;
/// mail.resume().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QueueHandle<'a> {
    client: &'a Client,
    queue: &'a str,
}

/// A decision about a queue that is being put together; `.await` makes it.
#[must_use = "a decision is not made until it is awaited"]
#[derive(Debug)]
pub struct QueueRequest<'a> {
    client: &'a Client,
    control: ControlQueue,
}

impl<'a> QueueHandle<'a> {
    pub(super) fn new(client: &'a Client, queue: &'a str) -> Self {
        Self { client, queue }
    }

    fn request(&self, control: ControlQueue) -> QueueRequest<'a> {
        let client = self.client;
        QueueRequest { client, control }
    }

    /// See [`ControlQueue::pause`].
    pub fn pause(&self) -> QueueRequest<'a> {
        self.request(ControlQueue::pause(self.queue))
    }

    /// See [`ControlQueue::resume`].
    pub fn resume(&self) -> QueueRequest<'a> {
        self.request(ControlQueue::resume(self.queue))
    }

    /// See [`ControlQueue::drain`].
    pub fn drain(&self) -> QueueRequest<'a> {
        self.request(ControlQueue::drain(self.queue))
    }

    /// Runs so many handlers at once; see [`ControlQueue::parallelism`].
    pub fn set_parallelism(&self, handlers: u32) -> QueueRequest<'a> {
        self.request(ControlQueue::parallelism(self.queue, Some(handlers)))
    }

    /// Runs as many handlers at once as configured; see [`ControlQueue::parallelism`].
    pub fn reset_parallelism(&self) -> QueueRequest<'a> {
        self.request(ControlQueue::parallelism(self.queue, None))
    }

    /// Looks at the queue.
    ///
    /// # Errors
    ///
    /// Fails if no such queue is configured, the storage can't be read or the runtime does not answer.
    pub async fn status(&self) -> Result<QueueStatus, RequestError> {
        let queues = self.client.queues().await?;
        let mut queues = queues.into_iter();
        let found = queues.find(|status| status.queue == self.queue);
        found.ok_or_else(|| RequestError::UnknownQueue {
            queue: self.queue.to_owned(),
        })
    }
}

impl QueueRequest<'_> {
    /// See [`ControlQueue::by`].
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.control = self.control.by(actor);
        self
    }

    /// See [`ControlQueue::because`].
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.control = self.control.because(reason);
        self
    }
}

impl<'a> IntoFuture for QueueRequest<'a> {
    type Output = Result<QueueOutcome, RequestError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.client.control_queue(self.control))
    }
}

impl Client {
    /// A queue of the runtime, to pause, resume or drain it, or to change how many of its handlers run
    /// at once.
    pub fn queue<'a>(&'a self, name: &'a str) -> QueueHandle<'a> {
        QueueHandle::new(self, name)
    }

    /// Looks at every queue; they come in the order of their names.
    ///
    /// # Errors
    ///
    /// Fails if the storage can't be read or the runtime does not answer.
    pub async fn queues(&self) -> Result<Vec<QueueStatus>, RequestError> {
        let answer = ask(self.supervisor(), GetQueues).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Decides about a queue.
    ///
    /// # Errors
    ///
    /// Fails if the queue is not configured or can't be so, the storage can't be used or the runtime
    /// does not answer; in the last two cases the decision may be stored all the same.
    pub async fn control_queue(&self, control: ControlQueue) -> Result<QueueOutcome, RequestError> {
        // Whoever gives up waiting for a drain tells so by dropping this.
        let gone = CancellationToken::new();
        let _gone = gone.clone().drop_guard();
        let answer = ask(self.supervisor(), control.until(gone)).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }
}
