//! The turns of limited types and keys, outside the pools: the account, and what is taken from it.
//!
//! A turn lasts as long as its delivery and is given back when that is dropped, wherever it ends. The
//! queues in which rows wait for it are told at that moment, so nobody has to look for a free one.

use std::sync::Arc;

use evertask_core::concurrency::{Claiming, Turns};
use evertask_core::task::TaskDefinition;
use parking_lot::Mutex;

use super::gate::Gate;
use crate::task::HandlerCatalog;

/// The turns of a process.
#[derive(Clone)]
pub(crate) struct TurnKeeper(Arc<Mutex<Turns<Waiting>>>);

/// A queue in which rows may be stored that wait for a turn.
#[derive(Clone)]
struct Waiting(Arc<Gate>);

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The turn of a delivery, given back when dropped; nothing for a type without limits.
#[must_use]
pub(crate) struct Turn(Option<(TurnKeeper, Concerned)>);

/// What of a task counts against the limits on how many run.
#[derive(Clone, Debug)]
pub(crate) struct Concerned {
    task: String,
    key: Option<String>,
}

impl Concerned {
    pub(crate) fn of(definition: &TaskDefinition) -> Self {
        Self {
            task: definition.task.clone(),
            key: definition.concurrency_key.clone(),
        }
    }
}

/// A row that found no turn and is about to be stored without an owner, reported when dropped.
#[must_use]
pub(crate) struct AwaitsTurn {
    keeper: TurnKeeper,
    concerned: Concerned,
    gate: Arc<Gate>,
}

impl TurnKeeper {
    pub(crate) fn new(catalog: &HandlerCatalog) -> Self {
        Self(Arc::new(Mutex::new(Turns::new(catalog.limits()))))
    }

    /// Takes a turn for a live dispatch, unless there is none or stored rows have waited for it.
    pub(crate) fn take_live(&self, definition: &TaskDefinition) -> Option<Turn> {
        let key = definition.concurrency_key.as_deref();
        let mut turns = self.0.lock();
        if !turns.is_limited(&definition.task) {
            return Some(Turn(None));
        }
        let is_taken = turns.take_live(&definition.task, key);
        is_taken.then(|| self.turn(Concerned::of(definition)))
    }

    /// Takes a turn for a task that is due, if there is one.
    pub(crate) fn take(&self, concerned: &Concerned) -> Option<Turn> {
        let Concerned { task, key } = concerned;
        let mut turns = self.0.lock();
        if !turns.is_limited(task) {
            return Some(Turn(None));
        }
        let is_taken = turns.take(task, key.as_deref());
        is_taken.then(|| self.turn(concerned.clone()))
    }

    fn turn(&self, concerned: Concerned) -> Turn {
        Turn(Some((self.clone(), concerned)))
    }

    /// A row found no turn.
    pub(crate) fn awaits(&self, concerned: Concerned, gate: &Arc<Gate>) -> AwaitsTurn {
        AwaitsTurn {
            keeper: self.clone(),
            concerned,
            gate: Arc::clone(gate),
        }
    }

    /// How many turns are taken.
    #[cfg(feature = "testing")]
    pub(crate) fn taken(&self) -> usize {
        self.0.lock().taken()
    }

    pub(crate) fn begin_claim(&self) -> Claiming {
        self.0.lock().begin_claim()
    }

    /// A claim of a queue has ended, with that much of its quota left.
    pub(crate) fn end_claim(&self, gate: &Arc<Gate>, claiming: &Claiming, passed_over: bool) {
        let queue = Waiting(Arc::clone(gate));
        let again = self.0.lock().end_claim(&queue, claiming, passed_over);
        if again {
            gate.recheck();
        }
    }
}

impl Turn {
    /// Gives the turn back, and answers what another one can be taken by; `None` for a type without
    /// limits, which needs none.
    pub(crate) fn suspend(self) -> Option<Concerned> {
        let (_, concerned) = self.0.as_ref()?;
        Some(concerned.clone())
    }

    /// The turn, which is left behind empty.
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some((keeper, Concerned { task, key })) = self.0.take() else {
            return;
        };
        let queues = keeper.0.lock().give_back(&task, key.as_deref());
        for Waiting(gate) in queues {
            gate.recheck();
        }
    }
}

impl Drop for AwaitsTurn {
    fn drop(&mut self) {
        let Concerned { task, key } = &self.concerned;
        let queue = Waiting(Arc::clone(&self.gate));
        let is_free = self.keeper.0.lock().wait(task, key.as_deref(), &queue);
        if is_free {
            self.gate.recheck();
        }
    }
}
