//! Tasks in a `SQLite` file.
//!
//! One connection writes, a few read. `SQLite` has one writer at a time anyway; with a connection of
//! its own, a group never waits for a connection and finds its statements prepared.

mod connection;
mod error_code;
mod liveness;
mod owners;
mod statements;

use evertask_core::storage::{ProcessStart, StorageError};
use sea_orm::{SqliteTransactionMode, TransactionOptions};

pub(crate) use self::error_code::kind_of_code;
use self::liveness::FileLocks;
use self::owners::OwnersDirectory;
pub(crate) use self::statements::insert_tasks;
use self::statements::statements;
use crate::address::DatabaseFile;
use crate::dialect::SetBased;
use crate::rows::Encoding;
use crate::schema;
use crate::session::Opening;
use crate::sql_storage::SqlStorage;
use crate::write_connection::WriteConnection;

/// Opens the file, and makes it if it may.
pub(crate) async fn open(
    storage: &SqlStorage,
    file: &DatabaseFile,
    start: ProcessStart,
) -> Result<Opening, StorageError> {
    let path = file.place()?;
    let directory = OwnersDirectory::beside(&path);
    let turn = directory.wait_for_turn().await?;
    let writer = connection::writer(storage, file, &path).await?;
    schema::prepare(storage, &writer).await?;
    // Before any row names this process, others must be able to see that it lives.
    let lock = directory.hold(&turn, start.id.0).await?;
    Ok(Opening {
        writer: WriteConnection::to_file(writer),
        readers: connection::readers(storage, &path).await?,
        dialect: Box::new(SetBased {
            statements: statements(&storage.prefix),
            encoding: Encoding::Sqlite,
            transaction: writing(),
        }),
        liveness: Box::new(FileLocks::new(directory, turn, lock)),
    })
}

/// Such a transaction has the write lock from the start: one that only gets it later could find that
/// another process has written meanwhile, and fail.
fn writing() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}
