//! One attempt: the body of a handler, its timeout, and what stops it.

use std::time::Duration;

use evertask_core::outcome::{BodyEnd, StopCause};
use evertask_core::task::TaskId;
use evertask_core::time::Clock;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::run_deps::StopSignals;
use crate::supervisor::LeftBehind;
use crate::task::{Body, BodyResult, RetryFilter, TaskError};

/// What an attempt listens to while its body runs.
pub(super) struct Attempt<'a> {
    pub(super) id: TaskId,
    pub(super) task: &'a str,
    pub(super) clock: &'a dyn Clock,
    pub(super) signals: &'a StopSignals,
    /// Fires when the task is cancelled.
    pub(super) cancelled: &'a CancellationToken,
    /// What the handler sees.
    pub(super) told: &'a CancellationToken,
    pub(super) timeout: Option<Duration>,
    pub(super) abort_after: Duration,
    /// What is asked about an error before it is stored.
    pub(super) filter: &'a RetryFilter,
}

impl Attempt<'_> {
    /// Waits until the body has really stopped, and answers how, and what told it to.
    ///
    /// A body that is told to stop gets the time of grace and is then aborted at its next `.await`.
    /// One on a blocking thread can't be aborted: it is waited for, and left behind only when a
    /// shutdown comes to its end.
    pub(super) async fn run(&self, mut body: Body) -> (BodyEnd, Option<StopCause>) {
        let cause = tokio::select! {
            biased;
            ended = &mut body.join => return (self.body_end(ended), None),
            () = self.cancelled.cancelled() => StopCause::Cancel,
            () = self.signals.stop.cancelled() => StopCause::Shutdown,
            limit = self.time_is_up() => StopCause::Timeout(limit),
        };
        self.told.cancel();
        tokio::select! {
            biased;
            ended = &mut body.join => return (self.body_end(ended), Some(cause)),
            () = self.signals.abort.cancelled() => {}
            () = self.patience_ends(cause) => {}
        }
        body.join.abort();
        let ended = if body.can_abort {
            body.join.await
        } else {
            tracing::warn!("a blocking handler ignores its cancellation, its slot stays taken");
            tokio::select! {
                ended = &mut body.join => ended,
                () = self.signals.abort.cancelled() => {
                    self.signals.left_behind.lock().push(LeftBehind {
                        id: self.id,
                        task: self.task.to_owned(),
                    });
                    return (BodyEnd::Aborted, Some(cause));
                }
            }
        };
        (self.body_end(ended), Some(cause))
    }

    /// Waits until a body that was told to stop has to be aborted; a shutdown decides that itself.
    async fn patience_ends(&self, cause: StopCause) {
        match cause {
            StopCause::Cancel | StopCause::Timeout(_) => self.clock.sleep(self.abort_after).await,
            StopCause::Shutdown => std::future::pending().await,
        }
    }

    async fn time_is_up(&self) -> Duration {
        match self.timeout {
            Some(limit) => {
                self.clock.sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    }

    fn body_end(&self, ended: Result<BodyResult, JoinError>) -> BodyEnd {
        match ended {
            Ok(Ok(result)) => BodyEnd::Returned(result),
            Ok(Err(error)) => error.into_end(self.filter),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => TaskError::panicked(&*payload).into_end(self.filter),
                Err(_) => BodyEnd::Aborted,
            },
        }
    }
}
