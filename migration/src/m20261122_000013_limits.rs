use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ConditionalStatement, DbErr, Expr, ExprTrait, MigrationName, MigrationTrait,
    SchemaManager,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use crate::column::{name, number};
use crate::prefix::TablePrefix;
use crate::table::{add_columns, create_index, drop_index, index};

/// Adds what a start costs of its rate limits, one for a row that is older, and the lane of a row that
/// has a limit key: the name of its type, a line break, and the key.
///
/// The lane stands in the index `claims` between the priority and the instant, so that a claim leaps over
/// the rows of a key without budget, however many. An index of its own would need the same columns again,
/// and every write to a row would pay for both.
///
/// On `MySQL`, a name of 200 characters, a queue of as many and a key of as many fit into the 3072 bytes of
/// an entry.
pub(crate) struct Limits(pub(crate) TablePrefix);

impl MigrationName for Limits {
    fn name(&self) -> &'static str {
        "m20261122_000013_limits"
    }
}

#[async_trait]
impl MigrationTrait for Limits {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tasks = self.0.tasks();
        // All may be absent, so adding them rewrites no row.
        let columns = [number("limit_cost"), name("limit_lane", 401)];
        add_columns(manager, &tasks, columns).await?;
        fill_lanes(manager, &tasks).await?;
        rebuild_claims(manager, &tasks).await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// A key that is longer than keys may be has no lane; such a row is claimed like one without a key.
async fn fill_lanes(manager: &SchemaManager<'_>, tasks: &str) -> Result<(), DbErr> {
    let (lane, length) = match manager.get_database_backend() {
        DbBackend::MySql => ("CONCAT(task, '\n', limit_key)", "CHAR_LENGTH"),
        DbBackend::Sqlite | DbBackend::Postgres | _ => ("task || '\n' || limit_key", "length"),
    };
    let fill = format!(
        "UPDATE {tasks} SET limit_lane = {lane} \
         WHERE limit_key IS NOT NULL AND {length}(limit_key) <= 200"
    );
    manager.get_connection().execute_unprepared(&fill).await?;
    Ok(())
}

/// `MySQL` has no partial indexes; see the first migration for what stands in for it. There, one
/// statement changes the index, because a claim that names it fails while there is none.
async fn rebuild_claims(manager: &SchemaManager<'_>, tasks: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::MySql {
        let rebuild = format!(
            "ALTER TABLE {tasks} DROP INDEX {tasks}_claims, ADD INDEX {tasks}_claims \
             (owner, wait_reason, queue, priority, limit_lane, available_at, id)"
        );
        let connection = manager.get_connection();
        connection.execute_unprepared(&rebuild).await?;
        return Ok(());
    }
    drop_index(manager, tasks, "claims").await?;
    let columns = [
        "owner",
        "queue",
        "priority",
        "limit_lane",
        "available_at",
        "id",
    ];
    let claims = index(tasks, "claims", &columns)
        .and_where(Expr::col(Alias::new("available_at")).is_not_null())
        .and_where(Expr::col(Alias::new("wait_reason")).is_null())
        .take();
    create_index(manager, tasks, claims).await
}
