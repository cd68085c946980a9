use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Supervised};
use evertask_core::storage::TaskStorage;
use evertask_core::time::Clock;
use tokio::sync::Semaphore;

use super::flush::flush;
use super::group::{WriteQueue, WriteSet};
use super::health::HealthSignal;
use crate::delivery::DeliveryRegistry;
use crate::monitor::Publisher;
use crate::runtime::FaultSwitch;
use crate::supervision::tell;
use crate::waiting::Ends;

/// Collects writes from all the others and commits them in groups.
pub(crate) struct Persistence {
    deps: PersistenceDeps,
    flushing: bool,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct PersistenceDeps {
    pub(crate) storage: Arc<dyn TaskStorage>,
    pub(crate) waiting: WriteQueue,
    /// Held by the flush that runs: a restarted actor does not start a second one beside it.
    pub(crate) lane: Arc<Semaphore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) publisher: Publisher,
    pub(crate) registry: DeliveryRegistry,
    pub(crate) ends: Ends,
    pub(crate) health: HealthSignal,
    pub(crate) faults: FaultSwitch,
}

/// Commits a set of writes and answers each.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Apply(pub(crate) WriteSet);

/// A flush has ended, one way or another.
#[derive(Message)]
#[rtype(result = "()")]
struct Flushed;

impl Persistence {
    pub(crate) fn new(deps: PersistenceDeps) -> Self {
        Self {
            deps,
            flushing: false,
        }
    }

    fn flush(&mut self, addr: Addr<Self>) {
        if self.flushing || self.deps.waiting.is_empty() {
            return;
        }
        self.flushing = true;
        let ended = TellFlushed(addr);
        let deps = self.deps.clone();
        // A task of its own and not of the actor's context: a commit that is under way goes on when
        // the actor restarts, and its callers are answered.
        actix_rt::spawn(async move {
            flush(deps).await;
            drop(ended);
        });
    }
}

impl Actor for Persistence {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.deps.faults.started::<Self>();
        self.flush(context.address());
    }
}

impl Supervised for Persistence {
    fn restarting(&mut self, _: &mut Self::Context) {
        *self = Self::new(self.deps.clone());
        self.deps.faults.restarting::<Self>();
    }
}

impl Handler<Apply> for Persistence {
    type Result = ();

    fn handle(&mut self, Apply(set): Apply, context: &mut Self::Context) {
        self.deps.waiting.push(set);
        self.flush(context.address());
    }
}

impl Handler<Flushed> for Persistence {
    type Result = ();

    fn handle(&mut self, _: Flushed, context: &mut Self::Context) {
        self.flushing = false;
        self.flush(context.address());
    }
}

/// Tells the actor when dropped, so that a flush that crashes is followed by the next one too.
struct TellFlushed(Addr<Persistence>);

impl Drop for TellFlushed {
    fn drop(&mut self) {
        tell(&self.0, Flushed);
    }
}
