//! The two verbs for sending.
//!
//! They are the only users of actix's own `send` and `do_send`, whose failures are easy to miss:
//! the one loses the message silently when the actor is gone, and the error of the other reads like
//! a refusal although the request may have been carried out.

use std::any::type_name;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};

/// Why an [`ask`] has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The actor ended or crashed before it answered. It may have handled the request in full, in
    /// part, or not at all: repeat only what is idempotent.
    #[error("no answer because the actor crashed or ended, outcome unknown")]
    OutcomeUnknown,
}

/// Puts a message into the actor's mailbox and returns at once.
///
/// If the actor is gone, the message is lost and a warning says so; its content is not logged.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that tells"
)]
pub fn tell<A, M>(addr: &Addr<A>, message: M)
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result: Send> + Send,
{
    if !addr.connected() {
        let (actor, message) = (type_name::<A>(), type_name::<M>());
        tracing::warn!(actor, message, "message lost, its actor is gone");
        return;
    }
    addr.do_send(message);
}

/// Sends a message and answers what the actor's handler returned.
///
/// The message is queued by the call itself, in order with every [`tell`] before and after it; only
/// if the mailbox is full, it is queued when the answer is first polled for. Dropping the future
/// takes back a message that has not been handled yet. The future does not borrow the address, so
/// it can outlive the handler that made it.
///
/// # Errors
///
/// [`AskError::OutcomeUnknown`] if the actor is gone, or crashed while or before it handled this.
#[allow(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn ask<A, M>(
    addr: &Addr<A>,
    message: M,
) -> impl Future<Output = Result<M::Result, AskError>> + use<A, M>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message<Result: Send> + Send + 'static,
{
    let request = addr.send(message);
    async move { request.await.map_err(|_| AskError::OutcomeUnknown) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix::Context;
    use tracing::span::{Attributes, Id, Record};
    use tracing::subscriber::with_default;
    use tracing::{Event, Level, Metadata, Subscriber};

    use super::*;
    use crate::supervision::GuardedSlot;

    struct Echo;

    #[derive(Message)]
    #[rtype(result = "&'static str")]
    struct Call(&'static str);

    impl Actor for Echo {
        type Context = Context<Self>;
    }

    impl actix::Supervised for Echo {}

    impl Handler<Call> for Echo {
        type Result = actix::MessageResult<Call>;

        fn handle(&mut self, call: Call, _: &mut Context<Self>) -> Self::Result {
            actix::MessageResult(call.0)
        }
    }

    /// Counts warnings.
    #[derive(Clone, Default)]
    struct Warnings(Arc<AtomicUsize>);

    impl Subscriber for Warnings {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            *metadata.level() == Level::WARN
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[actix::test]
    async fn an_answer_comes_back_through_a_future_that_may_move_to_another_thread() {
        fn sendable<F: Future + Send + 'static>(future: F) -> F {
            future
        }
        let addr = Echo.start();
        assert_eq!(sendable(ask(&addr, Call("hello"))).await, Ok("hello"));
    }

    #[actix::test]
    async fn asking_an_actor_that_is_gone_has_an_unknown_outcome() {
        let slot = GuardedSlot::<Echo>::new("echo".into(), 16);
        let addr = slot.addr();
        let queued = ask(&addr, Call("hello"));
        drop(slot);
        assert_eq!(queued.await, Err(AskError::OutcomeUnknown));
        assert_eq!(
            ask(&addr, Call("hello")).await,
            Err(AskError::OutcomeUnknown)
        );
    }

    #[test]
    fn telling_an_actor_that_is_gone_is_warned_about() {
        let slot = GuardedSlot::<Echo>::new("echo".into(), 16);
        let addr = slot.addr();
        let warnings = Warnings::default();
        with_default(warnings.clone(), || {
            tell(&addr, Call("heard"));
            assert_eq!(warnings.0.load(Ordering::Relaxed), 0);
            drop(slot);
            tell(&addr, Call("lost"));
        });
        assert_eq!(warnings.0.load(Ordering::Relaxed), 1);
    }
}
