use async_trait::async_trait;
use sea_orm_migration::prelude::{ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{name, number, words};
use crate::prefix::TablePrefix;
use crate::table::add_columns;

/// Adds what a series does with occurrences that can't run at their time, what it was registered as, the
/// declared set it belongs to and how often in a row it has failed.
///
/// A series that is older does as by default.
pub(crate) struct Schedules(pub(crate) TablePrefix);

impl MigrationName for Schedules {
    fn name(&self) -> &'static str {
        "m20261122_000012_schedules"
    }
}

#[async_trait]
impl MigrationTrait for Schedules {
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
        words(database, "series_policy"),
        words(database, "registered"),
        name("declared_in", 200),
        number("failures_in_row"),
    ]
}
