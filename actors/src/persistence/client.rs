use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::storage::{Answer, StorageError, Write};
use evertask_core::time::Clock;
use thiserror::Error;
use tokio::sync::oneshot;

use super::actor::{Apply, Persistence};
use super::group::WriteSet;
use crate::supervision::tell;

/// How long a caller waits out an outage of the database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// As long as it takes: outcomes are never dropped.
    Endless,
    /// That long, then the caller is told that nothing was stored.
    For(Duration),
}

/// Why a set of writes has no answers.
#[derive(Clone, Debug, Error)]
pub(crate) enum WriteError {
    /// The storage rejected it for what it says; nothing of it is stored.
    #[error("{0}")]
    Rejected(Arc<str>),
    /// The storage could not be used for as long as the caller was willing to wait; nothing of it
    /// is stored.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// The reply was dropped by a crash; the set may be stored or not.
    #[error("the reply was lost in a crash")]
    Lost,
    /// The runtime has ended.
    #[error("the runtime has ended")]
    Ended,
}

impl WriteError {
    pub(super) fn rejected(error: &StorageError) -> Self {
        Self::Rejected(error.to_string().into())
    }

    pub(super) fn unavailable(error: &StorageError) -> Self {
        Self::Unavailable(error.to_string().into())
    }
}

/// Where everybody sends their writes.
#[derive(Clone)]
pub(crate) struct PersistenceClient {
    addr: Addr<Persistence>,
    clock: Arc<dyn Clock>,
}

/// The answers to a posted set of writes.
pub(crate) type Posted = oneshot::Receiver<Result<Vec<Answer>, WriteError>>;

/// How often a set whose reply is lost is sent again before its sender is told.
const RESENDS: u32 = 2;

impl PersistenceClient {
    pub(crate) fn new(addr: Addr<Persistence>, clock: Arc<dyn Clock>) -> Self {
        Self { addr, clock }
    }

    /// Sends a set of writes without waiting for its commit.
    pub(crate) fn post(&self, writes: Vec<Write>, patience: Patience, alone: bool) -> Posted {
        let (reply, posted) = oneshot::channel();
        let deadline = match patience {
            Patience::Endless => None,
            Patience::For(time) => Some(self.clock.elapsed().saturating_add(time)),
        };
        let set = WriteSet {
            writes,
            reply,
            deadline,
            alone,
        };
        tell(&self.addr, Apply(set));
        posted
    }

    /// Sends a set of writes and waits for its commit; sends it again, alone, when a crash drops
    /// the reply. Every write is made so that applying it twice is harmless.
    ///
    /// # Errors
    ///
    /// [`WriteError::Lost`] only if that happens again and again.
    pub(crate) async fn apply(
        &self,
        writes: Vec<Write>,
        patience: Patience,
    ) -> Result<Vec<Answer>, WriteError> {
        for resend in 0..RESENDS {
            match self.once(writes.clone(), patience, resend > 0).await {
                Err(WriteError::Lost) => {}
                answered => return answered,
            }
        }
        self.once(writes, patience, true).await
    }

    /// Sends one write and answers its answer.
    pub(crate) async fn apply_one(
        &self,
        write: Write,
        patience: Patience,
    ) -> Result<Answer, WriteError> {
        let answers = self.apply(vec![write], patience).await?;
        answers.into_iter().next().ok_or(WriteError::Lost)
    }

    pub(super) async fn once(
        &self,
        writes: Vec<Write>,
        patience: Patience,
        alone: bool,
    ) -> Result<Vec<Answer>, WriteError> {
        if !self.addr.connected() {
            return Err(WriteError::Ended);
        }
        self.post(writes, patience, alone)
            .await
            .unwrap_or(Err(WriteError::Lost))
    }
}
