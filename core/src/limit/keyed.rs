use super::bucket::Bucket;
use super::claim::Claims;
use super::decision::{Budget, Decision, MovedSlot};
use super::meter::Meter;
use super::pace::Pace;
use super::policy::{InvalidRateLimit, RateLimit};
use super::request::{Demand, Request};
use super::scope::{Scope, ScopeKind};
use super::table::Table;
use crate::task::TaskId;
use crate::time::Timestamp;

/// The budgets of a process, one for each scope, in memory.
///
/// It is a plain value: time is passed in, and nothing waits. [`SharedLimiter`](super::SharedLimiter)
/// is the same for several threads, and documents what a limiter promises.
///
/// A tracked key takes fewer than 200 bytes if it and the name of its type have no more than 35
/// together, and about 130 more for each task that has a slot.
#[derive(Clone, Debug)]
pub struct KeyedLimiter {
    pub(super) table: Table,
    fail_opens: u64,
}

impl Default for KeyedLimiter {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_KEYS)
    }
}

impl KeyedLimiter {
    /// How many scopes are tracked unless something else is said.
    pub const DEFAULT_MAX_KEYS: usize = 100_000;

    /// Creates a limiter that tracks at most `max_keys` scopes.
    ///
    /// If that many have budget spent or booked, a new one *fails open*: its tasks are not limited,
    /// and every decision says so. Those that are tracked stay limited.
    pub fn new(max_keys: usize) -> Self {
        Self {
            table: Table::new(max_keys),
            fail_opens: 0,
        }
    }

    /// Takes every budget for one that was spent to the last at `instant`, unless it is tracked or
    /// [restored](Self::restore).
    ///
    /// For a start after a crash: nobody knows what the process before has spent, and so no key gets its
    /// burst twice, nor a start too many. What it costs is at most a burst of each key.
    #[must_use]
    pub fn spent_until(mut self, instant: Timestamp) -> Self {
        self.table.spent_until = Some(instant);
        self
    }

    /// Decides whether a task may start, and spends or books what it needs.
    ///
    /// A task that has a slot comes back to redeem it, with the same request. See
    /// [`Limiter::acquire`](super::Limiter::acquire).
    pub fn acquire(&mut self, request: &Request<'_>, now: Timestamp) -> Decision {
        let claims = Claims::of(&mut self.table, request, now);
        let decision = claims.decide(&mut self.table, request, now);
        if let Decision::Granted { untracked } = decision {
            self.fail_opens = self
                .fail_opens
                .saturating_add(u64::try_from(untracked).unwrap_or(0));
        }
        decision
    }

    /// Gives the slot of a task up, wherever it has one; `false` if it has none.
    pub fn release<'a>(&mut self, id: TaskId, scopes: impl IntoIterator<Item = Scope<'a>>) -> bool {
        let mut had_one = false;
        for scope in scopes {
            let Some(place) = self.table.find(scope) else {
                continue;
            };
            if let Some(bucket) = self.table.bucket_mut(place) {
                had_one |= bucket.release(id);
            }
            self.table.settle(place);
        }
        had_one
    }

    /// What is left of a budget, without spending it.
    pub fn peek(&self, demand: &Demand<'_>, now: Timestamp) -> Budget {
        let pace = demand.pace;
        let found = self.table.find(demand.scope);
        let known = found.and_then(|place| self.table.bucket(place));
        if let Some(bucket) = known.filter(|bucket| bucket.pace() == pace) {
            // Not copied: it may have very many slots, and is looked at often.
            return budget(bucket, demand.cost, now);
        }
        let new = || new_bucket(&self.table, demand, now);
        let mut bucket = known.cloned().unwrap_or_else(new);
        bucket.adopt(pace, now);
        budget(&bucket, demand.cost, now)
    }

    /// Lets nothing of a scope start before `until`, as a service asked for that answered 429 with a
    /// Retry-After. After that it starts steadily, without a burst.
    ///
    /// Those who have an earlier slot are told another one when they come. An instant that is past
    /// changes nothing, and a pause ends no earlier because of a shorter one. `false` if the scope is not
    /// tracked because there are too many.
    pub fn pause(&mut self, demand: &Demand<'_>, until: Timestamp, now: Timestamp) -> bool {
        let Some(place) = find_or_insert(&mut self.table, demand, now) else {
            return false;
        };
        if let Some(bucket) = self.table.bucket_mut(place)
            && until > now
        {
            bucket.pause(bucket.pace().at(until));
        }
        true
    }

    /// Gives a scope its whole burst back and ends its pause. Those who have a slot move up; the answer
    /// says which.
    pub fn reset(&mut self, scope: Scope<'_>, now: Timestamp) -> Vec<MovedSlot> {
        let place = self.table.find(scope);
        self.move_slots(place, |bucket| bucket.reset(now))
    }

    /// Has a scope go on under another limit, without a wait for the next demand to bring it.
    ///
    /// What was spent stays spent, as so many starts, though never more than the new burst. Slots are
    /// booked anew in their order; the answer says which are another one now. A task that costs more
    /// than the new burst counts as the burst.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense.
    pub fn change(
        &mut self,
        scope: Scope<'_>,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Vec<MovedSlot>, InvalidRateLimit> {
        let pace = Pace::of(limit)?;
        let found = self.table.find(scope);
        Ok(self.move_slots(found, |bucket| bucket.adopt(pace, now)))
    }

    /// [Changes](Self::change) the limit of every key of a type of tasks.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense.
    pub fn change_keys_of(
        &mut self,
        task: &str,
        limit: &RateLimit,
        now: Timestamp,
    ) -> Result<Vec<MovedSlot>, InvalidRateLimit> {
        let pace = Pace::of(limit)?;
        let places = self.table.places_of(ScopeKind::Key, task);
        let moved = places
            .into_iter()
            .flat_map(|place| self.move_slots(Some(place), |bucket| bucket.adopt(pace, now)));
        Ok(moved.collect())
    }

    fn move_slots(
        &mut self,
        place: Option<u32>,
        change: impl FnOnce(&mut Bucket),
    ) -> Vec<MovedSlot> {
        let Some(place) = place else {
            return Vec::new();
        };
        let Some(bucket) = self.table.bucket_mut(place) else {
            return Vec::new();
        };
        let before: Vec<_> = bucket.slots().collect();
        change(bucket);
        let both = before.into_iter().zip(bucket.slots());
        let moved = both.filter(|(old, new)| old.slot != new.slot);
        let moved = moved.map(|(_, new)| new).collect();
        self.table.settle(place);
        moved
    }

    /// Forgets every scope of which a new budget would be the same.
    ///
    /// New scopes do this on the way, so nobody has to.
    pub fn evict_idle(&mut self, now: Timestamp) {
        self.table.evict_idle(now);
    }

    /// How many scopes are tracked.
    pub fn tracked(&self) -> usize {
        self.table.len()
    }

    /// How often a scope was not tracked when a task of it was granted.
    pub fn fail_opens(&self) -> u64 {
        self.fail_opens
    }

    /// The slot of a task in a scope.
    pub fn slot_of(&self, id: TaskId, scope: Scope<'_>) -> Option<Timestamp> {
        let bucket = self.table.bucket(self.table.find(scope)?)?;
        bucket.slot_of(id).map(|slot| bucket.pace().instant(slot))
    }
}

pub(super) fn find_or_insert(
    table: &mut Table,
    demand: &Demand<'_>,
    now: Timestamp,
) -> Option<u32> {
    let known = table.find(demand.scope);
    known.or_else(|| {
        let bucket = new_bucket(table, demand, now);
        table.insert(demand.scope, bucket, now)
    })
}

/// What is left of the budget of a bucket.
fn budget(bucket: &Bucket, cost: u32, now: Timestamp) -> Budget {
    let pace = bucket.pace();
    let ticks = pace.at(now);
    let next = bucket.earliest_new(cost).max(ticks);
    Budget {
        available: bucket.available(ticks),
        next_slot: pace.instant(next),
        parked: bucket.parked(),
    }
}

fn new_bucket(table: &Table, demand: &Demand<'_>, now: Timestamp) -> Bucket {
    let pace = demand.pace;
    let mut bucket = Bucket::new(pace, demand.limit.starts_empty(), now);
    if let Some(spent) = table.spent_until {
        bucket.raise(Meter::after(pace, pace.at(spent)));
    }
    bucket
}
