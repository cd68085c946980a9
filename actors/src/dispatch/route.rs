//! Where a dispatch goes: into a window, to the stored backlog, or nowhere.

use std::sync::Arc;

use evertask_core::rank::Rank;
use evertask_core::schedule::Overlap;
use evertask_core::task::{SeriesDefinition, TaskDefinition};
use evertask_core::time::Timestamp;

use super::admission::AdmissionDeps;
use super::error::DispatchError;
use crate::delivery::Registration;
use crate::pool::LookAtQueues;
use crate::queue::{
    AheadPlace, AwaitsTurn, Concerned, Gate, Place, Queue, Spill, Turn, Waiting, WhenFull,
};
use crate::supervision::tell;
use crate::throttle::{AwaitsBudget, Counted, Subject};

/// Where the row goes once it is stored.
pub(super) enum Route {
    /// To its pool: a place, an entry in the registry and a turn are taken.
    Window(Place, Registration, Turn),
    /// It stays stored and is claimed when there is room; the claim waits for this insert, and perhaps
    /// the caller for the claim.
    Spilled(Spill, Option<Waiting>),
    /// It stays stored and is claimed when it has a turn; it is in nobody's way.
    AwaitsTurn(AwaitsTurn),
    /// It stays stored and is claimed when its limit lets more start; it is in nobody's way.
    AwaitsBudget(AwaitsBudget),
    /// It waits in memory until it is due: a place and an entry in the registry are taken.
    Ahead(AheadPlace, Registration, Timestamp),
    /// It stays stored and is claimed when it is due.
    Later(Timestamp),
}

impl Route {
    pub(super) fn take_waiting(&mut self) -> Option<Waiting> {
        match self {
            Self::Spilled(_, waiting) => waiting.take(),
            Self::Window(..)
            | Self::AwaitsTurn(_)
            | Self::AwaitsBudget(_)
            | Self::Ahead(..)
            | Self::Later(_) => None,
        }
    }
}

/// A dispatch that looks for its way.
pub(super) struct Wanted<'a> {
    /// The queue it is for.
    pub(super) gate: &'a Arc<Gate>,
    pub(super) definition: &'a TaskDefinition,
    pub(super) now: Timestamp,
    /// When it is due, unless it is due now.
    pub(super) later: Option<Timestamp>,
    /// Whether its caller can wait for a place. A handler can't: it may hold the very slot that its
    /// task would need.
    pub(super) may_wait: bool,
}

/// The way, and the queue at its end.
pub(super) struct Routed {
    pub(super) gate: Arc<Gate>,
    pub(super) route: Route,
}

impl Routed {
    fn to(gate: &Arc<Gate>, route: Route) -> Self {
        let gate = Arc::clone(gate);
        Self { gate, route }
    }
}

impl Wanted<'_> {
    /// Takes everything that the way needs.
    pub(super) fn route(&self, deps: &AdmissionDeps) -> Result<Routed, DispatchError> {
        let gate = self.gate;
        if let Some(at) = self.later {
            return Ok(self.later(at, deps));
        }
        // A draining runtime starts nothing, and an id that is under way is stored already: they only
        // have to reach the storage, however full the window is.
        if !self.may_run(deps) {
            return Ok(self.spilled(gate));
        }
        if let Some(routed) = self.behind_others(deps) {
            return Ok(routed);
        }
        let Some(mut turn) = deps.turns.take_live(self.definition) else {
            return Ok(self.awaits_turn(gate, deps));
        };
        if let Some(routed) = self.take_place(gate, deps, &mut turn) {
            // Whoever has no stored row to claim would not learn what another process decided.
            if deps.gates.begin_look(deps.clock.elapsed()) {
                tell(&gate.pool, LookAtQueues);
            }
            return Ok(routed);
        }
        // A series waits for its occurrences anyway and is never refused or sent elsewhere.
        if self.definition.series.is_some() || !gate.is_full() {
            return Ok(self.spilled(gate));
        }
        match gate.config.when_full {
            WhenFull::Spill => Ok(self.spilled(gate)),
            WhenFull::Wait => self.wait(gate, deps),
            WhenFull::FallbackToDefault => self.fall_back(deps, &mut turn),
            WhenFull::Reject => Err(DispatchError::QueueFull {
                queue: gate.name().to_owned(),
                id: self.definition.id,
            }),
        }
    }

    /// The way of a task that follows another one: nobody is there to be refused or to wait.
    pub(super) fn follow(&self, deps: &AdmissionDeps, is_fresh: bool) -> Routed {
        let gate = self.gate;
        if let Some(at) = self.later {
            return Routed::to(gate, Route::Later(at));
        }
        if !is_fresh || !self.may_run(deps) {
            return self.spilled(gate);
        }
        if let Some(routed) = self.behind_others(deps) {
            return routed;
        }
        let Some(mut turn) = deps.turns.take_live(self.definition) else {
            return self.awaits_turn(gate, deps);
        };
        let routed = self.take_place(gate, deps, &mut turn);
        routed.unwrap_or_else(|| self.spilled(gate))
    }

    /// The way of a task that is due later: if that is soon, it waits in memory.
    fn later(&self, at: Timestamp, deps: &AdmissionDeps) -> Routed {
        let gate = self.gate;
        let ahead = self.take_place_ahead(at, deps);
        Routed::to(gate, ahead.unwrap_or(Route::Later(at)))
    }

    fn take_place_ahead(&self, at: Timestamp, deps: &AdmissionDeps) -> Option<Route> {
        if !self.may_run(deps) {
            return None;
        }
        let place = self.gate.take_place_ahead(at, self.now)?;
        let registration = deps.registry.register(self.definition.id)?;
        registration.park();
        Some(Route::Ahead(place, registration, at))
    }

    fn may_run(&self, deps: &AdmissionDeps) -> bool {
        deps.lifecycle.is_running()
            && !deps.registry.contains(self.definition.id)
            && !self.runs_beside()
    }

    /// Whether it is a series whose occurrences are tasks of their own: it never runs itself, and a claim
    /// is what makes the tasks.
    fn runs_beside(&self) -> bool {
        let policy = self
            .definition
            .series
            .as_ref()
            .map(SeriesDefinition::read_policy);
        policy.is_some_and(|policy| policy.is_ok_and(|policy| policy.overlap == Overlap::Allow))
    }

    /// Takes a place, and with it the turn.
    fn take_place(
        &self,
        gate: &Arc<Gate>,
        deps: &AdmissionDeps,
        turn: &mut Turn,
    ) -> Option<Routed> {
        let place = gate.take_place()?;
        let registration = deps.registry.register(self.definition.id)?;
        let route = Route::Window(place, registration, turn.take());
        Some(Routed::to(gate, route))
    }

    /// The way of a task of whose limit others are stored that have waited longer.
    fn behind_others(&self, deps: &AdmissionDeps) -> Option<Routed> {
        let counted = Counted::of(self.definition);
        let subject = Subject {
            queue: self.gate.name(),
            task: &self.definition.task,
            counted: &counted,
        };
        let scope = deps.limits.waits_behind(subject)?;
        let awaits = deps.limits.awaits(scope, self.gate, &deps.scheduler);
        Some(Routed::to(self.gate, Route::AwaitsBudget(awaits)))
    }

    fn awaits_turn(&self, gate: &Arc<Gate>, deps: &AdmissionDeps) -> Routed {
        let awaits = deps.turns.awaits(Concerned::of(self.definition), gate);
        Routed::to(gate, Route::AwaitsTurn(awaits))
    }

    /// Tries the default queue once and then waits for it, whatever that does when it is full.
    ///
    /// What is for a queue that is paused must not run in another one.
    fn fall_back(&self, deps: &AdmissionDeps, turn: &mut Turn) -> Result<Routed, DispatchError> {
        let default = deps.gates.find(Queue::DEFAULT);
        let Some(default) = default.filter(|_| !self.gate.is_paused()) else {
            return Ok(self.spilled(self.gate));
        };
        match self.take_place(default, deps, turn) {
            Some(routed) => Ok(routed),
            None if default.is_full() => self.wait(default, deps),
            None => Ok(self.spilled(default)),
        }
    }

    /// Waits for a place; not for that of a paused queue, because nobody knows when it goes on.
    fn wait(&self, gate: &Arc<Gate>, deps: &AdmissionDeps) -> Result<Routed, DispatchError> {
        if !self.may_wait || gate.is_paused() {
            return Ok(self.spilled(gate));
        }
        let limit = deps.max_under_way;
        // Joined before anything is stored, so that no claim can pass by unseen.
        let waiting = gate.wait_for_place(self.definition.id, limit);
        let waiting = waiting.ok_or(DispatchError::Overloaded { limit })?;
        let route = Route::Spilled(self.begin_spill(gate), Some(waiting));
        Ok(Routed::to(gate, route))
    }

    fn spilled(&self, gate: &Arc<Gate>) -> Routed {
        Routed::to(gate, Route::Spilled(self.begin_spill(gate), None))
    }

    fn begin_spill(&self, gate: &Arc<Gate>) -> Spill {
        let ageing = gate.config.ageing;
        let definition = self.definition;
        gate.begin_spill(Rank::new(
            self.now,
            definition.priority,
            definition.id,
            ageing,
        ))
    }
}
