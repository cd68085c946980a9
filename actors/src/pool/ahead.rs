//! Claiming what is due soon, so that it can be handed over at its very instant.

use std::sync::Arc;

use actix::{Handler, Message};
use evertask_core::time::Timestamp;

use super::actor::WorkerPool;
use crate::scheduler::LookBy;
use crate::supervision::tell;

/// Something stored is due then, which is within the horizon.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LookAhead {
    pub(crate) due: Timestamp,
}

impl WorkerPool {
    /// Tells the scheduler when to look at the latest for what can't be claimed ahead now.
    pub(super) fn tell_look_by(&mut self) {
        let at = self.deps.gate.look_by();
        if self.look_by != at {
            self.look_by = at;
            let gate = Arc::clone(&self.deps.gate);
            tell(&self.deps.run.scheduler, LookBy { gate, at });
        }
    }
}

impl Handler<LookAhead> for WorkerPool {
    type Result = ();

    fn handle(&mut self, LookAhead { due }: LookAhead, context: &mut Self::Context) {
        self.deps.gate.owe(due);
        self.claim(context);
        self.tell_look_by();
    }
}
