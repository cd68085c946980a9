use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Supervised};
use evertask_core::time::Clock;
use parking_lot::Mutex;

use crate::runtime::lifecycle::{Lifecycle, RuntimeFault};
use crate::supervision::{ActorName, CrashReport, CrashSink, GuardedSlot, RestartBudget, Verdict};

/// What all actors are guarded with.
pub(super) struct Guard {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) reports: CrashSink,
}

impl Guard {
    pub(super) fn start<A>(&self, slot: GuardedSlot<A>, actor: A)
    where
        A: Actor<Context = Context<A>> + Supervised,
    {
        let clock = Arc::clone(&self.clock);
        let reports = Arc::clone(&self.reports);
        // The handle is not needed: whoever is given up is reported.
        drop(slot.start(actor, RestartBudget::default(), clock, reports));
    }
}

/// Reports crashes to the log, and ends the runtime when an actor is given up.
///
/// A fault says what the first of the panics said that spent the budget: later ones may be its
/// consequences, and what was survived before has nothing to do with it.
pub(super) fn crash_sink(lifecycle: Lifecycle) -> CrashSink {
    let first_panics = Mutex::new(HashMap::<ActorName, String>::new());
    Arc::new(move |report: CrashReport| {
        let CrashReport {
            actor,
            life,
            panic,
            verdict,
            ..
        } = report;
        lifecycle.note_crash();
        let mut first_panics = first_panics.lock();
        if verdict == Verdict::RestartAfter(Duration::ZERO) {
            first_panics.remove(&actor);
        }
        let first = first_panics.entry(actor.clone());
        let first = first.or_insert_with(|| panic.clone()).clone();
        tracing::error!(%actor, life, panic, ?verdict, "an actor crashed");
        if verdict == Verdict::GiveUp {
            lifecycle.end(Err(RuntimeFault::ActorGaveUp {
                actor,
                panic: first,
            }));
        }
    })
}
