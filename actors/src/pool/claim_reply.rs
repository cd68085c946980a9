//! What comes back from a claim, on whatever path.

use actix::{Addr, Message};
use evertask_core::concurrency::ClaimQuota;
use evertask_core::storage::ClaimAnswer;
use tokio::sync::OwnedSemaphorePermit;

use super::actor::{PoolDeps, WorkerPool};
use super::budgets::Budgets;
use super::told::Told;
use crate::delivery::ClaimUnderWay;
use crate::persistence::WriteError;
use crate::supervision::tell;

/// What a claim brought.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Claimed {
    pub(super) life: u64,
    pub(super) reach: Reach,
    /// Kept until the rows are registered.
    pub(super) under_way: ClaimUnderWay,
    pub(super) lane: Option<OwnedSemaphorePermit>,
    /// What it was told to pass over.
    pub(super) told: Option<Told>,
    /// `None` if the queue is paused.
    pub(super) result: Result<Option<ClaimAnswer>, WriteError>,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reach {
    /// What is due.
    Due,
    /// What is due within the horizon.
    Ahead,
}

/// Delivers the result of a claim; if it is dropped before, the claim counts as lost.
pub(super) struct ClaimReply {
    pool: Addr<WorkerPool>,
    claimed: Option<Claimed>,
}

impl ClaimReply {
    pub(super) fn new(
        pool: Addr<WorkerPool>,
        life: u64,
        reach: Reach,
        under_way: ClaimUnderWay,
    ) -> Self {
        let claimed = Claimed {
            life,
            reach,
            under_way,
            lane: None,
            told: None,
            result: Err(WriteError::Lost),
        };
        Self {
            pool,
            claimed: Some(claimed),
        }
    }

    pub(super) fn keep(&mut self, lane: Option<OwnedSemaphorePermit>) {
        if let Some(claimed) = &mut self.claimed {
            claimed.lane = lane;
        }
    }

    /// Notes what the claim is told to pass over, and answers what it may take.
    pub(super) fn begin(&mut self, deps: &PoolDeps, budgets: Budgets) -> ClaimQuota {
        let (told, quota) = Told::begin(deps, budgets);
        if let Some(claimed) = &mut self.claimed {
            claimed.told = Some(told);
        }
        quota
    }

    pub(super) fn deliver(mut self, result: Result<Option<ClaimAnswer>, WriteError>) {
        if let Some(claimed) = &mut self.claimed {
            claimed.result = result;
        }
    }
}

impl Drop for ClaimReply {
    fn drop(&mut self) {
        if let Some(claimed) = self.claimed.take() {
            tell(&self.pool, claimed);
        }
    }
}
