use std::collections::HashMap;
use std::time::Duration;

use evertask_core::limit::{Budget, Demand, OwnedScope, RateLimit, Reply, ScopeKind};
use evertask_core::time::{Timestamp, later};
use parking_lot::Mutex;

use super::limits::RateLimits;

/// How long before its slot a stored task is claimed, so that no budget is wasted while a claim is on its
/// way, and claims for one scope are rare.
const REACH: Duration = Duration::from_secs(10);

/// How many tasks of a scope are claimed before their slots: fewer seconds ahead, if it starts many in a
/// second.
const AHEAD: u32 = 50;

/// How long it takes at least until the next claim for the same scope.
const PAUSE: Duration = Duration::from_millis(20);

/// Of how many scopes it is known at most that they are short; of others, claims bring tasks that are then
/// parked.
const MOST: usize = 1_000;

/// The scopes in which tasks were told to wait and that have not recovered.
#[derive(Debug, Default)]
pub(crate) struct ShortScopes(Mutex<HashMap<OwnedScope, RateLimit>>);

/// How much a claim may bring of a scope.
#[derive(Clone, Debug)]
pub(crate) struct RoomOfScope {
    pub(crate) scope: OwnedScope,
    /// How many tasks that cost one.
    pub(crate) room: usize,
    /// When it is worth to claim again.
    pub(crate) opens_at: Timestamp,
}

impl ShortScopes {
    /// A task found no budget in this scope.
    pub(super) fn note(&self, scope: &OwnedScope, limit: &RateLimit) {
        let mut short = self.0.lock();
        if let Some(known) = short.get_mut(scope) {
            *known = *limit;
        } else if short.len() < MOST {
            short.insert(scope.clone(), *limit);
        }
    }
}

impl RateLimits {
    /// How much a claim may bring of each scope that is short of budget: what finds its budget soon
    /// enough to be parked until then.
    pub(crate) fn rooms(&self) -> Vec<RoomOfScope> {
        let now = self.clock.now();
        let mut rooms = Vec::new();
        self.short.0.lock().retain(|scope, limit| {
            let room = self.room(scope, limit, now);
            let is_short = room.is_some();
            rooms.extend(room);
            is_short
        });
        rooms
    }

    /// When a claim would bring something of a scope, if it is short of budget.
    pub(super) fn opens_at(&self, scope: &OwnedScope) -> Option<Timestamp> {
        let limit = *self.short.0.lock().get(scope)?;
        let room = self.room(scope, &limit, self.clock.now())?;
        (room.room == 0).then_some(room.opens_at)
    }

    /// `None` if the scope has recovered. A limiter that has to be asked elsewhere keeps nothing back:
    /// what is claimed is parked.
    fn room(&self, scope: &OwnedScope, limit: &RateLimit, now: Timestamp) -> Option<RoomOfScope> {
        let budget = self.budget(scope, limit, now)?;
        if budget.parked == 0 && budget.next_slot <= now {
            return None;
        }
        let reach = self.reach(limit);
        let ahead = self.budget(scope, limit, later(now, reach))?;
        Some(RoomOfScope {
            scope: scope.clone(),
            room: usize::try_from(ahead.available).unwrap_or(usize::MAX),
            opens_at: opens_at(budget.next_slot, reach, now),
        })
    }

    /// How far ahead tasks of a scope are claimed: less, the fewer can still be parked.
    fn reach(&self, limit: &RateLimit) -> Duration {
        let interval = limit.period() / limit.permits().max(1);
        let reach = REACH.min(interval.saturating_mul(AHEAD));
        let (parked, most) = self.lot.occupancy();
        let free = most.saturating_sub(parked);
        let share = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        reach.saturating_mul(share(free)) / share(most).max(1)
    }

    fn budget(&self, scope: &OwnedScope, limit: &RateLimit, at: Timestamp) -> Option<Budget> {
        let demand = Demand::new(scope.as_scope(), limit).ok()?;
        match self.limiter.peek(&demand, at) {
            Reply::Ready(budget) => Some(budget),
            Reply::Pending(_) => None,
        }
    }
}

/// When what is stored of a scope is worth a claim: half a reach before what is booked has been used, so
/// that a claim brings more than one task.
fn opens_at(next_slot: Timestamp, reach: Duration, now: Timestamp) -> Timestamp {
    let early = next_slot - reach;
    early.max(later(now, (reach / 2).max(PAUSE)))
}

impl RoomOfScope {
    /// Whether it is that of a queue of this name.
    pub(crate) fn is_of_queue(&self, queue: &str) -> bool {
        let scope = self.scope.as_scope();
        scope.kind() == ScopeKind::Queue && scope.name() == queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_scope_is_looked_at_its_reach_before_its_slot_and_not_too_often() {
        let second = Duration::from_secs(1);
        let at = |slot: Duration| opens_at(NOW + slot, 10 * second, NOW) - NOW;
        let after = |span: Duration| chrono::TimeDelta::from_std(span).unwrap();
        assert_eq!(at(60 * second), after(50 * second));
        assert_eq!(at(12 * second), after(5 * second));
        assert_eq!(at(Duration::ZERO), after(5 * second));
        // With nothing to be parked any more, at the slot itself.
        let late = opens_at(NOW + second, Duration::ZERO, NOW) - NOW;
        assert_eq!(late, after(second));
        let soon = opens_at(NOW, Duration::ZERO, NOW) - NOW;
        assert_eq!(soon, after(PAUSE));
    }
}
