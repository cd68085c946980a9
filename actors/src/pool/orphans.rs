//! Rows that this process owns and no delivery knows.
//!
//! They come from crashes between two steps: a claim was committed and its answer lost, a window was
//! dropped, an outcome could not be stored. Whatever it was, the row is let go and claimed again.

use actix::{Addr, AsyncContext, Context, Handler, Message};
use evertask_core::lease::RowLease;
use evertask_core::storage::StorageError;

use super::actor::{PoolDeps, WorkerPool};
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
        if !self.sweep_wanted || self.sweeping || self.claiming {
            return;
        }
        self.sweep_wanted = false;
        self.sweeping = true;
        let reply = SweepReply {
            pool: context.address(),
            life: self.life,
            complete: false,
        };
        let deps = self.deps.clone();
        actix_rt::spawn(async move {
            match release_orphans(&deps).await {
                Ok(complete) => reply.finish(complete),
                Err(error) => tracing::warn!(%error, "a sweep for orphaned rows failed"),
            }
        });
    }
}

/// Lets go of every orphan; answers whether all of them are.
///
/// An id is registered from before its row is owned until its delivery has ended. So a row that was
/// read as owned and whose id is not registered *after* that read has no delivery, or had one that
/// has ended since; the generation tells the two apart.
async fn release_orphans(deps: &PoolDeps) -> Result<bool, StorageError> {
    let mut complete = true;
    for (id, generation) in deps
        .storage
        .owned(deps.process, &deps.gate.selector)
        .await?
    {
        if deps.registry.contains(id) {
            continue;
        }
        let Some(record) = deps.storage.task(id).await? else {
            continue;
        };
        if record.generation != generation {
            continue;
        }
        let release = RowLease::new(&record).release(deps.clock.now());
        let settled = ChangeChain::default()
            .settle(&deps.persistence, release)
            .await;
        complete &= !matches!(settled, Settled::Abandoned);
        tracing::info!(%id, queue = deps.gate.name(), "released a row without a delivery");
    }
    Ok(complete)
}

impl Handler<Swept> for WorkerPool {
    type Result = ();

    fn handle(&mut self, Swept { life, complete }: Swept, context: &mut Self::Context) {
        if life != self.life {
            return;
        }
        self.sweeping = false;
        if !complete {
            self.sweep_wanted = true;
            self.check_later();
        }
        self.deps.gate.set_backlog();
        self.claim(context);
    }
}
