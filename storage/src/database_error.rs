use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::mysql::MySqlDatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::sqlx::sqlite::SqliteError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::{mysql, postgres, sqlite};

/// Turns an error of the database into one of the storage, saying what was being done.
pub(crate) fn database_error(doing: &str, error: DbErr) -> StorageError {
    StorageError::new(kind(&error), doing).with_source(error)
}

/// The same of an error that the driver gave without `SeaORM`.
pub(crate) fn driver_error(doing: &str, error: sqlx::Error) -> StorageError {
    database_error(doing, DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}

/// Decides what a caller can do about an error.
///
/// What the environment did (a lock, a full disk, a lost connection) is transient, and so is every
/// error that doesn't come from the database, for its pool or thread can be made anew. What the
/// database says about the write itself is not.
fn kind(error: &DbErr) -> StorageErrorKind {
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return if matches!(error, DbErr::ConnectionAcquire(_)) {
            StorageErrorKind::Transient
        } else {
            StorageErrorKind::Rejected
        };
    };
    let RuntimeErr::SqlxError(cause) = cause else {
        return StorageErrorKind::Transient;
    };
    if let sqlx::Error::Database(cause) = cause.as_ref() {
        return kind_of_refusal(cause.as_ref());
    }
    let is_about_values = matches!(
        cause.as_ref(),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
    );
    if is_about_values {
        StorageErrorKind::Rejected
    } else if matches!(cause.as_ref(), sqlx::Error::Configuration(_)) {
        StorageErrorKind::Unusable
    } else {
        StorageErrorKind::Transient
    }
}

/// Decides the same of what the database itself said.
pub(crate) fn kind_of_refusal(cause: &dyn DatabaseError) -> StorageErrorKind {
    if cause.try_downcast_ref::<SqliteError>().is_some() {
        return sqlite::kind_of_code(cause.code().as_deref());
    }
    if let Some(cause) = cause.try_downcast_ref::<PgDatabaseError>() {
        return postgres::kind_of_code(cause.code());
    }
    match cause.try_downcast_ref::<MySqlDatabaseError>() {
        Some(cause) => mysql::kind_of_number(cause.number()),
        None => StorageErrorKind::Rejected,
    }
}
