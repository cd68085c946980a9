use std::sync::Arc;

use actix::Addr;
use parking_lot::Mutex;

use crate::pool::{CheckWindow, WorkerPool};
use crate::supervision::tell;

/// Lets one delivery at a time run among those that a crash interrupted.
///
/// Any of them may be what killed the process. Run one after the other, only the one that is
/// running can be blamed for the next crash.
#[derive(Clone, Default)]
pub(crate) struct SoloGate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    taken: bool,
    waiting: Vec<Addr<WorkerPool>>,
}

/// The turn to run alone, passed on when dropped.
#[must_use]
pub(crate) struct SoloTurn(SoloGate);

impl SoloGate {
    /// Takes the turn; if it is taken, `pool` is told to look again when it is free.
    pub(crate) fn take(&self, pool: &Addr<WorkerPool>) -> Option<SoloTurn> {
        let mut state = self.0.lock();
        if state.taken {
            if !state.waiting.contains(pool) {
                state.waiting.push(pool.clone());
            }
            return None;
        }
        state.taken = true;
        Some(SoloTurn(self.clone()))
    }
}

impl Drop for SoloTurn {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.0.lock();
            state.taken = false;
            std::mem::take(&mut state.waiting)
        };
        for pool in waiting {
            tell(&pool, CheckWindow);
        }
    }
}
