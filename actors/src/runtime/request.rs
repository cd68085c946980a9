use std::future::IntoFuture;
use std::time::Duration;

use evertask_core::audit::AuditLevel;
use evertask_core::key::Revive;
use evertask_core::retry::RetryPolicy;
use evertask_core::schedule::{Draft, Misfire, Overlap};
use evertask_core::task::{TaskId, TraceContext};
use evertask_core::time::Timestamp;
use futures::future::BoxFuture;

use super::client::Client;
use crate::dispatch::{Dispatch, DispatchError, Dispatched};
use crate::supervisor::TaskView;
use crate::waiting::WaitError;

/// A dispatch that is being put together; `.await` sends it.
#[must_use = "a dispatch does nothing until it is awaited"]
#[derive(Debug)]
pub struct DispatchRequest<'a> {
    pub(super) client: &'a Client,
    pub(super) dispatch: Dispatch,
}

impl DispatchRequest<'_> {
    /// Sends it and waits until the task is over; see [`Client::wait_for`].
    ///
    /// # Errors
    ///
    /// As the dispatch and the wait.
    pub async fn wait(self) -> Result<TaskView, WaitError> {
        let dispatched = self.client.send(self.dispatch).await?;
        self.client.wait_for(dispatched).await
    }

    fn with(mut self, change: impl FnOnce(Dispatch) -> Dispatch) -> Self {
        self.dispatch = change(self.dispatch);
        self
    }

    /// See [`Dispatch::id`].
    pub fn id(self, id: TaskId) -> Self {
        self.with(|dispatch| dispatch.id(id))
    }

    /// See [`Dispatch::key`].
    pub fn key(self, key: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.key(key))
    }

    /// See [`Dispatch::key_for`].
    pub fn key_for(self, time: Duration) -> Self {
        self.with(|dispatch| dispatch.key_for(time))
    }

    /// See [`Dispatch::after`].
    pub fn after(self, delay: Duration) -> Self {
        self.with(|dispatch| dispatch.after(delay))
    }

    /// See [`Dispatch::at`].
    pub fn at(self, instant: Timestamp) -> Self {
        self.with(|dispatch| dispatch.at(instant))
    }

    /// See [`Dispatch::queue`].
    pub fn queue(self, name: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.queue(name))
    }

    /// See [`Dispatch::priority`].
    pub fn priority(self, priority: i32) -> Self {
        self.with(|dispatch| dispatch.priority(priority))
    }

    /// See [`Dispatch::concurrency_key`].
    pub fn concurrency_key(self, key: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.concurrency_key(key))
    }

    /// See [`Dispatch::limit_key`].
    pub fn limit_key(self, key: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.limit_key(key))
    }

    /// See [`Dispatch::limit_cost`].
    pub fn limit_cost(self, cost: u32) -> Self {
        self.with(|dispatch| dispatch.limit_cost(cost))
    }

    /// See [`Dispatch::tag`].
    pub fn tag(self, tag: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.tag(tag))
    }

    /// See [`Dispatch::correlation_id`].
    pub fn correlation_id(self, id: impl Into<String>) -> Self {
        self.with(|dispatch| dispatch.correlation_id(id))
    }

    /// See [`Dispatch::retry`].
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.with(|dispatch| dispatch.retry(policy))
    }

    /// See [`Dispatch::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|dispatch| dispatch.timeout(timeout))
    }

    /// See [`Dispatch::deadline`].
    pub fn deadline(self, instant: Timestamp) -> Self {
        self.with(|dispatch| dispatch.deadline(instant))
    }

    /// See [`Dispatch::start_within`].
    pub fn start_within(self, time: Duration) -> Self {
        self.with(|dispatch| dispatch.start_within(time))
    }

    /// See [`Dispatch::no_deadline`].
    pub fn no_deadline(self) -> Self {
        self.with(Dispatch::no_deadline)
    }

    /// See [`Dispatch::audit`].
    pub fn audit(self, level: AuditLevel) -> Self {
        self.with(|dispatch| dispatch.audit(level))
    }

    /// See [`Dispatch::now`].
    pub fn now(self) -> Self {
        self.with(Dispatch::now)
    }

    /// See [`Dispatch::schedule`].
    pub fn schedule(self, schedule: impl Into<Draft>) -> Self {
        self.with(|dispatch| dispatch.schedule(schedule))
    }

    /// See [`Dispatch::every`].
    pub fn every(self, step: Duration) -> Self {
        self.with(|dispatch| dispatch.every(step))
    }

    /// See [`Dispatch::max_runs`].
    pub fn max_runs(self, runs: u32) -> Self {
        self.with(|dispatch| dispatch.max_runs(runs))
    }

    /// See [`Dispatch::run_until`].
    pub fn run_until(self, instant: Timestamp) -> Self {
        self.with(|dispatch| dispatch.run_until(instant))
    }

    /// See [`Dispatch::overlap`].
    pub fn overlap(self, overlap: Overlap) -> Self {
        self.with(|dispatch| dispatch.overlap(overlap))
    }

    /// See [`Dispatch::misfire`].
    pub fn misfire(self, misfire: Misfire) -> Self {
        self.with(|dispatch| dispatch.misfire(misfire))
    }

    /// See [`Dispatch::jitter`].
    pub fn jitter(self, most: Duration) -> Self {
        self.with(|dispatch| dispatch.jitter(most))
    }

    /// See [`Dispatch::stop_after_failures`].
    pub fn stop_after_failures(self, runs: u32) -> Self {
        self.with(|dispatch| dispatch.stop_after_failures(runs))
    }

    /// See [`Dispatch::revive`].
    pub fn revive(self, revive: Revive) -> Self {
        self.with(|dispatch| dispatch.revive(revive))
    }

    /// See [`Dispatch::trace`].
    pub fn trace(self, trace: TraceContext) -> Self {
        self.with(|dispatch| dispatch.trace(trace))
    }
}

impl<'a> IntoFuture for DispatchRequest<'a> {
    type Output = Result<Dispatched, DispatchError>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.client.send(self.dispatch))
    }
}
