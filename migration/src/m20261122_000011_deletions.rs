use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, DbErr, MigrationName, MigrationTrait, SchemaManager, Table,
};

use crate::column::{id, instant, name, words};
use crate::prefix::TablePrefix;
use crate::table::create;

/// Creates the table of what is kept of deleted tasks.
///
/// It refers to nothing: the rows it tells of are gone.
pub(crate) struct Deletions(pub(crate) TablePrefix);

impl MigrationName for Deletions {
    fn name(&self) -> &'static str {
        "m20261122_000011_deletions"
    }
}

#[async_trait]
impl MigrationTrait for Deletions {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let table = Table::create()
            .table(Alias::new(self.0.deletions()))
            .col(id(database, "id").not_null().primary_key().take())
            .col(name("task", 200).not_null().take())
            .col(name("queue", 200).not_null().take())
            .col(name("status", 20).not_null().take())
            .col(instant(database, "at").not_null().take())
            .col(words(database, "actor").not_null().take())
            .col(words(database, "reason"))
            .take();
        create(manager, table, Vec::new()).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
