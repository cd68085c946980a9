use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, MigrationName, MigrationTrait, SchemaManager, Table,
    TableCreateStatement,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{flag, id, instant, name, number, words};
use crate::prefix::TablePrefix;
use crate::table::{create, index};

/// Creates the tables of what was decided about queues, and of how it came about.
///
/// A queue has a row once something was decided about it.
pub(crate) struct Queues(pub(crate) TablePrefix);

impl MigrationName for Queues {
    fn name(&self) -> &'static str {
        "m20261122_000007_queues"
    }
}

#[async_trait]
impl MigrationTrait for Queues {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        create(manager, self.queues(database), Vec::new()).await?;
        let table = self.0.queue_audit();
        let by_queue = index(&table, "by_queue", &["queue", "version"])
            .unique()
            .take();
        create(manager, self.queue_audit(database), vec![by_queue]).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl Queues {
    fn queues(&self, database: DbBackend) -> TableCreateStatement {
        Table::create()
            .table(Alias::new(self.0.queues()))
            .col(name("queue", 200).not_null().primary_key().take())
            .col(required(flag("is_paused")))
            .col(number("parallelism"))
            .col(required(number("version")))
            .col(required(instant(database, "changed_at")))
            .col(words(database, "actor"))
            .col(words(database, "reason"))
            .take()
    }

    fn queue_audit(&self, database: DbBackend) -> TableCreateStatement {
        Table::create()
            .table(Alias::new(self.0.queue_audit()))
            .col(id(database, "id").not_null().primary_key().take())
            .col(required(name("queue", 200)))
            .col(required(number("version")))
            .col(required(name("change", 20)))
            .col(number("parallelism"))
            .col(required(instant(database, "at")))
            .col(words(database, "actor"))
            .col(words(database, "reason"))
            .take()
    }
}

fn required(mut column: ColumnDef) -> ColumnDef {
    column.not_null().take()
}
