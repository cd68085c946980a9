//! Tasks in a database of `MariaDB` or `MySQL`.
//!
//! One connection writes, a few read, as on `SQLite`: groups come one at a time, and the connection
//! that writes holds the lock by which others see that this process lives. Groups of other processes
//! run at the same time and are kept apart by locks on rows.
//!
//! It is tested on `MariaDB`. The statements keep to what `MySQL` 8 accepts, too, but are not tested
//! there.

mod claim;
mod connection;
mod dialect;
mod error_number;
mod facts;
mod insert;
mod locks;
mod packets;
#[cfg(test)]
mod plans_on_mariadb;
#[cfg(test)]
mod sessions_on_mariadb;
mod statements;

use evertask_core::storage::{ProcessStart, StorageError};
use evertask_migration::TablePrefix;
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use self::connection::Connections;
use self::dialect::MySqlDialect;
pub(crate) use self::error_number::kind_of_number;
use self::facts::{Facts, packets_of};
use self::insert::Inserts;
use self::locks::NamedLocks;
use self::statements::Statements;
use crate::address::ServerUrl;
use crate::rows::Row;
use crate::session::Opening;
use crate::sql_storage::SqlStorage;
use crate::write_connection::{Renewal, WriteConnection};

/// Connects, waits for its turn, and makes the tables if it may.
pub(crate) async fn open(
    storage: &SqlStorage,
    url: &ServerUrl,
    start: ProcessStart,
) -> Result<Opening, StorageError> {
    let me = start.id.0;
    let connections = Connections::new(storage, url)?;
    let starter = connections.starter().await?;
    let Facts { packets, locks } = Facts::of(&starter, &storage.prefix).await?;
    let liveness =
        NamedLocks::wait_for_turn(connections.clone(), locks.clone(), me, starter.clone()).await?;
    crate::schema::prepare(storage, &starter).await?;
    Ok(Opening {
        writer: WriteConnection::to_server(Renewal {
            patience: storage.answer_timeout,
            make: connections.writers(locks.of_process(me)),
        }),
        readers: connections.readers(),
        dialect: Box::new(MySqlDialect {
            statements: Statements::new(&storage.prefix),
            packets,
            locks,
        }),
        liveness: Box::new(liveness),
    })
}

/// Inserts tasks on a connection of somebody else's, and answers the ids of those that are new.
pub(crate) async fn insert_tasks<C: ConnectionTrait>(
    prefix: &TablePrefix,
    connection: &C,
    rows: &[Row<'_>],
) -> Result<Vec<Uuid>, StorageError> {
    let inserts = Inserts {
        statements: &Statements::new(prefix),
        packets: packets_of(connection).await?,
    };
    insert::insert(inserts, connection, rows).await
}
