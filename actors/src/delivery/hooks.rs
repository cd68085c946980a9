//! Calling the hooks of a handler: whatever they do, the delivery goes on.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tracing::Instrument;

use super::run::Run;
use crate::supervision::panic_text;
use crate::task::{Hook, Payload, TaskContext, TaskError};

impl Run {
    /// Calls a hook outside of an attempt.
    pub(super) async fn hook(&self, hook: Hook, payload: &Payload, attempt: u32) {
        let told = self.delivery.registration.cancelled().child_token();
        let context = TaskContext::new(&self.context, attempt, told);
        self.begin_attempt(attempt);
        self.call(hook, payload, context).await;
    }

    /// Calls a hook and logs what goes wrong; one that does not end is left at the end of a shutdown.
    pub(super) async fn call(&self, hook: Hook, payload: &Payload, context: TaskContext) {
        let hooked = self.call_within_span(hook, payload, context);
        hooked.instrument(self.context.span().clone()).await;
    }

    async fn call_within_span(&self, hook: Hook, payload: &Payload, context: TaskContext) {
        let name = hook.name();
        let handler = &self.delivery.task.handler;
        let call = AssertUnwindSafe(|| handler.hook(hook, payload, context));
        let called = match std::panic::catch_unwind(call) {
            Ok(future) => future,
            Err(panic) => {
                tracing::error!(hook = name, panic = panic_text(&*panic), "a hook panicked");
                return;
            }
        };
        let ended = tokio::select! {
            biased;
            ended = AssertUnwindSafe(called).catch_unwind() => ended,
            () = self.deps.signals.abort.cancelled() => {
                tracing::warn!(hook = name, "a hook did not end before the shutdown did");
                return;
            }
        };
        match ended.map(|returned| returned.map_err(TaskError::into_failure)) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::error!(hook = name, error = %failure, "a hook failed"),
            Err(panic) => {
                tracing::error!(hook = name, panic = panic_text(&*panic), "a hook panicked");
            }
        }
    }
}
