//! Who is alive, and so whose rows may be taken.

use std::fmt::Debug;

use async_trait::async_trait;
use evertask_core::storage::StorageError;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

/// Tells the living from the dead, and others that this process lives.
///
/// A process holds a lock from before its first write until it ends, and nobody has to renew it. It
/// is dead exactly when its lock can be taken.
#[async_trait]
pub(crate) trait Liveness: Debug + Send + Sync {
    /// Answers which of these owners are dead. Asked while opening, which one process does at a time.
    async fn dead(
        &self,
        transaction: &DatabaseTransaction,
        owners: Vec<Uuid>,
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Answers which of these, found dead when the storage was opened, are so now, and keeps them
    /// from coming back to life until the transaction has ended.
    async fn still_dead(
        &self,
        transaction: &DatabaseTransaction,
        dead: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError>;

    /// Lets the next process open, and clears away what the dead left behind, except these.
    async fn opened(&self, keep: &[Uuid]) -> Result<(), StorageError>;

    /// Ends the life of this process on purpose, after its connections were closed.
    async fn end(&self) -> Result<(), StorageError>;
}
