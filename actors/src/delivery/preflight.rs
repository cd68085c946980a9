//! What comes before the handler is entered, or instead of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evertask_core::task::{Failure, FailureKind, WaitReason};

use super::recall::failures_of_run;
use super::run::Run;
use super::trip::Input;
use crate::persistence::Settled;
use crate::supervision::panic_text;
use crate::task::Payload;

impl Run {
    pub(super) fn decode(&mut self) -> Result<Payload, Failure> {
        match &self.delivery.input {
            Input::Live(payload) => Ok(Arc::clone(payload)),
            Input::Stored { version, json } => {
                let handler = &self.delivery.task.handler;
                let decode = AssertUnwindSafe(|| handler.decode(*version, json));
                let decoded = catch_unwind(decode);
                let failure = |text: String| Failure::new(FailureKind::Undecodable, text);
                let payload = decoded
                    .map_err(|panic| failure(panic_text(&*panic)))?
                    .map_err(|error| failure(error.to_string()))?;
                self.delivery.input = Input::Live(Arc::clone(&payload));
                Ok(payload)
            }
        }
    }

    /// Records that the task came too late: its handler is never entered, and no hook is called. A
    /// series has missed an occurrence and goes on.
    pub(super) async fn expire(&mut self, failure: Failure) -> Settled {
        let now = self.deps.clock.now();
        let (id, task) = (self.delivery.lease.id(), self.delivery.task.name);
        tracing::warn!(%id, task, "a task has expired: {}", failure.text);
        let next = self.delivery.next_unless_run(now);
        self.leave_out(failure, next).await
    }

    /// Records that a payload can't be decoded: it waits for another start, a bounded number of
    /// times.
    pub(super) async fn give_up_decoding(&mut self, failure: Failure) -> Settled {
        // The failure may quote the payload, which no log is shown.
        let (id, task) = (self.delivery.lease.id(), self.delivery.task.name);
        tracing::warn!(%id, task, "a stored payload can't be decoded");
        let now = self.deps.clock.now();
        let lease = &mut self.delivery.lease;
        let change = if lease.state().recovery_failures + 1 >= self.deps.decode_failures {
            lease.give_up_decoding(failure, now)
        } else {
            lease.wait(self.deps.process, WaitReason::Undecodable, failure, now)
        };
        self.settle(change).await
    }

    /// Records that the handler is about to be entered; answers only if it must not be.
    ///
    /// The commit is awaited only if a crash interrupted the task: should it be what kills the
    /// process, the row has to say that it was running.
    pub(super) async fn start(&mut self, resumes: bool) -> Option<Settled> {
        let now = self.deps.clock.now();
        let alone = self.delivery.interrupted;
        let mut change = self.delivery.lease.start(self.deps.process, alone, now);
        if resumes {
            change.audit.clear();
        }
        if !alone {
            // Not awaited: the outcome follows in the same chain and brings the answer.
            self.chain.hold(change);
            return None;
        }
        match self.settle(change).await {
            Settled::Applied => None,
            refused @ (Settled::Superseded | Settled::Abandoned | Settled::Unfollowed(_)) => {
                Some(refused)
            }
        }
    }

    /// A task that was attempted in another delivery knows its failures from the storage: those of
    /// this run, as far as the audit level keeps attempts, and in any case the one it `parked` with.
    pub(super) async fn recall_failures(&mut self, parked: Option<Failure>) {
        let (id, attempts) = (
            self.delivery.lease.id(),
            self.delivery.lease.state().attempts,
        );
        match failures_of_run(self.deps.storage.queries(), id, attempts).await {
            Ok(failures) => self.failures = failures,
            Err(error) => tracing::warn!(%error, "earlier failures can't be read"),
        }
        if self.failures.is_empty() {
            self.failures.extend(parked);
        }
    }
}
