use evertask_core::log::{LogLevel, LogPage, LogSearch};
use evertask_core::storage::{StorageError, StorageErrorKind};
use evertask_entities::log_line::{Column, Entity};
use evertask_entities::under;
use evertask_migration::TablePrefix;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Select,
};

use crate::database_error::database_error;
use crate::record::log_line;

/// Reads a page of the lines of a task.
pub(super) async fn page(
    connection: &impl ConnectionTrait,
    prefix: &TablePrefix,
    search: &LogSearch,
) -> Result<LogPage, StorageError> {
    search.check().map_err(|error| {
        StorageError::new(StorageErrorKind::Rejected, "read log lines").with_source(error)
    })?;
    let table = prefix.logs();
    let total = under(matching(search), &table)
        .count(connection)
        .await
        .map_err(|error| database_error("count log lines", error))?;
    // One more than asked for tells whether there is another page.
    let query = after(matching(search), search)
        .order_by_asc(Column::Run)
        .order_by_asc(Column::Delivery)
        .order_by_asc(Column::Sequence)
        .limit(u64::from(search.limit) + 1);
    let rows = under(query, &table)
        .all(connection)
        .await
        .map_err(|error| database_error("read log lines", error))?;
    let lines: Result<_, _> = rows.into_iter().map(log_line).collect();
    Ok(search.page(lines?, total))
}

fn matching(search: &LogSearch) -> Select<Entity> {
    let mut query = Entity::find().filter(Column::TaskId.eq(search.task.0));
    if let Some(run) = search.run {
        query = query.filter(Column::Run.eq(i64::from(run)));
    }
    if let Some(attempt) = search.attempt {
        query = query.filter(Column::Attempt.eq(i64::from(attempt)));
    }
    if let Some(levels) = search.levels.levels() {
        query = query.filter(Column::Level.is_in(levels.into_iter().map(LogLevel::as_str)));
    }
    query
}

/// The places are compared as rows, which databases look up in the key of the table.
fn after(query: Select<Entity>, search: &LogSearch) -> Select<Entity> {
    let Some(cursor) = search.after else {
        return query;
    };
    let places = [Column::Run, Column::Delivery, Column::Sequence];
    let places = places.map(|column| Expr::col((Entity, column)));
    let begin = [
        Expr::value(i64::from(cursor.run)),
        Expr::value(cursor.delivery.0),
        Expr::value(i64::from(cursor.sequence)),
    ];
    query.filter(Expr::tuple(places).gt(Expr::tuple(begin)))
}
