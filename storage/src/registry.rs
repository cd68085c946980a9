//! The table of processes, and whose rows may be claimed.

use evertask_core::storage::StorageError;
use evertask_entities::{process, task, under};
use evertask_migration::TablePrefix;
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use crate::database_error::database_error;
use crate::dialect::CLAIMABLE;
use crate::liveness::Liveness;

/// Answers the number of the last group that a process committed, and locks its row.
pub(crate) async fn last_group(
    transaction: &DatabaseTransaction,
    prefix: &TablePrefix,
    id: Uuid,
) -> Result<Option<i64>, StorageError> {
    let query = process::Entity::find_by_id(id)
        .select_only()
        .column(process::Column::LastGroup)
        .lock_exclusive();
    under(query, &prefix.processes())
        .into_tuple()
        .one(transaction)
        .await
        .map_err(|error| database_error("read the number of the last group", error))
}

/// Finds the dead owners that have open rows, and forgets the dead that have none.
pub(crate) async fn dead_owners(
    transaction: &DatabaseTransaction,
    prefix: &TablePrefix,
    liveness: &dyn Liveness,
    me: Uuid,
) -> Result<Vec<Uuid>, StorageError> {
    let owners = owners_of_open_rows(transaction, prefix).await?;
    // An owner without a row in the table closed its storage and left rows behind that wait.
    let dead = liveness.dead(transaction, owners).await?;
    let registered = registered(transaction, prefix, me).await?;
    let forgotten: Vec<_> = liveness
        .dead(transaction, registered)
        .await?
        .into_iter()
        .filter(|id| !dead.contains(id))
        .collect();
    forget(transaction, &prefix.processes(), forgotten).await?;
    Ok(dead)
}

/// Takes a process out of the table.
pub(crate) async fn forget(
    connection: &impl ConnectionTrait,
    processes: &str,
    ids: Vec<Uuid>,
) -> Result<(), StorageError> {
    let delete = Query::delete()
        .from_table(Alias::new(processes))
        .and_where(Expr::col(process::Column::Id).is_in(ids))
        .to_owned();
    connection
        .execute(&delete)
        .await
        .map_err(|error| database_error("forget a process", error))?;
    Ok(())
}

/// Both indexes of open rows begin with the owner, so the rows of nobody are not read.
async fn owners_of_open_rows(
    transaction: &DatabaseTransaction,
    prefix: &TablePrefix,
) -> Result<Vec<Uuid>, StorageError> {
    let claimable = Expr::cust(CLAIMABLE);
    let waiting = task::Column::WaitReason.is_not_null();
    let mut owners = Vec::new();
    for open in [claimable, waiting] {
        let query = task::Entity::find()
            .select_only()
            .column(task::Column::Owner)
            .distinct()
            .filter(task::Column::Owner.is_not_null())
            .filter(open);
        let found: Vec<Uuid> = under(query, &prefix.tasks())
            .into_tuple()
            .all(transaction)
            .await
            .map_err(|error| database_error("look for owners", error))?;
        owners.extend(found);
    }
    owners.sort_unstable();
    owners.dedup();
    Ok(owners)
}

async fn registered(
    transaction: &DatabaseTransaction,
    prefix: &TablePrefix,
    me: Uuid,
) -> Result<Vec<Uuid>, StorageError> {
    let query = process::Entity::find()
        .select_only()
        .column(process::Column::Id)
        .filter(process::Column::Id.ne(me));
    under(query, &prefix.processes())
        .into_tuple()
        .all(transaction)
        .await
        .map_err(|error| database_error("look for processes", error))
}
