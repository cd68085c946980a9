//! The address of an actor, before the actor.

use std::fmt;
use std::sync::Arc;

use actix::dev::channel::{AddressReceiver, channel};
use actix::{Actor, Addr, Context, Supervised};
use actix_rt::task::JoinHandle;
use evertask_core::time::Clock;

use super::budget::RestartBudget;
use super::guarded::{Exit, Guarded};
use super::report::{ActorName, CrashSink};

/// A place where a guarded actor is going to live: it has the address and not yet the actor.
///
/// The two steps let actors that need each other's addresses be wired without optional fields:
/// make all slots, build each actor with the addresses it needs, then start them. What is sent
/// before [`start`](Self::start) waits in the mailbox; a slot that is dropped instead closes it.
pub struct GuardedSlot<A: Actor<Context = Context<A>>> {
    name: ActorName,
    addr: Addr<A>,
    mailbox: AddressReceiver<A>,
}

impl<A> GuardedSlot<A>
where
    A: Actor<Context = Context<A>> + Supervised,
{
    /// Creates the mailbox of an actor that is called `name` in reports.
    ///
    /// Nothing may rely on `mailbox_capacity` as a bound, since actix exceeds it: `tell` ignores it,
    /// and each clone of an address adds to it. It says from how many waiting messages on an
    /// `ask` queues its message only when it is first polled; 0 stands for no such limit.
    pub fn new(name: ActorName, mailbox_capacity: u16) -> Self {
        let (sender, mailbox) = channel(usize::from(mailbox_capacity));
        Self {
            name,
            addr: Addr::new(sender),
            mailbox,
        }
    }

    /// Hands out the address, which stays good for all lives of the actor.
    pub fn addr(&self) -> Addr<A> {
        self.addr.clone()
    }

    /// Starts the actor on the current arbiter, restarted in place whenever it panics.
    ///
    /// The handle may be dropped. Aborting through it ends the actor like giving it up, without a
    /// report.
    ///
    /// # Panics
    ///
    /// Panics outside an actix system, like [`actix_rt::spawn`].
    pub fn start(
        self,
        actor: A,
        budget: RestartBudget,
        clock: Arc<dyn Clock>,
        reports: CrashSink,
    ) -> JoinHandle<Exit> {
        // Destructured so that the slot's own address goes: it would keep the actor referenced.
        let Self { name, mailbox, .. } = self;
        let context = Context::with_receiver(mailbox).into_future(actor);
        actix_rt::spawn(Guarded::new(name, context, budget, clock, reports))
    }
}

impl<A: Actor<Context = Context<A>>> fmt::Debug for GuardedSlot<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GuardedSlot")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
