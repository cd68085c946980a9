//! Rows that this process owns and no delivery knows.
//!
//! They come from crashes between two steps: a claim was committed and its answer lost, a window was
//! dropped, an outcome could not be stored. Whatever it was, the row is let go and claimed again.

use actix::{Addr, AsyncContext, Context, Handler, Message};
use evertask_core::lease::RowLease;
use evertask_core::storage::StorageError;
use evertask_core::task::{Generation, TaskId};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::actor::{Activity, PoolDeps, WorkerPool};
use crate::persistence::{ChangeChain, Settled};
use crate::supervision::tell;

/// A sweep has ended, one way or another.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Swept {
    life: u64,
    complete: bool,
}

/// Reports the end of a sweep when dropped.
struct SweepReply {
    pool: Addr<WorkerPool>,
    life: u64,
    complete: bool,
}

impl SweepReply {
    fn finish(mut self, complete: bool) {
        self.complete = complete;
    }
}

impl Drop for SweepReply {
    fn drop(&mut self) {
        let (life, complete) = (self.life, self.complete);
        tell(&self.pool, Swept { life, complete });
    }
}

impl WorkerPool {
    /// Sweeps if that was asked for; never beside a claim, whose rows are unknown until it returns.
    pub(super) fn sweep(&mut self, context: &mut Context<Self>) {
        let stopped = self.deps.lifecycle.is_stopped();
        if !self.sweep_wanted || self.activity != Activity::None || stopped {
            return;
        }
        self.sweep_wanted = false;
        self.activity = Activity::Sweeping;
        let reply = SweepReply {
            pool: context.address(),
            life: self.life,
            complete: false,
        };
        let deps = self.deps.clone();
        actix_rt::spawn(async move {
            let _lane = deps.lane.acquire().await;
            match release_orphans(&deps).await {
                Ok(complete) => reply.finish(complete),
                Err(error) => tracing::warn!(%error, "a sweep for orphaned rows failed"),
            }
        });
    }
}

/// How many orphans are let go of at once.
const AT_ONCE: usize = 100;

/// Lets go of every orphan; answers whether all of them are.
async fn release_orphans(deps: &PoolDeps) -> Result<bool, StorageError> {
    let queues = &deps.gate.selector;
    let owned = deps.storage.owned(deps.process, queues).await?;
    let releases = owned.into_iter().map(|row| release_orphan(deps, row));
    stream::iter(releases)
        .buffer_unordered(AT_ONCE)
        .try_fold(true, async |all, one| Ok(all && one))
        .await
}

/// Lets go of a row if it is an orphan; answers whether it is none any more.
///
/// An id is registered from before its row is owned until its delivery has ended. So a row that was
/// read as owned and whose id is not registered *after* that read has no delivery, or had one that
/// has ended since; the generation tells the two apart. The id is barred until the row is let go of, so
/// that nobody begins a delivery meanwhile.
async fn release_orphan(
    deps: &PoolDeps,
    (id, generation): (TaskId, Generation),
) -> Result<bool, StorageError> {
    let Some(_bar) = deps.registry.bar(id) else {
        return Ok(true);
    };
    let Some(record) = deps.storage.task(id).await? else {
        return Ok(true);
    };
    if record.generation != generation {
        return Ok(true);
    }
    let release = RowLease::new(&record).release(deps.clock.now());
    let mut chain = ChangeChain::default();
    let settled = chain.settle(&deps.persistence, release).await;
    tracing::info!(%id, queue = deps.gate.name(), "released a row without a delivery");
    Ok(!matches!(settled, Settled::Abandoned))
}

impl Handler<Swept> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Swept { life, complete }: Swept, context: &mut Self::Context) {
        if life != self.life {
            return;
        }
        self.activity = Activity::None;
        if !complete {
            self.sweep_wanted = true;
            self.rest();
        }
        self.deps.gate.set_backlog();
        self.claim(context);
    }
}
