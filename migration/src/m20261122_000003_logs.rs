use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, ForeignKey, ForeignKeyAction, Index, MigrationName, MigrationTrait,
    SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{id, instant, name, number, words};
use crate::prefix::TablePrefix;
use crate::table::create;

/// Creates the table of log lines.
pub(crate) struct Logs(pub(crate) TablePrefix);

impl MigrationName for Logs {
    fn name(&self) -> &'static str {
        "m20261122_000003_logs"
    }
}

#[async_trait]
impl MigrationTrait for Logs {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        create(manager, self.logs(database), Vec::new()).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl Logs {
    /// The key is what a line is identified by, what pages are ordered by and what the lines of a
    /// deleted task are found by, so it is the only index.
    fn logs(&self, database: DbBackend) -> TableCreateStatement {
        let table = self.0.logs();
        let mut of_task = ForeignKey::create();
        of_task
            .name(format!("{table}_of_task"))
            .from(Alias::new(&table), Alias::new("task_id"))
            .to(Alias::new(self.0.tasks()), Alias::new("id"))
            .on_delete(ForeignKeyAction::Cascade);
        let mut key = Index::create();
        for column in ["task_id", "run", "delivery", "sequence"] {
            key.col(Alias::new(column));
        }
        let required = |mut column: ColumnDef| column.not_null().take();
        Table::create()
            .table(Alias::new(&table))
            .col(required(id(database, "task_id")))
            .col(required(number("run")))
            .col(required(id(database, "delivery")))
            .col(required(number("sequence")))
            .col(required(number("attempt")))
            .col(required(instant(database, "at")))
            .col(required(name("level", 20)))
            .col(required(words(database, "target")))
            .col(required(words(database, "message")))
            .col(words(database, "fields"))
            .primary_key(&mut key)
            .foreign_key(&mut of_task)
            .take()
    }
}
