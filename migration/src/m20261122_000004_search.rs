use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ConditionalStatement, ConnectionTrait, DbErr, Expr, ExprTrait, Index,
    IndexCreateStatement, MigrationName, MigrationTrait, SchemaManager,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::column::{flag, instant};
use crate::prefix::TablePrefix;
use crate::table::{add_columns, create_index, index};

/// Adds what the lists, counts and statistics of tasks are read by.
///
/// An index costs every write that touches its columns, so there are few:
///
/// | index | serves | costs |
/// |---|---|---|
/// | tasks (`created_at`, `id`) | the list of all tasks, counts since an instant | one entry at its right end per task; never moves |
/// | tasks (`status`, `created_at`, `id`) | the lists of one status | an entry per change of status that is written |
/// | tasks (`status`, `queue`, `available_at`, `id`) | counts by queue and status without the table, counts up to a cap, the lists of one status in one queue by next run | an entry per change of status or of the instant that is written |
/// | tasks (`available_at`, `id`), open ones | what runs next | an entry while a task is open |
/// | tasks (`parent_id`), where there is one | what a task dispatched | nothing for others |
/// | attempts (`ended_at` and what is summed up), counted ones | statistics, without the table | one entry at its right end per run |
/// | attempts and audit, by task in order | the pages of a history | replace an index by task |
///
/// Other orders and filters read the table: they are asked for by people, now and then.
pub(crate) struct Search(pub(crate) TablePrefix);

impl MigrationName for Search {
    fn name(&self) -> &'static str {
        "m20261122_000004_search"
    }
}

#[async_trait]
impl MigrationTrait for Search {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_database_backend();
        let attempts = self.0.attempts();
        let is_counted = flag("is_counted").not_null().default(false).take();
        let columns = [instant(database, "ended_at"), is_counted];
        add_columns(manager, &attempts, columns).await?;
        manager
            .get_connection()
            .execute_unprepared(&self.fill(database))
            .await?;
        for (table, index) in self.indexes(database) {
            create_index(manager, &table, index).await?;
        }
        self.replace_index(manager, &attempts, "in_order", "started_at")
            .await?;
        if database == DbBackend::Postgres {
            // Elsewhere an index by task has the key behind it, which is in order.
            self.replace_index(manager, &self.0.status_audit(), "in_order", "id")
                .await?;
        }
        Ok(())
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl Search {
    /// Of the attempts that are older than these columns, those that failed ended their task if it
    /// failed with as many.
    fn fill(&self, database: DbBackend) -> String {
        let ended_at = match database {
            DbBackend::Postgres => "started_at + ran_us * interval '1 microsecond'",
            DbBackend::MySql => "started_at + INTERVAL ran_us MICROSECOND",
            DbBackend::Sqlite | _ => "started_at + ran_us",
        };
        let attempts = self.0.attempts();
        let tasks = self.0.tasks();
        format!(
            "UPDATE {attempts} SET ended_at = {ended_at}, is_counted = (outcome <> 'failed' \
             OR EXISTS (SELECT 1 FROM {tasks} AS task WHERE task.id = {attempts}.task_id \
             AND task.status = 'Failed' AND task.attempts = {attempts}.number)) \
             WHERE ended_at IS NULL"
        )
    }

    fn indexes(&self, database: DbBackend) -> Vec<(String, IndexCreateStatement)> {
        let tasks = self.0.tasks();
        let attempts = self.0.attempts();
        let has_partial = database != DbBackend::MySql;
        let of_those_with = |mut index: IndexCreateStatement, column: &str| {
            if has_partial {
                index.and_where(Expr::col(Alias::new(column)).is_not_null());
            }
            index
        };
        let mut summed_up = vec!["ended_at", "outcome", "ran_us", "waited_us"];
        if !has_partial {
            summed_up.push("is_counted");
        }
        let mut ended = index(&attempts, "ended", &summed_up);
        if has_partial {
            ended.and_where(Expr::col(Alias::new("is_counted")));
        }
        let of_tasks = [
            index(&tasks, "created", &["created_at", "id"]),
            index(&tasks, "by_status", &["status", "created_at", "id"]),
            index(
                &tasks,
                "by_queue",
                &["status", "queue", "available_at", "id"],
            ),
            of_those_with(
                index(&tasks, "upcoming", &["available_at", "id"]),
                "available_at",
            ),
            of_those_with(index(&tasks, "children", &["parent_id"]), "parent_id"),
        ];
        of_tasks
            .map(|index| (tasks.clone(), index))
            .into_iter()
            .chain([(attempts, ended)])
            .collect()
    }

    /// Makes the index by task one that is also in order.
    async fn replace_index(
        &self,
        manager: &SchemaManager<'_>,
        table: &str,
        name: &str,
        column: &str,
    ) -> Result<(), DbErr> {
        create_index(manager, table, index(table, name, &["task_id", column])).await?;
        let old = format!("{table}_by_task");
        if !manager.has_index(table, &old).await? {
            return Ok(());
        }
        let mut drop = Index::drop();
        drop.name(old).table(Alias::new(table));
        manager.drop_index(drop).await
    }
}
