use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::database_error::database_error;
use crate::sql_storage::SqlStorage;

/// Makes sure that the schema is there.
///
/// It is looked for first, because making one that exists needs a right that an application may well
/// not have.
pub(super) async fn make(
    storage: &SqlStorage,
    starter: &DatabaseConnection,
) -> Result<(), StorageError> {
    let schema = storage.schema.to_string();
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    let look = Statement::from_sql_and_values(DbBackend::Postgres, sql, [schema.as_str().into()]);
    let found = starter
        .query_one_raw(look)
        .await
        .map_err(|error| database_error("look for the schema", error))?;
    if found.is_some() {
        return Ok(());
    }
    if !storage.apply_migrations {
        return Err(StorageError::new(
            StorageErrorKind::Unusable,
            format!(
                "the schema {schema} is missing and applying migrations is turned off; create it or \
                 turn them on"
            ),
        ));
    }
    starter
        .execute_unprepared(&format!("CREATE SCHEMA {schema}"))
        .await
        .map_err(|error| database_error(&format!("create the schema {schema}"), error))?;
    Ok(())
}
