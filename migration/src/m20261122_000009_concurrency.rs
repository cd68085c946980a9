use async_trait::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::column::words;
use crate::prefix::TablePrefix;
use crate::table::add_columns;

/// Adds what a task shares with others of which only so many run at once; nothing, for a row that is
/// older.
pub(crate) struct Concurrency(pub(crate) TablePrefix);

impl MigrationName for Concurrency {
    fn name(&self) -> &'static str {
        "m20261122_000009_concurrency"
    }
}

#[async_trait]
impl MigrationTrait for Concurrency {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let concurrency_key = words(database, "concurrency_key");
        add_columns(manager, &self.0.tasks(), [concurrency_key]).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
