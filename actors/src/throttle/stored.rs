//! Where rows are stored that wait for budget, so that none of their kind overtakes them.

use std::collections::HashMap;
use std::sync::Arc;

use actix::Addr;
use evertask_core::limit::{OwnedScope, Scope};
use parking_lot::Mutex;

use super::limits::RateLimits;
use super::subject::Subject;
use crate::queue::Gate;
use crate::scheduler::{LookAgain, Scheduler};
use crate::supervision::tell;

/// The scopes of which rows may be stored that were passed over, with the queues they are in.
///
/// A mark is set when such a row was stored or passed over, and cleared by a claim of that queue that
/// began later and left none.
#[derive(Debug, Default)]
pub(crate) struct StoredRows(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    queues: HashMap<OwnedScope, HashMap<String, u64>>,
    last: u64,
}

/// A row that found no budget and is about to be stored without an owner. When it is dropped, its queue
/// is told to look for it when there would be budget.
#[must_use]
pub(crate) struct AwaitsBudget {
    limits: RateLimits,
    scheduler: Addr<Scheduler>,
    gate: Arc<Gate>,
    scope: OwnedScope,
}

impl StoredRows {
    /// A claim is about to be made; the answer is for its end.
    pub(crate) fn begin_claim(&self) -> u64 {
        self.0.lock().last
    }

    /// A claim of a queue has found everything, and passed over rows of these scopes.
    pub(crate) fn end_claim(&self, queue: &str, begun: u64, passed_over: Vec<OwnedScope>) {
        let mut marks = self.0.lock();
        marks.queues.retain(|_, queues| {
            queues.retain(|other, mark| other != queue || *mark > begun);
            !queues.is_empty()
        });
        for scope in passed_over {
            marks.set(scope, queue);
        }
    }

    fn holds(&self, scope: &OwnedScope) -> bool {
        self.0.lock().queues.contains_key(scope)
    }

    fn is_empty(&self) -> bool {
        self.0.lock().queues.is_empty()
    }
}

impl Marks {
    fn set(&mut self, scope: OwnedScope, queue: &str) {
        self.last += 1;
        let queues = self.queues.entry(scope).or_default();
        queues.insert(queue.to_owned(), self.last);
    }
}

impl RateLimits {
    /// The scope of a live dispatch of which rows have waited longer, if there is one.
    pub(crate) fn waits_behind(&self, subject: Subject<'_>) -> Option<OwnedScope> {
        if self.stored.is_empty() {
            return None;
        }
        let mut scopes = subject.scopes().map(Scope::to_owned_scope);
        scopes.find(|scope| self.stored.holds(scope))
    }

    /// A row of this scope is about to be stored.
    pub(crate) fn awaits(
        &self,
        scope: OwnedScope,
        gate: &Arc<Gate>,
        scheduler: &Addr<Scheduler>,
    ) -> AwaitsBudget {
        AwaitsBudget {
            limits: self.clone(),
            scheduler: scheduler.clone(),
            gate: Arc::clone(gate),
            scope,
        }
    }
}

impl Drop for AwaitsBudget {
    fn drop(&mut self) {
        let queue = self.gate.name();
        self.limits.stored.0.lock().set(self.scope.clone(), queue);
        let now = self.limits.clock.now();
        match self.limits.opens_at(&self.scope) {
            Some(at) if at > now => {
                let gate = Arc::clone(&self.gate);
                tell(&self.scheduler, LookAgain { gate, at });
            }
            Some(_) | None => self.gate.recheck(),
        }
    }
}
