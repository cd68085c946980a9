//! The connections, set up so that an idle storage sends nothing.
//!
//! No connection is pinged before use, retired for its age or closed for idleness: each of these
//! would be work while nothing is due. A connection to a file does not go stale.

use std::path::Path;
use std::time::Duration;

use evertask_core::storage::StorageError;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::address::DatabaseFile;
use crate::database_error::database_error;
use crate::sql_storage::{SqlStorage, Synchronous};
use crate::statement_counter::StatementCounter;

const MAX_READERS: u32 = 4;

/// How many answered rows may wait between the thread of the connection and us. With the driver's 50,
/// a group of hundreds has the two wake each other for every row, which doubled its time.
const ROW_BUFFER: usize = 4096;

/// Opens the connection that writes; makes the file if it may.
pub(super) async fn writer(
    storage: &SqlStorage,
    file: &DatabaseFile,
    path: &Path,
) -> Result<DatabaseConnection, StorageError> {
    let create = file.create;
    let synchronous = match storage.synchronous {
        Synchronous::Full => SqliteSynchronous::Full,
        Synchronous::Normal => SqliteSynchronous::Normal,
    };
    let mut options = options(storage, path, move |options| {
        options
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            .row_buffer_size(ROW_BUFFER)
    });
    options.min_connections(1).max_connections(1);
    connect(options, &storage.counter, path).await
}

/// Opens the pool of connections that read; each is made when it is first needed.
pub(super) async fn readers(
    storage: &SqlStorage,
    path: &Path,
) -> Result<DatabaseConnection, StorageError> {
    let mut options = options(storage, path, |options| options.pragma("query_only", "ON"));
    options
        .min_connections(0)
        .max_connections(MAX_READERS)
        .connect_lazy(true);
    connect(options, &storage.counter, path).await
}

fn options(
    storage: &SqlStorage,
    path: &Path,
    set: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> ConnectOptions {
    // The driver panics on a timeout that does not fit its own type.
    let longest = Duration::from_millis(u64::from(i32::MAX.unsigned_abs()));
    let busy_timeout = storage.busy_timeout.min(longest);
    let path = path.to_path_buf();
    // The URL only names the driver: a path may hold anything, and a URL can't.
    let mut options = ConnectOptions::new("sqlite://evertask");
    options
        .sqlx_logging(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |options| {
            set(options.filename(&path).busy_timeout(busy_timeout))
        });
    options
}

async fn connect(
    options: ConnectOptions,
    counter: &StatementCounter,
    path: &Path,
) -> Result<DatabaseConnection, StorageError> {
    let mut connection = Database::connect(options)
        .await
        .map_err(|error| database_error(&format!("open the database {}", path.display()), error))?;
    let counter = counter.clone();
    connection.set_metric_callback(move |sent| counter.note(sent.statement));
    Ok(connection)
}
