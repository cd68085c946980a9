//! Tasks in a schema of a `PostgreSQL` database.
//!
//! One connection writes, a few read, as on `SQLite`: groups come one at a time, and the connection
//! that writes holds the lock by which others see that this process lives.

mod connection;
mod error_code;
mod liveness;
mod schema;
mod schema_name;
mod statements;
mod watch;

use evertask_core::storage::{ProcessStart, StorageError};
use sea_orm::TransactionOptions;

use self::connection::Connections;
pub(crate) use self::error_code::kind_of_code;
use self::liveness::{AdvisoryLocks, LockNames};
pub(crate) use self::schema_name::{InvalidSchemaName, SchemaName};
pub(crate) use self::statements::insert_tasks;
use self::statements::statements;
use self::watch::Watch;
use crate::address::ServerUrl;
use crate::dialect::SetBased;
use crate::rows::Encoding;
use crate::session::Opening;
use crate::sql_storage::SqlStorage;
use crate::write_connection::{Renewal, WriteConnection};

/// Connects, waits for its turn, and makes the schema and the tables if it may.
pub(crate) async fn open(
    storage: &SqlStorage,
    url: &ServerUrl,
    start: ProcessStart,
) -> Result<Opening, StorageError> {
    let names = LockNames::new(&storage.schema, &storage.prefix);
    let connections = Connections::new(storage, url)?;
    let starter = connections.starter().await?;
    liveness::wait_for_turn(&starter, &names).await?;
    schema::make(storage, &starter).await?;
    crate::schema::prepare(storage, &starter).await?;
    let writer = WriteConnection::to_server(Renewal {
        patience: storage.answer_timeout,
        make: connections.writers(names.of_process(start.id.0)),
    });
    let watch = Watch::start(connections.watcher(), writer.shared());
    Ok(Opening {
        writer,
        readers: connections.readers(),
        dialect: Box::new(SetBased {
            statements: statements(&storage.prefix),
            encoding: Encoding::Postgres,
            transaction: TransactionOptions::default(),
        }),
        liveness: Box::new(AdvisoryLocks::new(names, start.id.0, starter, watch)),
    })
}
