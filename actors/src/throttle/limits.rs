use std::fmt;
use std::sync::Arc;

use evertask_core::limit::{InvalidDemand, Limiter, RateLimit, Scope};
use evertask_core::time::Clock;
use tokio::runtime::Handle;

use super::lot::ParkingLot;
use super::notices::Notices;
use super::rates::Rates;
use super::short::ShortScopes;
use super::stored::StoredRows;
use super::subject::Subject;
use super::warnings::Warnings;

/// Everything about rate limits that the actors share; cheap to clone.
#[derive(Clone)]
pub(crate) struct RateLimits(Arc<Shared>);

pub(crate) struct Shared {
    pub(super) limiter: Arc<dyn Limiter>,
    pub(super) rates: Rates,
    pub(super) lot: ParkingLot,
    /// What has no budget, which claims pass over.
    pub(super) short: ShortScopes,
    /// Of what rows wait in the storage.
    pub(crate) stored: StoredRows,
    pub(super) notices: Notices,
    pub(super) warnings: Warnings,
    pub(super) clock: Arc<dyn Clock>,
    /// Where answers are waited for that are not there at once.
    pub(super) threads: Handle,
}

/// What [`RateLimits`] are made of.
pub(crate) struct RateLimitDeps {
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) rates: Rates,
    /// How many tasks may be parked.
    pub(crate) max_parked: usize,
    pub(crate) notices: Notices,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) threads: Handle,
}

impl RateLimits {
    pub(crate) fn new(deps: RateLimitDeps) -> Self {
        Self(Arc::new(Shared {
            limiter: deps.limiter,
            rates: deps.rates,
            lot: ParkingLot::new(deps.max_parked),
            short: ShortScopes::default(),
            stored: StoredRows::default(),
            notices: deps.notices,
            warnings: Warnings::default(),
            clock: deps.clock,
            threads: deps.threads,
        }))
    }

    /// Where tasks wait for their slots.
    pub(crate) fn lot(&self) -> &ParkingLot {
        &self.lot
    }

    /// Answers what is wrong with what a task costs.
    pub(crate) fn check(&self, subject: Subject<'_>) -> Result<(), InvalidDemand> {
        subject.check(&self.rates)
    }

    /// The limit of a scope, if it has one.
    pub(crate) fn of(&self, scope: Scope<'_>) -> Option<RateLimit> {
        self.rates.of(scope)
    }
}

impl std::ops::Deref for RateLimits {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RateLimits")
            .field("limiter", &self.limiter)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
}
