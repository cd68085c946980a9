use thiserror::Error;

use super::pace::Pace;
use super::policy::{InvalidRateLimit, RateLimit};
use super::scope::Scope;
use crate::task::TaskId;
use crate::time::Timestamp;

/// The most limits that hold for one task.
pub const MAX_DEMANDS: usize = 4;

/// What a task needs of one scope.
///
/// The limit comes with the demand and is taken as the one that holds from now on, so it may be
/// different for every key and change from one demand to the next.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    pub(super) scope: Scope<'a>,
    pub(super) limit: RateLimit,
    pub(super) pace: Pace,
    pub(super) cost: u32,
}

/// A demand that can't be met by any wait.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidDemand {
    /// The limit makes no sense.
    #[error(transparent)]
    Limit(#[from] InvalidRateLimit),
    /// A task has to cost something, or it would not be limited.
    #[error("the cost `0` of a task limits nothing; use at least 1, or no limit")]
    NoCost,
    /// There is never that much budget at once.
    #[error(
        "the cost `{cost}` of a task is more than the burst of its limit, {burst}; \
         raise the burst or lower the cost"
    )]
    CostAboveBurst {
        /// What the task costs.
        cost: u32,
        /// The most that it may cost.
        burst: u32,
    },
}

impl<'a> Demand<'a> {
    /// One start in `scope` under `limit`.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense.
    pub fn new(scope: Scope<'a>, limit: &RateLimit) -> Result<Self, InvalidDemand> {
        Self::costing(scope, limit, 1)
    }

    /// A task that counts as `cost` starts.
    ///
    /// # Errors
    ///
    /// Fails if the limit makes no sense, and if the cost is zero or more than the burst.
    pub fn costing(scope: Scope<'a>, limit: &RateLimit, cost: u32) -> Result<Self, InvalidDemand> {
        let pace = Pace::of(limit)?;
        let burst = limit.burst_size();
        match cost {
            0 => Err(InvalidDemand::NoCost),
            cost if cost > burst => Err(InvalidDemand::CostAboveBurst { cost, burst }),
            cost => Ok(Self {
                scope,
                limit: *limit,
                pace,
                cost,
            }),
        }
    }

    /// The scope.
    pub const fn scope(&self) -> Scope<'a> {
        self.scope
    }

    /// The limit that holds in it.
    pub const fn limit(&self) -> &RateLimit {
        &self.limit
    }

    /// As how many starts the task counts.
    pub const fn cost(&self) -> u32 {
        self.cost
    }
}

/// The question whether a task may start.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub(super) id: TaskId,
    pub(super) demands: &'a [Demand<'a>],
    pub(super) before: Option<Timestamp>,
}

/// A request that names its scopes badly.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// There are too many limits on one task.
    #[error("a task has {count} rate limits, which is more than {MAX_DEMANDS}; leave some out")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Two demands of one task on the same scope would wait for each other.
    #[error("a task has two rate limits for the same scope; use one with the sum of their costs")]
    Twice,
}

impl<'a> Request<'a> {
    /// Asks for all of the demands of a task at once. Without demands a task is not limited.
    ///
    /// # Errors
    ///
    /// Fails if there are more than [`MAX_DEMANDS`], or two on the same scope.
    pub fn new(id: TaskId, demands: &'a [Demand<'a>]) -> Result<Self, InvalidRequest> {
        let count = demands.len();
        if count > MAX_DEMANDS {
            return Err(InvalidRequest::TooMany { count });
        }
        for (place, demand) in demands.iter().enumerate() {
            let earlier = demands.iter().take(place);
            if earlier.into_iter().any(|other| other.scope == demand.scope) {
                return Err(InvalidRequest::Twice);
            }
        }
        let before = None;
        Ok(Self {
            id,
            demands,
            before,
        })
    }

    /// Refuses the task if its slot is `end` or later, as with an occurrence of a series that ends then.
    #[must_use]
    pub const fn before(mut self, end: Timestamp) -> Self {
        self.before = Some(end);
        self
    }

    /// The task.
    pub const fn id(&self) -> TaskId {
        self.id
    }

    /// What it needs.
    pub const fn demands(&self) -> &'a [Demand<'a>] {
        self.demands
    }

    /// Its slot has to be before this.
    pub const fn end(&self) -> Option<Timestamp> {
        self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_above_the_burst_and_a_cost_of_nothing_are_refused() {
        let scope = Scope::task("mail");
        let limit = RateLimit::per_minute(15).burst(3);
        assert!(Demand::costing(scope, &limit, 3).is_ok());
        let error = Demand::costing(scope, &limit, 4).unwrap_err();
        assert_eq!(error, InvalidDemand::CostAboveBurst { cost: 4, burst: 3 });
        let free = Demand::costing(scope, &limit, 0).unwrap_err();
        assert_eq!(free, InvalidDemand::NoCost);
        let invalid = Demand::new(scope, &limit.burst(0)).unwrap_err();
        assert!(matches!(invalid, InvalidDemand::Limit(_)));
    }

    #[test]
    fn a_request_has_a_few_demands_on_different_scopes() {
        let limit = RateLimit::per_minute(15);
        let id = TaskId(uuid::Uuid::nil());
        let demand = |name| Demand::new(Scope::task(name), &limit).unwrap();
        let five = ["a", "b", "c", "d", "e"].map(demand);
        assert!(Request::new(id, &five[..MAX_DEMANDS]).is_ok());
        let error = Request::new(id, &five).unwrap_err();
        assert_eq!(error, InvalidRequest::TooMany { count: 5 });
        let twice = ["a", "b", "a"].map(demand);
        assert_eq!(Request::new(id, &twice).unwrap_err(), InvalidRequest::Twice);
    }
}
