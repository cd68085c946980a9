use async_trait::async_trait;
use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::DatabaseTransaction;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::owners::{OwnerLock, OwnersDirectory, StartTurn};
use crate::liveness::Liveness;

/// Liveness by locks on files beside the database.
#[derive(Debug)]
pub(super) struct FileLocks {
    directory: OwnersDirectory,
    /// Until the storage is open.
    turn: Mutex<Option<StartTurn>>,
    /// What tells others that this process lives; gone after an orderly close.
    lock: Mutex<Option<OwnerLock>>,
}

impl FileLocks {
    pub(super) fn new(directory: OwnersDirectory, turn: StartTurn, lock: OwnerLock) -> Self {
        Self {
            directory,
            turn: Mutex::new(Some(turn)),
            lock: Mutex::new(Some(lock)),
        }
    }
}

#[async_trait]
impl Liveness for FileLocks {
    async fn dead(
        &self,
        _transaction: &DatabaseTransaction,
        owners: Vec<Uuid>,
    ) -> Result<Vec<Uuid>, StorageError> {
        match self.turn.lock().await.as_ref() {
            Some(turn) => self.directory.dead(turn, owners).await,
            None => Ok(Vec::new()),
        }
    }

    /// A process that has lost its lock has ended.
    async fn still_dead(
        &self,
        _transaction: &DatabaseTransaction,
        dead: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        Ok(dead.to_vec())
    }

    async fn opened(&self, keep: &[Uuid]) -> Result<(), StorageError> {
        if let Some(turn) = self.turn.lock().await.take() {
            self.directory.forget_dead(&turn, keep.to_vec()).await?;
        }
        Ok(())
    }

    async fn end(&self) -> Result<(), StorageError> {
        let Some(lock) = self.lock.lock().await.take() else {
            return Ok(());
        };
        lock.remove().map_err(|error| {
            let doing = "delete the file of this process";
            StorageError::new(StorageErrorKind::Transient, doing).with_source(error)
        })
    }
}
