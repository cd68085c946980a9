use async_trait::async_trait;
use sea_orm_migration::prelude::{ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{instant, number, words};
use crate::prefix::TablePrefix;
use crate::table::add_columns;

/// Adds what a task returned and how far it says it has come.
///
/// A row that is older returned nothing.
pub(crate) struct Results(pub(crate) TablePrefix);

impl MigrationName for Results {
    fn name(&self) -> &'static str {
        "m20261122_000010_results"
    }
}

#[async_trait]
impl MigrationTrait for Results {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        add_columns(manager, &self.0.tasks(), columns(database)).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// All may be absent, so adding them rewrites no row.
fn columns(database: DbBackend) -> [ColumnDef; 4] {
    [
        words(database, "result"),
        number("progress"),
        words(database, "progress_text"),
        instant(database, "progress_at"),
    ]
}
