use parking_lot::Mutex;

use super::contract::{Limiter, Reply};
use super::decision::{Budget, Decision, MovedSlot};
use super::keyed::KeyedLimiter;
use super::overview::Overview;
use super::policy::{InvalidRateLimit, RateLimit};
use super::request::{Demand, Request};
use super::scope::Scope;
use super::snapshot::LimiterSnapshot;
use crate::task::TaskId;
use crate::time::Timestamp;

/// A [`KeyedLimiter`] for several threads: the limiter of a process unless another one is given.
///
/// One lock holds all of it. A decision takes a fraction of a microsecond, and the bound on tracked keys
/// and the spending of several budgets at once are exact only in one piece.
#[derive(Debug, Default)]
pub struct SharedLimiter {
    limiter: Mutex<KeyedLimiter>,
}

impl SharedLimiter {
    /// Creates a limiter that tracks at most `max_keys` scopes; see [`KeyedLimiter::new`].
    pub fn new(max_keys: usize) -> Self {
        KeyedLimiter::new(max_keys).into()
    }

    /// What is spent; see [`KeyedLimiter::snapshot`].
    pub fn snapshot(&self, now: Timestamp) -> LimiterSnapshot {
        self.limiter.lock().snapshot(now)
    }

    /// Takes over what was spent before; see [`KeyedLimiter::restore`].
    pub fn restore(&self, snapshot: &LimiterSnapshot, now: Timestamp) -> usize {
        self.limiter.lock().restore(snapshot, now)
    }
}

impl From<KeyedLimiter> for SharedLimiter {
    fn from(limiter: KeyedLimiter) -> Self {
        Self {
            limiter: Mutex::new(limiter),
        }
    }
}

impl Limiter for SharedLimiter {
    fn acquire(&self, request: &Request<'_>, now: Timestamp) -> Reply<Decision> {
        Reply::Ready(self.limiter.lock().acquire(request, now))
    }

    fn release(&self, id: TaskId, scopes: &[Scope<'_>], _now: Timestamp) -> Reply<bool> {
        Reply::Ready(self.limiter.lock().release(id, scopes.iter().copied()))
    }

    fn peek(&self, demand: &Demand<'_>, now: Timestamp) -> Reply<Budget> {
        Reply::Ready(self.limiter.lock().peek(demand, now))
    }

    fn pause(&self, demand: &Demand<'_>, until: Timestamp, now: Timestamp) -> Reply<bool> {
        Reply::Ready(self.limiter.lock().pause(demand, until, now))
    }

    fn reset(&self, scope: Scope<'_>, now: Timestamp) -> Reply<Vec<MovedSlot>> {
        Reply::Ready(self.limiter.lock().reset(scope, now))
    }

    fn change(
        &self,
        scope: Scope<'_>,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        let moved = self.limiter.lock().change(scope, limit, now)?;
        Ok(Reply::Ready(moved))
    }

    fn change_keys_of(
        &self,
        task: &str,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Reply<Vec<MovedSlot>>, InvalidRateLimit> {
        let moved = self.limiter.lock().change_keys_of(task, limit, now)?;
        Ok(Reply::Ready(moved))
    }

    fn overview(&self, most: usize, now: Timestamp) -> Reply<Overview> {
        Reply::Ready(self.limiter.lock().overview(most, now))
    }
}
