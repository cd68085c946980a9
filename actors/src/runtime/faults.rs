//! Where tests make our own code crash.
//!
//! Without the feature `testing` a switch is an empty value whose calls vanish.

pub(crate) use switch::FaultSwitch;
#[cfg(feature = "testing")]
pub use switch::{Phase, Provocation, Target};

/// A step between two writes at which a crash is worth a test.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(
    not(feature = "testing"),
    allow(dead_code, reason = "only tests look at it")
)]
pub(crate) enum FaultPoint {
    /// A group is committed and nobody has been answered.
    AfterCommit,
    /// Rows are claimed and nobody knows.
    AfterClaim,
}

#[cfg(not(feature = "testing"))]
mod switch {
    use super::FaultPoint;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct FaultSwitch(());

    #[allow(
        clippy::unused_self,
        clippy::trivially_copy_pass_by_ref,
        reason = "the signatures are those of the switch for tests"
    )]
    impl FaultSwitch {
        pub(crate) fn hit(&self, _: FaultPoint) {}

        pub(crate) fn started<A>(&self) {}

        pub(crate) fn restarting<A>(&self) {}
    }
}

#[cfg(feature = "testing")]
#[allow(clippy::panic, reason = "panicking is what it is for")]
mod switch {
    use std::any::type_name;
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, WrapFuture};
    use parking_lot::Mutex;

    use super::FaultPoint;
    use crate::monitor::Monitor;
    use crate::persistence::Persistence;
    use crate::pool::WorkerPool;
    use crate::retention::Housekeeper;
    use crate::scheduler::Scheduler;
    use crate::supervisor::Supervisor;

    /// Which actor to crash.
    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    pub enum Target {
        /// The supervisor.
        Supervisor,
        /// The persistence actor.
        Persistence,
        /// The pool of the default queue.
        Pool,
        /// The scheduler.
        Scheduler,
        /// The monitor.
        Monitor,
        /// The housekeeper, if a retention policy is set.
        Housekeeper,
    }

    /// Where in its life to crash it.
    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    pub enum Phase {
        /// In a message handler.
        Message,
        /// In a timer.
        Timer,
        /// In a future spawned in its context.
        Future,
        /// In `started`, after a crash in a message handler.
        Started,
        /// In `restarting`, after a crash in a message handler.
        Restarting,
    }

    /// A crash to provoke.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub enum Provocation {
        /// Of an actor.
        Actor(Target, Phase),
        /// Between a commit and its replies.
        AfterCommit,
        /// Between a claim and its hand-over.
        AfterClaim,
    }

    #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
    enum Trap {
        Point(FaultPoint),
        Started(&'static str),
        Restarting(&'static str),
    }

    #[derive(Clone, Debug, Default)]
    pub(crate) struct FaultSwitch(Arc<Mutex<HashMap<Trap, u32>>>);

    impl FaultSwitch {
        pub(crate) fn hit(&self, point: FaultPoint) {
            self.spring(Trap::Point(point));
        }

        pub(crate) fn started<A>(&self) {
            self.spring(Trap::Started(type_name::<A>()));
        }

        pub(crate) fn restarting<A>(&self) {
            self.spring(Trap::Restarting(type_name::<A>()));
        }

        pub(crate) fn arm(&self, point: FaultPoint) {
            self.set(Trap::Point(point));
        }

        pub(crate) fn arm_phase<A>(&self, phase: Phase) {
            match phase {
                Phase::Started => self.set(Trap::Started(type_name::<A>())),
                Phase::Restarting => self.set(Trap::Restarting(type_name::<A>())),
                Phase::Message | Phase::Timer | Phase::Future => {}
            }
        }

        /// How many traps have not been sprung yet.
        pub(crate) fn armed(&self) -> u32 {
            self.0.lock().values().sum()
        }

        fn set(&self, trap: Trap) {
            *self.0.lock().entry(trap).or_default() += 1;
        }

        fn spring(&self, trap: Trap) {
            let armed = match self.0.lock().get_mut(&trap) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            };
            assert!(!armed, "provoked: {trap:?}");
        }
    }

    /// Makes the actor that handles it crash.
    #[derive(Clone, Copy, Debug, Message)]
    #[rtype(result = "()")]
    pub(crate) struct Provoke(pub(crate) Phase);

    fn crash<A: Actor<Context = Context<A>>>(phase: Phase, actor: &A, context: &mut Context<A>) {
        match phase {
            Phase::Message | Phase::Started | Phase::Restarting => panic!("provoked: {phase:?}"),
            Phase::Timer => {
                context.run_later(Duration::ZERO, |_, _| panic!("provoked: timer"));
            }
            Phase::Future => {
                let future = async { panic!("provoked: future") };
                context.spawn(future.into_actor(actor));
            }
        }
        debug_assert!(context.state().alive());
    }

    macro_rules! provokable {
        ($($actor:ty),+) => {$(
            impl Handler<Provoke> for $actor {
                type Result = ();

                fn handle(&mut self, Provoke(phase): Provoke, context: &mut Self::Context) {
                    crash(phase, self, context);
                }
            }
        )+};
    }

    provokable!(
        Supervisor,
        Persistence,
        WorkerPool,
        Scheduler,
        Monitor,
        Housekeeper
    );
}

#[cfg(feature = "testing")]
pub(crate) use switch::Provoke;
