use std::error::Error;
use std::fmt::{self, Debug};

use futures::future::BoxFuture;
use thiserror::Error;

use super::decision::{Budget, Decision, MovedSlot};
use super::overview::Overview;
use super::policy::{InvalidRateLimit, RateLimit};
use super::request::{Demand, Request};
use super::scope::Scope;
use crate::task::TaskId;
use crate::time::Timestamp;

/// What decides whether limited tasks may start.
///
/// [`SharedLimiter`](super::SharedLimiter) decides within a process. Another one may, say, share budgets
/// between processes; `evertask_core::limiter_conformance_tests!` (feature `conformance`) holds it
/// against this contract:
///
/// 1. **Allowance.** In any span of time `w`, both ends included, a scope has grants of at most
///    burst + ⌊w / T⌋ in cost, T being the interval between two starts. It holds however late tasks come
///    for their slots, and across changes of a limit with the greatest burst in that time and the
///    intervals as they were. Slots are told in whole microseconds, rounded up, and whoever comes at
///    that instant counts as having come at the exact one.
/// 2. **Slots.** A task without budget is told when to come back. It keeps its slot: asked earlier, the
///    limiter says the same again; asked then, it grants, unless somebody came late or paused the
///    scope meanwhile. A task that comes late keeps its place before those that were booked
///    after it, but waits for the next instant that conforms if others were just granted. Its claim
///    lasts for a period and ten seconds after its slot, and longer if nobody else asks.
/// 3. **Order.** New slots of a scope never go backwards, unless the last one was released.
/// 4. **No waste.** Whoever asks when its cost conforms and nobody else has a booking gets it. Only a
///    booking that its owner gives up, or never comes for, leaves its interval unused, and not
///    even that if it was the newest. A task that was found short of another scope keeps its place here
///    for at most one refill of its cost.
/// 5. **All or nothing.** What a task needs in several scopes is spent in all of them or none. While it
///    waits, it holds nothing but slots.
/// 6. **Apart.** A scope without budget makes no difference to another one.
/// 7. **Bounds.** It tracks a bounded number of scopes, exactly; beyond it new ones are granted, and the
///    decision says so. What is tracked stays limited.
/// 8. **Calls** may come from any thread at once; each is one atomic step.
///
/// `now` is the wall clock in UTC. It may differ a little from call to call; nothing overflows, whatever it
/// is. If it is set back, budget that was spent takes that much longer to come back.
///
/// A limiter that fails, fails open: whoever asked lets the task run, with a warning.
pub trait Limiter: Debug + Send + Sync + 'static {
    /// Decides whether a task may start, and spends or books what it needs.
    ///
    /// A [`Decision::Granted`] is spent, whether or not the task then starts. A task that is deferred asks
    /// again with the same demands when its slot has come; one that never will is
    /// [released](Self::release).
    fn acquire(&self, request: &Request<'_>, now: Timestamp) -> Reply<Decision>;

    /// Gives the slot of a task up, in each of these scopes in which it has one; `false` if it has none.
    ///
    /// What was granted is not given back.
    fn release(&self, id: TaskId, scopes: &[Scope<'_>], now: Timestamp) -> Reply<bool>;

    /// What is left for a demand, without spending it.
    fn peek(&self, demand: &Demand<'_>, now: Timestamp) -> Reply<Budget>;

    /// Lets nothing start in the scope of a demand before `until`, and then steadily; `false` if the
    /// scope can't be tracked. An instant that is past, or earlier than that of a pause, changes nothing.
    fn pause(&self, demand: &Demand<'_>, until: Timestamp, now: Timestamp) -> Reply<bool>;

    /// Gives a scope its whole burst back and ends its pause; answers whose slot is another one now.
    fn reset(&self, scope: Scope<'_>, now: Timestamp) -> Reply<Vec<MovedSlot>>;

    /// Changes the limit of a scope; answers whose slot is another one now. Nobody loses its slot or
    /// its place.
    ///
    /// The same happens when a demand brings another limit than the one before.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense.
    fn change(
        &self,
        scope: Scope<'_>,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit>;

    /// Changes the limit of every key of a type of tasks.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense.
    fn change_keys_of(
        &self,
        task: &str,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit>;

    /// What the limiter is doing, with at most `most` scopes in full.
    fn overview(&self, most: usize, now: Timestamp) -> Reply<Overview>;
}

/// An answer that is there, or will be.
///
/// So a limiter in memory costs no allocation and no turn of the runtime, and one behind a network holds
/// up nobody.
#[must_use = "an answer that is not there yet has to be waited for"]
pub enum Reply<T> {
    /// It is there.
    Ready(T),
    /// It has to be waited for, and can fail.
    Pending(BoxFuture<'static, Result<T, LimiterError>>),
}

impl<T> Reply<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// Fails if the limiter did.
    pub async fn wait(self) -> Result<T, LimiterError> {
        match self {
            Self::Ready(answer) => Ok(answer),
            Self::Pending(answer) => answer.await,
        }
    }
}

impl<T: Debug> Debug for Reply<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(answer) => formatter.debug_tuple("Ready").field(answer).finish(),
            Self::Pending(_) => formatter.write_str("Pending"),
        }
    }
}

/// A limiter that could not decide.
#[derive(Debug, Error)]
#[error("the rate limiter failed: {message}")]
pub struct LimiterError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl LimiterError {
    /// Says what failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Says what failed, and because of what.
    pub fn caused_by(
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            source: Some(source.into()),
        }
    }
}
