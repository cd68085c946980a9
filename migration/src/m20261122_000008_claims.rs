use async_trait::async_trait;
use sea_orm_migration::prelude::{
    Alias, ConditionalStatement, DbErr, Expr, ExprTrait, IndexCreateStatement, MigrationName,
    MigrationTrait, SchemaManager,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::prefix::TablePrefix;
use crate::table::{create_index, drop_index, index};

/// Lets claims go by priority.
///
/// The index `claims` takes the place of `claimable` and has the priority between the queue and the
/// instant: what one owner has in one queue at one priority is a stretch of it, in the order of claims.
/// A column for the rank itself would need one stretch less, but what is not due yet would stand among
/// what is, and every row would have to be written anew when a step of priority is worth something else.
pub(crate) struct Claims(pub(crate) TablePrefix);

impl MigrationName for Claims {
    fn name(&self) -> &'static str {
        "m20261122_000008_claims"
    }
}

#[async_trait]
impl MigrationTrait for Claims {
    #[expect(
        elided_lifetimes_in_paths,
        reason = "async_trait would name the lifetime, and the trait does not"
    )]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tasks = self.0.tasks();
        let database = manager.get_database_backend();
        create_index(manager, &tasks, claims(&tasks, database)).await?;
        drop_index(manager, &tasks, "claimable").await
    }

    /// A crash in the middle leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// `MySQL` has no partial indexes; see the first migration for what stands in for it.
fn claims(tasks: &str, database: DbBackend) -> IndexCreateStatement {
    if database == DbBackend::MySql {
        let columns = [
            "owner",
            "wait_reason",
            "queue",
            "priority",
            "available_at",
            "id",
        ];
        return index(tasks, "claims", &columns);
    }
    let columns = ["owner", "queue", "priority", "available_at", "id"];
    index(tasks, "claims", &columns)
        .and_where(Expr::col(Alias::new("available_at")).is_not_null())
        .and_where(Expr::col(Alias::new("wait_reason")).is_null())
        .take()
}
