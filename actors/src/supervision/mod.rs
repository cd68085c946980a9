//! What happens when an actor of ours crashes.
//!
//! actix lets an actor that panics die, together with its mailbox; its own `Supervisor` restarts
//! only what stopped by itself. So each of our actors runs behind a guard: the panic is caught
//! inside the actor's task, reported, and answered with a restart in place. The address and the
//! queued messages survive it; the message being handled, timers and spawned futures do not, and
//! the state is rebuilt by [`Supervised::restarting`](actix::Supervised::restarting).
//!
//! The strategy is always one-for-one: since addresses are stable, no neighbour needs to restart.
//! An actor that keeps crashing spends its [`RestartBudget`] and is given up; whoever hears the
//! [`CrashReport`] decides what that means for the rest.
//!
//! What an actor does for this in return: `restarting` rebuilds every field from what stays true
//! across a crash, `started` may run any number of times, and there is no `stopping` and no
//! `stopped`, because orderly shutdown is a message with a reply.

mod ask;
mod budget;
mod guarded;
mod report;
mod slot;

pub use ask::{AskError, ask, tell};
pub use budget::{RestartBudget, Verdict};
pub use guarded::Exit;
pub use report::{ActorName, CrashReport, CrashSink, panic_text};
pub use slot::GuardedSlot;
