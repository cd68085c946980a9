use evertask_core::storage::{StorageError, StorageErrorKind};
use evertask_migration::Migrator;
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::{Migration, MigratorTraitSelf};

use crate::database_error::database_error;
use crate::sql_storage::SqlStorage;

/// Makes sure that the tables are those of this version.
///
/// The caller keeps other processes from doing the same at the same time.
pub(crate) async fn prepare(
    storage: &SqlStorage,
    writer: &DatabaseConnection,
) -> Result<(), StorageError> {
    let migrator = Migrator::new(storage.prefix.clone());
    let pending = migrator
        .get_pending_migrations_read_only(writer)
        .await
        .map_err(newer)?;
    if pending.is_empty() {
        return Ok(());
    }
    if !storage.apply_migrations {
        let names: Vec<_> = pending.iter().map(Migration::name).collect();
        return Err(StorageError::new(
            StorageErrorKind::Unusable,
            format!(
                "the tables {}… are not up to date and applying migrations is turned off; \
                 missing: {}",
                storage.prefix,
                names.join(", ")
            ),
        ));
    }
    migrator
        .up(writer, None)
        .await
        .map_err(|error| database_error("apply the migrations", error))
}

/// The migrator's only error of its own is a migration that was applied and that it doesn't know.
fn newer(error: DbErr) -> StorageError {
    if matches!(error, DbErr::Custom(_)) {
        return StorageError::new(
            StorageErrorKind::Unusable,
            "the database was used by a newer version of evertask; use that version or another \
             table prefix",
        )
        .with_source(error);
    }
    database_error("look for applied migrations", error)
}
