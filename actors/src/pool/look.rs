//! What a claim looks at before it takes rows, and after.

use std::time::Duration;

use evertask_core::concurrency::ClaimQuota;
use evertask_core::storage::{ClaimAnswer, ClaimTasks, Write};

use super::actor::PoolDeps;
use super::claim_reply::Reach;
use crate::persistence::WriteError;

/// How many callers one claim looks after at most.
const LOOKED_AFTER: usize = 16;

/// Answers whether the queue is not paused.
///
/// What was decided about queues is read before, unless that was done just now: so every process that does
/// something for a queue knows what another one decided. If it can't be read, what is known holds: the
/// storage that doesn't answer a question may well take a claim.
pub(super) async fn is_open(deps: &PoolDeps) -> bool {
    // A paused queue may have been resumed this very moment, and there may be no other reason to look.
    if deps.gate.is_paused() || deps.gates.begin_look(deps.clock.elapsed()) {
        match deps.storage.queries().queue_settings().await {
            Ok(settings) => deps.gates.apply_all(&settings),
            Err(error) => tracing::warn!(%error, "what was decided about queues can't be read"),
        }
    }
    !deps.gate.is_paused()
}

/// Claims at most `room` rows.
pub(super) async fn claim(
    deps: &PoolDeps,
    reach: Reach,
    room: usize,
    quota: ClaimQuota,
) -> Result<ClaimAnswer, WriteError> {
    let (ahead, ageing) = match reach {
        Reach::Due => (Duration::ZERO, deps.gate.config.ageing),
        // The order is that of the instants, so what is left comes after what was taken.
        Reach::Ahead => (deps.gate.horizon(), Duration::ZERO),
    };
    let claim = Write::Claim(ClaimTasks {
        queues: deps.gates.claimable(&deps.gate),
        limit: u32::try_from(room).unwrap_or(u32::MAX),
        max_bytes: deps.limits.max_bytes,
        now: deps.clock.now(),
        ahead,
        ageing,
        quota,
    });
    // Not repeated by the client: a claim whose reply is lost has taken rows all the same, and they
    // are found as orphans.
    let claimed = deps.persistence.once_claim(claim).await?;
    let_go_of_taken(deps).await;
    Ok(claimed)
}

/// Tells callers that have waited longest if another process has taken their tasks.
///
/// This process's own claims tell them by themselves, and so does one that finds everything taken. But
/// under a load that never ends no claim does, and one that others keep ahead of never meets their rows.
async fn let_go_of_taken(deps: &PoolDeps) {
    for id in deps.gate.line.longest(LOOKED_AFTER) {
        match deps.storage.task(id).await {
            Ok(Some(record)) if record.state.owner.is_none() && !record.state.is_over() => return,
            Ok(_) => deps.gate.line.grant(id),
            Err(error) => {
                tracing::debug!(%error, %id, "a task whose caller waits can't be read");
                return;
            }
        }
    }
}
