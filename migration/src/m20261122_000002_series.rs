use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, ForeignKey, ForeignKeyAction, MigrationName, MigrationTrait,
    SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{id, instant, name, number, small_number, words};
use crate::prefix::TablePrefix;
use crate::table::{add_columns, create, create_index, index};

/// Adds what a task needs to run again and again, its key and its audit level, and the table of
/// runs.
///
/// A row that is older keeps everything of its history, has never run as a series and has no key.
pub(crate) struct Series(pub(crate) TablePrefix);

impl MigrationName for Series {
    fn name(&self) -> &'static str {
        "m20261122_000002_series"
    }
}

#[async_trait]
impl MigrationTrait for Series {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let tasks = self.0.tasks();
        add_columns(manager, &tasks, columns(database)).await?;
        let runs = index(&self.0.runs(), "by_task", &["task_id", "id"]);
        create(manager, self.runs(database), vec![runs]).await?;
        let keys = index(&tasks, "keys", &["active_key"]).unique().take();
        create_index(manager, &tasks, keys).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// All may be absent, so adding them rewrites no row.
fn columns(database: DbBackend) -> [ColumnDef; 9] {
    [
        name("task_key", 200),
        small_number("audit_level"),
        words(database, "schedule"),
        instant(database, "anchor"),
        number("max_runs"),
        instant(database, "run_until"),
        name("active_key", 200),
        number("run_count"),
        instant(database, "next_run_at"),
    ]
}

impl Series {
    fn runs(&self, database: DbBackend) -> TableCreateStatement {
        let table = self.0.runs();
        let required = |mut column: ColumnDef| column.not_null().take();
        let mut foreign_key = ForeignKey::create();
        foreign_key
            .name(format!("{table}_of_task"))
            .from(Alias::new(&table), Alias::new("task_id"))
            .to(Alias::new(self.0.tasks()), Alias::new("id"))
            .on_delete(ForeignKeyAction::Cascade);
        Table::create()
            .table(Alias::new(&table))
            .if_not_exists()
            .col(id(database, "id").not_null().primary_key())
            .col(required(id(database, "task_id")))
            .col(required(number("number")))
            .col(instant(database, "scheduled_at"))
            .col(required(instant(database, "at")))
            .col(required(number("execution_time_us")))
            .col(required(name("status", 20)))
            .col(words(database, "error"))
            .col(name("error_kind", 20))
            .foreign_key(&mut foreign_key)
            .take()
    }
}
