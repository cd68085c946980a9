//! The guard itself: a future around the actor's own future.
//!
//! The panic is caught at each poll, inside the actor's task, and not by somebody who awaits that
//! task: a task that has panicked takes the mailbox with it, runs the actor's last hooks on
//! half-changed state while it unwinds, and leaves every holder with a dead address.

use std::any::Any;
use std::future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::thread;
use std::time::Duration;

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Context, Supervised};
use evertask_core::time::{Clock, Sleep};

use super::budget::{RestartBudget, Verdict};
use super::report::{ActorName, CrashReport, CrashSink, panic_text};

/// Why a guarded actor has ended; its mailbox is closed by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It stopped by itself, or nobody held its address and it had nothing left to do.
    Stopped,
    /// It crashed, and by the time it could restart nobody held its address any more.
    Unreferenced,
    /// It crashed too often.
    GaveUp,
}

/// Polls one actor and restarts it in place when it panics.
///
/// Asserting unwind safety is earned by [`Supervised::restarting`], which must rebuild every field:
/// nothing else looks at the actor between the panic and that call.
pub(super) struct Guarded<A: Actor<Context = Context<A>> + Supervised> {
    name: ActorName,
    life: u64,
    /// Empty once the actor has ended.
    context: Option<ContextFut<A, Context<A>>>,
    /// The wait before the next attempt to restart; the mailbox keeps filling meanwhile.
    pause: Option<Sleep>,
    budget: RestartBudget,
    clock: Arc<dyn Clock>,
    reports: CrashSink,
}

impl<A> Guarded<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    pub(super) fn new(
        name: ActorName,
        context: ContextFut<A, Context<A>>,
        budget: RestartBudget,
        clock: Arc<dyn Clock>,
        reports: CrashSink,
    ) -> Self {
        Self {
            name,
            life: 1,
            context: Some(context),
            pause: None,
            budget,
            clock,
            reports,
        }
    }

    /// Settles a crash: decides, acts on it, and only then reports.
    ///
    /// In this order whoever hears the report finds the decision carried out: the backoff runs
    /// already (a test may move the clock), or the mailbox of the actor given up is closed.
    fn crashed(&mut self, payload: Box<dyn Any + Send>) -> Verdict {
        let verdict = self.budget.record(self.clock.elapsed());
        match verdict {
            Verdict::RestartAfter(delay) => self.pause = Some(self.wait(delay)),
            Verdict::GiveUp => self.retire(),
        }
        self.report(CrashReport {
            actor: self.name.clone(),
            life: self.life,
            panic: panic_text(&*payload),
            verdict,
            at: self.clock.now(),
        });
        discard(payload);
        verdict
    }

    fn wait(&self, delay: Duration) -> Sleep {
        // A timer would round even an empty wait up to its own resolution.
        if delay.is_zero() {
            return Box::pin(future::ready(()));
        }
        self.clock.sleep(delay)
    }

    fn report(&self, report: CrashReport) {
        let reports = AssertUnwindSafe(|| (self.reports)(report));
        if let Err(payload) = catch_unwind(reports) {
            let panic = panic_text(&*payload);
            tracing::error!(actor = %self.name, life = self.life, panic, "crash report lost");
            discard(payload);
        }
    }

    /// Ends the actor and closes its mailbox, without any of its hooks.
    ///
    /// Left to itself, a dropped context is polled once more. That would run the last hooks on the
    /// state that the crash left behind, and after a failed `restarting` even `started`.
    /// Terminating it first prevents both.
    fn retire(&mut self) {
        let Some(mut context) = self.context.take() else {
            return;
        };
        context.ctx().terminate();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(context))) {
            let panic = panic_text(&*payload);
            tracing::error!(actor = %self.name, life = self.life, panic, "dropping an actor panicked");
            discard(payload);
        }
    }
}

impl<A> Future for Guarded<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    type Output = Exit;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Exit> {
        let this = self.get_mut();
        // A turn that does not end the poll is a crash or a restart, and the budget bounds both.
        loop {
            let Some(context) = &mut this.context else {
                // Polled after its end, which no executor does: nothing is left to wake for.
                return Poll::Pending;
            };
            let turn = if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(task));
                this.pause = None;
                this.life += 1;
                restart(context)
            } else {
                live(context, task)
            };
            match turn {
                Ok(Turn::Restarted) => {}
                Ok(Turn::Waiting) => return Poll::Pending,
                Ok(Turn::Ended(exit)) => {
                    this.retire();
                    return Poll::Ready(exit);
                }
                Err(payload) => match this.crashed(payload) {
                    Verdict::RestartAfter(_) => {}
                    Verdict::GiveUp => return Poll::Ready(Exit::GaveUp),
                },
            }
        }
    }
}

impl<A> Drop for Guarded<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    /// Covers the ends that are not the guard's own: an aborted task, an arbiter that stops.
    fn drop(&mut self) {
        self.retire();
    }
}

/// What one turn of a guarded actor came to, if it did not crash.
enum Turn {
    Restarted,
    Waiting,
    Ended(Exit),
}

/// Begins the next life.
///
/// Safe to repeat after a panic in the middle of it: it first throws away whatever is under way in
/// the context, and that includes what half a `restarting` has left there.
fn restart<A>(context: &mut ContextFut<A, Context<A>>) -> thread::Result<Turn>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    let restarted = catch_unwind(AssertUnwindSafe(|| context.restart()))?;
    Ok(if restarted {
        Turn::Restarted
    } else {
        Turn::Ended(Exit::Unreferenced)
    })
}

/// Lets the actor do what there is to do.
fn live<A>(
    context: &mut ContextFut<A, Context<A>>,
    task: &mut TaskContext<'_>,
) -> thread::Result<Turn>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(context).poll(task)))?;
    Ok(match polled {
        Poll::Pending => Turn::Waiting,
        Poll::Ready(()) => Turn::Ended(Exit::Stopped),
    })
}

/// Drops what a panic carried, which is a value of any type, so that even this may panic.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // One leaked value is the price of not going on like this for ever.
        #[allow(clippy::mem_forget, reason = "dropping it might panic again")]
        std::mem::forget(worse);
    }
}
