use async_trait::async_trait;
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::column::instant;
use crate::prefix::TablePrefix;
use crate::table::add_columns;

/// Adds until when a task holds its key though it is over.
///
/// A row that is older gives its key up at its end, as it always did.
pub(crate) struct Keys(pub(crate) TablePrefix);

impl MigrationName for Keys {
    fn name(&self) -> &'static str {
        "m20261122_000006_keys"
    }
}

#[async_trait]
impl MigrationTrait for Keys {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let key_until = instant(database, "key_until");
        add_columns(manager, &self.0.tasks(), [key_until]).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
