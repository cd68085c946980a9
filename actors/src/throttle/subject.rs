use evertask_core::limit::{Demand, InvalidDemand, RateLimit, Scope};
use evertask_core::task::TaskDefinition;
use evertask_core::time::Timestamp;

use super::rates::Rates;

/// What a task has that its limits go by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// What it shares its limit with.
    pub(crate) key: Option<String>,
    /// How much one start costs.
    pub(crate) cost: u32,
    /// The end of the series that it is a run of: its slot has to be before.
    pub(crate) end: Option<Timestamp>,
}

impl Counted {
    pub(crate) fn of(definition: &TaskDefinition) -> Self {
        let series = definition.series.as_ref();
        Self {
            key: definition.limit_key.clone(),
            cost: definition.limit_cost,
            end: series.and_then(|series| series.run_until),
        }
    }
}

/// A task that is about to start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) queue: &'a str,
    /// The name of its type, not one it was stored under before.
    pub(crate) task: &'a str,
    pub(crate) counted: &'a Counted,
}

impl<'a> Subject<'a> {
    /// The scopes that it may be limited in, the narrowest first.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope<'a>> + use<'a> {
        let key = self.counted.key.as_deref();
        // A key that can't be one was stored by somebody else.
        let key = key.and_then(|key| Scope::key(self.task, key).ok().flatten());
        let others = [Scope::task(self.task), Scope::queue(self.queue)];
        key.into_iter().chain(others)
    }

    /// What it needs, the narrowest scope first; for a retry, of the limits that count retries.
    pub(super) fn demands(&self, rates: &Rates, is_retry: bool) -> Vec<Demand<'a>> {
        let limited = self
            .scopes()
            .filter_map(|scope| Some((scope, rates.of(scope)?)));
        limited
            .filter(|(_, limit)| !is_retry || limit.throttles_retries())
            .filter_map(|(scope, limit)| self.demand(scope, limit))
            .collect()
    }

    /// A dispatch that costs too much is refused, but the limit may have been another one then: it
    /// costs as much as there ever is.
    fn demand(&self, scope: Scope<'a>, limit: RateLimit) -> Option<Demand<'a>> {
        let cost = self.counted.cost.clamp(1, limit.burst_size().max(1));
        let demand = Demand::costing(scope, &limit, cost);
        let warn = |error| tracing::warn!(%scope, %error, "a rate limit can't be used");
        demand.map_err(warn).ok()
    }

    /// Answers what is wrong with what it costs.
    pub(crate) fn check(&self, rates: &Rates) -> Result<(), InvalidDemand> {
        for scope in self.scopes() {
            if let Some(limit) = rates.of(scope) {
                Demand::costing(scope, &limit, self.counted.cost)?;
            }
        }
        Ok(())
    }
}
