//! The worker pool of one queue: a bounded window of ready deliveries and the handlers that run.

mod actor;
mod ahead;
mod arrivals;
mod budgets;
mod claim_reply;
mod claims;
mod due;
mod look;
mod orphans;
mod throttle;
mod told;

pub(crate) use actor::{
    CheckWindow, Deliver, Drain, LookAtQueues, PoolDeps, SweepOrphans, WorkerPool,
};
pub(crate) use ahead::LookAhead;
pub(crate) use arrivals::Arrive;
pub(crate) use claims::ClaimLimits;
pub(crate) use throttle::Redeem;
