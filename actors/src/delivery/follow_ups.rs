//! The tasks that are to follow another one.
//!
//! They are named while an attempt runs, and stored with its outcome: both commit, or neither does.
//! Nothing is taken for them before the outcome is decided, so a handler that takes its time holds no
//! place in anybody's window.

use std::sync::Arc;

use evertask_core::storage::NewTask;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;
use parking_lot::Mutex;

use crate::dispatch::{
    AdmissionDeps, Admitted, Dispatch, DispatchError, DispatchOutcome, Inspected, inspect,
};
use crate::persistence::Settled;
use crate::pool::SweepOrphans;
use crate::supervision::tell;

/// How the outcome has to be for a follow-up to be stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Follows {
    Success,
    Failure,
    Either,
}

impl Follows {
    fn includes(self, outcome: Self) -> bool {
        self == Self::Either || self == outcome
    }
}

/// The follow-ups of one delivery, until an outcome takes those that it stores.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<State>);

#[derive(Default)]
struct State {
    named: Vec<Named>,
    payload_bytes: usize,
    /// The latest attempt whose end is decided; what it named can't be added to any more.
    decided: u32,
}

struct Named {
    attempt: u32,
    follows: Follows,
    id: TaskId,
    is_fresh: bool,
    at: Timestamp,
    dispatch: Inspected,
}

impl Shelf {
    /// How many follow-ups one outcome has at most, and how long their payloads are together: they
    /// are one write, which is sent again whole when an answer is lost.
    const MAX_COUNT: usize = 1_000;
    const MAX_BYTES: usize = 8 * 1024 * 1024;

    /// Names a follow-up of an attempt, and answers its id.
    pub(crate) fn name(
        &self,
        deps: &AdmissionDeps,
        attempt: u32,
        follows: Follows,
        dispatch: Dispatch,
    ) -> Result<TaskId, DispatchError> {
        let at = deps.clock.now();
        // One with a key may be left out, and nobody is told in time.
        let is_fresh = dispatch.known_id().is_none() && !dispatch.has_key();
        let id = dispatch.known_id();
        let id = id.unwrap_or_else(|| TaskId(deps.ids.next(at)));
        let dispatch = inspect(deps, dispatch.id(id))?;
        // What can be wrong with its instants is said here, where the handler can hear it.
        dispatch.plan(id, at)?;
        let mut state = self.0.lock();
        if attempt <= state.decided {
            return Err(DispatchError::OutcomeDecided);
        }
        state.forget_attempts_before(attempt);
        let bytes = state.payload_bytes.saturating_add(dispatch.payload_size());
        if state.named.len() >= Self::MAX_COUNT || bytes > Self::MAX_BYTES {
            return Err(DispatchError::TooManyFollowUps {
                limit: Self::MAX_COUNT,
                bytes: Self::MAX_BYTES,
            });
        }
        state.payload_bytes = bytes;
        state.named.push(Named {
            attempt,
            follows,
            id,
            is_fresh,
            at,
            dispatch,
        });
        Ok(id)
    }

    /// Takes what an attempt named for that outcome. Nothing can be added from here on.
    pub(crate) fn decide(&self, deps: &AdmissionDeps, attempt: u32, outcome: Follows) -> FollowUps {
        let named = {
            let mut state = self.0.lock();
            state.decided = state.decided.max(attempt);
            state.payload_bytes = 0;
            std::mem::take(&mut state.named)
        };
        let now = deps.clock.now();
        let wanted = named
            .into_iter()
            .filter(|named| named.attempt == attempt && named.follows.includes(outcome));
        let admitted = wanted.filter_map(|named| named.admit(deps, now)).collect();
        FollowUps(admitted)
    }

    /// Closes the shelf to an attempt that came to no outcome of the task.
    pub(crate) fn discard(&self, attempt: u32) {
        let mut state = self.0.lock();
        state.decided = state.decided.max(attempt);
        state.forget_attempts_before(attempt.saturating_add(1));
    }
}

impl State {
    fn forget_attempts_before(&mut self, attempt: u32) {
        self.named.retain(|named| named.attempt >= attempt);
        let sizes = self.named.iter().map(|named| named.dispatch.payload_size());
        self.payload_bytes = sizes.sum();
    }
}

impl Named {
    /// Its times count from the outcome; should that make them impossible, from when it was named.
    fn admit(self, deps: &AdmissionDeps, now: Timestamp) -> Option<Admitted> {
        let plan = self.dispatch.plan(self.id, now);
        match plan.or_else(|_| self.dispatch.plan(self.id, self.at)) {
            Ok(plan) => Some(self.dispatch.follow(deps, plan, self.is_fresh)),
            Err(error) => {
                tracing::error!(%error, id = %self.id, "a follow-up was good and is not any more");
                None
            }
        }
    }
}

/// Follow-ups on their way to the storage, with everything that is taken for them.
///
/// If nobody says what became of them, they may be stored and owned by this process, without a
/// delivery: their pools look for them.
#[derive(Default)]
#[must_use]
pub(crate) struct FollowUps(Vec<Admitted>);

impl FollowUps {
    /// What is to be stored.
    pub(crate) fn rows(&self) -> Vec<NewTask> {
        self.0
            .iter()
            .map(|admitted| admitted.row().clone())
            .collect()
    }

    /// Goes on from what became of the outcome.
    pub(crate) async fn settle(mut self, outcome: &Settled) {
        match outcome {
            Settled::Applied => {
                for admitted in std::mem::take(&mut self.0) {
                    settle_one(admitted).await;
                }
            }
            // They are not stored.
            Settled::Superseded | Settled::Unfollowed(_) => self.0.clear(),
            Settled::Abandoned => {}
        }
    }
}

impl Drop for FollowUps {
    fn drop(&mut self) {
        for admitted in std::mem::take(&mut self.0) {
            let gate = Arc::clone(admitted.gate());
            drop(admitted);
            tell(&gate.pool, SweepOrphans);
        }
    }
}

/// A follow-up without a key goes where it is to go. One with a key was left out if a task holds the key:
/// it comes to terms with that one as any dispatch does, and if it was stored, that finds out.
async fn settle_one(admitted: Admitted) {
    let id = admitted.id();
    let settled = if admitted.row().record.definition.key.is_some() {
        // Few have a key, and every delivery would have to have room for this.
        Box::pin(admitted.commit(&mut None)).await
    } else {
        admitted.hand_over(DispatchOutcome::Created)
    };
    if let Err(error) = settled {
        // What is stored and could not be handed over runs after the next start.
        tracing::warn!(%error, %id, "a follow-up was not handed over");
    }
}
