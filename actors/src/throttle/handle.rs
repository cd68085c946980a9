use std::fmt;
use std::time::Duration;

use actix::Addr;
use evertask_core::limit::{
    BucketView, Budget, Demand, InvalidRateLimit, LimiterError, MovedSlot, RateLimit, Scope,
};
use evertask_core::task::TaskId;
use evertask_core::time::{Timestamp, later};
use thiserror::Error;

use super::limits::RateLimits;
use crate::queue::Gates;
use crate::scheduler::{MoveSlots, Scheduler};
use crate::supervision::tell;

/// The rate limits of a running runtime; cheap to clone. See [`Client::limits`](crate::Client::limits).
///
/// What is changed here holds in this process until it ends.
#[derive(Clone)]
pub struct Limits {
    rates: RateLimits,
    scheduler: Addr<Scheduler>,
    gates: Gates,
}

/// What rate limits are doing in this process.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LimitsOverview {
    /// How many tasks wait in memory for their slots.
    pub throttled: usize,
    /// How many can; what is beyond stays stored.
    pub max_throttled: usize,
    /// How many scopes have budget spent or booked.
    pub tracked: usize,
    /// How often a task was started without being limited because too many scopes were tracked.
    pub fail_opens: u64,
    /// The scopes with most slots booked, most first.
    pub busiest: Vec<BucketView>,
}

/// Why a rate limit can't be asked or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The new limit makes no sense; nothing has changed.
    #[error(transparent)]
    Invalid(#[from] InvalidRateLimit),
    /// The limiter failed.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// Nothing is limited there.
    #[error("there is no rate limit for {0}; set one in the options of the type or of the queue")]
    NotLimited(String),
}

impl Limits {
    pub(crate) fn new(rates: RateLimits, scheduler: Addr<Scheduler>, gates: Gates) -> Self {
        Self {
            rates,
            scheduler,
            gates,
        }
    }

    /// What the limits are doing, with at most `most` scopes in full.
    ///
    /// # Errors
    ///
    /// Fails if the limiter does.
    pub async fn overview(&self, most: usize) -> Result<LimitsOverview, LimitError> {
        let now = self.rates.clock.now();
        let overview = self.rates.limiter.overview(most, now).wait().await?;
        let (throttled, max_throttled) = self.rates.lot.occupancy();
        Ok(LimitsOverview {
            throttled,
            max_throttled,
            tracked: overview.tracked,
            fail_opens: overview.fail_opens,
            busiest: overview.busiest,
        })
    }

    /// Until when a task waits in memory for its slot; `None` if it does not.
    pub fn throttled_until(&self, id: impl Into<TaskId>) -> Option<Timestamp> {
        self.rates.lot.slot_of(id.into())
    }

    /// The limit of a scope, if it has one.
    pub fn limit(&self, scope: Scope<'_>) -> Option<RateLimit> {
        self.rates.of(scope)
    }

    /// What is left of the budget of a scope, without spending it.
    ///
    /// # Errors
    ///
    /// Fails if nothing is limited there, and if the limiter does.
    pub async fn remaining(&self, scope: Scope<'_>) -> Result<Budget, LimitError> {
        let demand = self.rates.demand(scope)?;
        let now = self.rates.clock.now();
        Ok(self.rates.limiter.peek(&demand, now).wait().await?)
    }

    /// Lets nothing start in a scope for so long, and then steadily, without a burst.
    ///
    /// Whoever has an earlier slot is told another one when it comes. A pause that ends later stands.
    ///
    /// # Errors
    ///
    /// Fails if nothing is limited there, and if the limiter does.
    pub async fn pause(&self, scope: Scope<'_>, time: Duration) -> Result<(), LimitError> {
        self.rates.pause(scope, time).await
    }

    /// Gives a scope its whole burst back and ends its pause; those who wait move up.
    ///
    /// # Errors
    ///
    /// Fails if the limiter does.
    pub async fn reset(&self, scope: Scope<'_>) -> Result<(), LimitError> {
        let now = self.rates.clock.now();
        let moved = self.rates.limiter.reset(scope, now).wait().await?;
        self.tell(moved);
        Ok(())
    }

    /// Changes the limit of a scope, or gives it one. Nobody who waits loses its place; their slots are
    /// recomputed.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense, and if the limiter does.
    pub async fn change(&self, scope: Scope<'_>, limit: RateLimit) -> Result<(), LimitError> {
        let now = self.rates.clock.now();
        let reply = self.rates.limiter.change(scope, &limit, now)?;
        self.rates.rates.change(scope, limit);
        let moved = reply.wait().await?;
        self.tell(moved);
        Ok(())
    }

    /// Changes the limit of every key of a type of tasks.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense, and if the limiter does.
    pub async fn change_keys_of(&self, task: &str, limit: RateLimit) -> Result<(), LimitError> {
        let now = self.rates.clock.now();
        let reply = self.rates.limiter.change_keys_of(task, &limit, now)?;
        self.rates.rates.change_keys_of(task, limit);
        let moved = reply.wait().await?;
        self.tell(moved);
        Ok(())
    }

    /// Has those who wait come at their new slots, and queues look for what has been passed over.
    fn tell(&self, moved: Vec<MovedSlot>) {
        if !moved.is_empty() {
            tell(&self.scheduler, MoveSlots(moved));
        }
        for gate in self.gates.all() {
            gate.recheck();
        }
    }
}

impl RateLimits {
    fn demand<'a>(&self, scope: Scope<'a>) -> Result<Demand<'a>, LimitError> {
        let limit = self.of(scope);
        let limit = limit.ok_or_else(|| LimitError::NotLimited(scope.to_string()))?;
        limit.validate()?;
        Demand::new(scope, &limit).map_err(|_| LimitError::NotLimited(scope.to_string()))
    }

    /// The narrowest scope in which a task is limited, or its queue if it is in none.
    pub(crate) fn narrowest<'a>(
        &self,
        queue: &'a str,
        task: &'a str,
        key: Option<&'a str>,
    ) -> Scope<'a> {
        let key = key.and_then(|key| Scope::key(task, key).ok().flatten());
        let mut scopes = key.into_iter().chain([Scope::task(task)]);
        let limited = scopes.find(|scope| self.of(*scope).is_some());
        limited.unwrap_or(Scope::queue(queue))
    }

    /// Lets nothing start in a scope for so long.
    pub(crate) async fn pause(&self, scope: Scope<'_>, time: Duration) -> Result<(), LimitError> {
        let demand = self.demand(scope)?;
        let now = self.clock.now();
        let until = later(now, time);
        let is_tracked = self.limiter.pause(&demand, until, now).wait().await?;
        let scope = scope.to_owned_scope();
        if is_tracked {
            self.short.note(&scope, demand.limit());
            self.notices.paused(&scope, until);
        } else {
            self.notices.failed_open(&scope);
        }
        Ok(())
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Limits")
    }
}
