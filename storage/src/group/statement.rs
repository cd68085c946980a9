//! Statements about a single row, as queues and deletions need them.

use evertask_core::storage::{StorageError, StorageErrorKind};
use evertask_core::time::Timestamp;
use sea_orm::sea_query::{Alias, Expr, Iden, InsertStatement, Query};
use sea_orm::{ConnectionTrait, DbBackend, StatementBuilder, Value};

use super::Group;
use crate::database_error::database_error;

impl Group<'_> {
    pub(super) async fn execute(
        &self,
        doing: &str,
        statement: &impl StatementBuilder,
    ) -> Result<(), StorageError> {
        let executed = self.transaction.execute(statement).await;
        executed.map_err(|error| database_error(doing, error))?;
        Ok(())
    }

    /// An instant as the columns keep it.
    pub(super) fn instant(&self, at: Timestamp) -> Expr {
        Expr::value(match self.transaction.get_database_backend() {
            DbBackend::Sqlite => Value::from(at.timestamp_micros()),
            DbBackend::Postgres | DbBackend::MySql | _ => Value::from(at),
        })
    }

    /// A text that can be stored; `PostgreSQL` has no NUL.
    pub(super) fn text(&self, text: Option<&str>) -> Option<String> {
        let text = text?;
        Some(match self.transaction.get_database_backend() {
            DbBackend::Postgres => text.replace('\0', "\u{FFFD}"),
            DbBackend::Sqlite | DbBackend::MySql | _ => text.to_owned(),
        })
    }
}

pub(super) fn insert<Column: Iden, const N: usize>(
    doing: &str,
    table: &str,
    row: [(Column, Expr); N],
) -> Result<InsertStatement, StorageError> {
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    let mut insert = Query::insert();
    insert.into_table(Alias::new(table)).columns(columns);
    let filled = insert.values(values).map(|_| ());
    filled
        .map_err(|error| StorageError::new(StorageErrorKind::Rejected, doing).with_source(error))?;
    Ok(insert)
}
