use async_trait::async_trait;
use sea_orm_migration::prelude::{ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{instant, number, words};
use crate::prefix::TablePrefix;
use crate::table::add_columns;

/// Adds the deadline of a task, and what is known between two of its attempts: the delay before a
/// retry, and how often and why its handler asked to be called again later.
///
/// A row that is older has no deadline and was never snoozed.
pub(crate) struct Deadline(pub(crate) TablePrefix);

impl MigrationName for Deadline {
    fn name(&self) -> &'static str {
        "m20261122_000005_deadline"
    }
}

#[async_trait]
impl MigrationTrait for Deadline {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = columns(manager.get_database_backend());
        add_columns(manager, &self.0.tasks(), columns).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// All may be absent, so adding them rewrites no row.
fn columns(database: DbBackend) -> [ColumnDef; 5] {
    [
        instant(database, "deadline_at"),
        instant(database, "start_by"),
        number("retry_delay_us"),
        number("snoozes"),
        words(database, "snooze_reason"),
    ]
}
