use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ColumnDef, ConditionalStatement, DbErr, Expr, ExprTrait, ForeignKey, ForeignKeyAction,
    IndexCreateStatement, MigrationName, MigrationTrait, SchemaManager, Table,
    TableCreateStatement,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{flag, id, instant, name, number, words};
use crate::prefix::TablePrefix;
use crate::table::{create, index};

/// Creates the tables of tasks, their status audit, their attempts, and of processes.
pub(crate) struct Initial(pub(crate) TablePrefix);

impl MigrationName for Initial {
    fn name(&self) -> &'static str {
        "m20261121_000001_initial"
    }
}

#[async_trait]
impl MigrationTrait for Initial {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let tables = [
            (self.tasks(database), self.indexes_of_tasks(database)),
            (
                self.status_audit(database),
                vec![index(&self.0.status_audit(), "by_task", &["task_id"])],
            ),
            (
                self.attempts(database),
                vec![index(&self.0.attempts(), "by_task", &["task_id"])],
            ),
            (self.processes(database), Vec::new()),
        ];
        for (table, indexes) in tables {
            create(manager, table, indexes).await?;
        }
        Ok(())
    }

    /// A crash in the middle leaves nothing behind, except on `MySQL`: see
    /// [`create`](crate::table::create).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl Initial {
    /// The payload comes last: a long one spills over to pages of its own, and a read of the columns
    /// before it does not have to follow it there.
    fn tasks(&self, database: DbBackend) -> TableCreateStatement {
        let definition = [
            id(database, "id").not_null().primary_key().take(),
            required(instant(database, "created_at")),
            required(name("task", 200)),
            required(number("payload_version")),
            required(name("queue", 200)),
            instant(database, "scheduled_at"),
            required(number("priority")),
            required(words(database, "tags")),
            words(database, "correlation_id"),
            id(database, "parent_id"),
            id(database, "series_id"),
            instant(database, "occurrence_at"),
            words(database, "limit_key"),
            words(database, "retry"),
            number("timeout_us"),
            words(database, "trace_parent"),
            words(database, "trace_state"),
        ];
        let state = [
            required(number("generation")),
            required(name("status", 20)),
            id(database, "owner"),
            instant(database, "available_at"),
            name("wait_reason", 20),
            required(number("attempts")),
            required(number("interruptions")),
            required(flag("on_probation")),
            required(number("recovery_failures")),
            words(database, "error"),
            name("error_kind", 20),
            name("error_fingerprint", 40),
            instant(database, "last_execution_at"),
            number("execution_time_us"),
            required(words(database, "payload")),
        ];
        let mut table = Table::create();
        table.table(Alias::new(self.0.tasks()));
        for column in definition.into_iter().chain(state) {
            table.col(column);
        }
        table
    }

    fn status_audit(&self, database: DbBackend) -> TableCreateStatement {
        let table = self.0.status_audit();
        let mut key = number("id");
        self.child_of_task(&table)
            .col(key.auto_increment().primary_key())
            .col(required(id(database, "task_id")))
            .col(required(instant(database, "at")))
            .col(required(name("status", 20)))
            .col(words(database, "error"))
            .col(name("error_kind", 20))
            .col(words(database, "actor"))
            .col(words(database, "reason"))
            .take()
    }

    fn attempts(&self, database: DbBackend) -> TableCreateStatement {
        let table = self.0.attempts();
        self.child_of_task(&table)
            .col(id(database, "id").not_null().primary_key())
            .col(required(id(database, "task_id")))
            .col(required(number("number")))
            .col(required(id(database, "process_id")))
            .col(required(instant(database, "started_at")))
            .col(required(number("waited_us")))
            .col(required(number("ran_us")))
            .col(required(name("outcome", 20)))
            .col(words(database, "error"))
            .col(name("error_kind", 20))
            .take()
    }

    fn processes(&self, database: DbBackend) -> TableCreateStatement {
        Table::create()
            .table(Alias::new(self.0.processes()))
            .col(id(database, "id").not_null().primary_key())
            .col(required(instant(database, "started_at")))
            .col(required(number("last_group")))
            .col(required(number("pid")))
            .take()
    }

    fn child_of_task(&self, table: &str) -> TableCreateStatement {
        let mut foreign_key = ForeignKey::create();
        foreign_key
            .name(format!("{table}_of_task"))
            .from(Alias::new(table), Alias::new("task_id"))
            .to(Alias::new(self.0.tasks()), Alias::new("id"))
            .on_delete(ForeignKeyAction::Cascade);
        Table::create()
            .table(Alias::new(table))
            .foreign_key(&mut foreign_key)
            .take()
    }

    /// Open rows are in exactly one of two partial indexes, finished ones in neither.
    ///
    /// `claimable` begins with the owner, because a claim looks at the rows of nobody and of dead
    /// owners only: those of the living, however many, are not even passed by. The queue comes next,
    /// so that the backlog of another queue isn't either; then what a claim is ordered by. A query
    /// uses it only if it says the condition of the index word for word.
    ///
    /// `MySQL` has no partial indexes, and `claimable` has the wait reason as a column instead. What
    /// is finished has no `available_at`, so it stands before the range that a claim reads.
    fn indexes_of_tasks(&self, database: DbBackend) -> Vec<IndexCreateStatement> {
        let tasks = self.0.tasks();
        let occurrences = index(&tasks, "occurrences", &["series_id", "occurrence_at"])
            .unique()
            .take();
        if database == DbBackend::MySql {
            let columns = ["owner", "wait_reason", "queue", "available_at", "id"];
            return vec![
                index(&tasks, "claimable", &columns),
                index(&tasks, "waiting", &["wait_reason"]),
                occurrences,
            ];
        }
        let claimable = index(
            &tasks,
            "claimable",
            &["owner", "queue", "available_at", "id"],
        )
        .and_where(Expr::col(Alias::new("available_at")).is_not_null())
        .and_where(Expr::col(Alias::new("wait_reason")).is_null())
        .take();
        let waiting = index(&tasks, "waiting", &["owner", "wait_reason"])
            .and_where(Expr::col(Alias::new("wait_reason")).is_not_null())
            .take();
        let mut occurrences = occurrences;
        occurrences.and_where(Expr::col(Alias::new("series_id")).is_not_null());
        vec![claimable, waiting, occurrences]
    }
}

fn required(mut column: ColumnDef) -> ColumnDef {
    column.not_null().take()
}
