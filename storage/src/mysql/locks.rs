//! Who is alive: a named lock for each process, held by the connection that writes.
//!
//! The server releases it with the connection, however that ends, and a new connection takes it again
//! before it writes anything. Who can write is therefore who is alive.
//!
//! Such names belong to the whole server, so they begin with a digest of database and table prefix.
//! They are not replicated: all processes have to use one server. When another server takes its
//! place, each takes its lock anew with its new connection.

use async_trait::async_trait;
use evertask_core::storage::{StorageError, StorageErrorKind};
use sea_orm::sqlx::{self, AssertSqlSafe, MySqlConnection};
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::connection::Connections;
use crate::database_error::database_error;
use crate::dialect::query_ids;
use crate::liveness::Liveness;
use crate::rows::{Cell, Encoding, Row, json_row};

/// How many seconds a process waits for its turn to open, while others do.
const TURN_SECONDS: i32 = 60;

/// How many seconds the server has to notice that a connection was closed.
const CLOSING_SECONDS: i32 = 5;

/// The names of the locks of one database and table prefix.
#[derive(Clone, Debug)]
pub(super) struct LockNames {
    /// What they begin with: short enough for an id to follow.
    prefix: String,
}

impl LockNames {
    pub(super) fn new(digest: &str) -> Self {
        Self {
            prefix: format!("evertask:{digest}:"),
        }
    }

    pub(super) fn of_process(&self, id: Uuid) -> String {
        format!("{}{}", self.prefix, id.simple())
    }

    fn of_opening(&self) -> String {
        format!("{}opening", self.prefix)
    }

    /// Answers which of these processes hold no lock at this moment.
    pub(super) async fn free(
        &self,
        transaction: &DatabaseTransaction,
        processes: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        if processes.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Row<'_> = processes.iter().copied().map(Cell::Id).collect();
        let values = [
            json_row(&ids, Encoding::MySql)?.into(),
            self.prefix.as_str().into(),
        ];
        let sql = "SELECT UNHEX(item.id) AS id FROM JSON_TABLE(?, '$[*]' \
                   COLUMNS (id varchar(32) CHARACTER SET utf8mb4 PATH '$')) AS item \
                   WHERE IS_FREE_LOCK(CONCAT(?, item.id)) = 1";
        query_ids(transaction, "look for dead processes", sql, values).await
    }
}

/// Takes the lock of a process for a new connection of it.
///
/// Nobody but an earlier connection of the same process can hold it. If the server has not noticed
/// that it is gone, it is ended: its last group is committed or rolled back then, and not both.
pub(super) async fn hold(connection: &mut MySqlConnection, name: &str) -> Result<(), sqlx::Error> {
    if get(connection, name, 0).await? {
        return Ok(());
    }
    let holder: Option<u64> = sqlx::query_scalar("SELECT CAST(IS_USED_LOCK(?) AS UNSIGNED)")
        .bind(name)
        .fetch_one(&mut *connection)
        .await?;
    if let Some(holder) = holder {
        let kill = sqlx::raw_sql(AssertSqlSafe(format!("KILL {holder}")));
        if let Err(error) = kill.execute(&mut *connection).await {
            tracing::warn!(%error, "an earlier connection of this process can't be ended");
        }
    }
    if get(connection, name, CLOSING_SECONDS).await? {
        return Ok(());
    }
    let held = "an earlier connection of this process still holds its lock";
    Err(sqlx::Error::Io(std::io::Error::other(held)))
}

async fn get(
    connection: &mut MySqlConnection,
    name: &str,
    seconds: i32,
) -> Result<bool, sqlx::Error> {
    let got: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK(?, ?)")
        .bind(name)
        .bind(seconds)
        .fetch_one(connection)
        .await?;
    Ok(got == Some(1))
}

/// Liveness by named locks of the server.
#[derive(Debug)]
pub(super) struct NamedLocks {
    connections: Connections,
    names: LockNames,
    me: Uuid,
    /// Holds the turn until the storage is open.
    starter: Mutex<Option<DatabaseConnection>>,
}

impl NamedLocks {
    /// Waits until no other process is opening the database.
    pub(super) async fn wait_for_turn(
        connections: Connections,
        names: LockNames,
        me: Uuid,
        starter: DatabaseConnection,
    ) -> Result<Self, StorageError> {
        let doing = "wait for other processes that open the database";
        if !get_lock(&starter, doing, &names.of_opening(), TURN_SECONDS).await? {
            return Err(StorageError::new(StorageErrorKind::Transient, doing));
        }
        Ok(Self {
            connections,
            names,
            me,
            starter: Mutex::new(Some(starter)),
        })
    }
}

#[async_trait]
impl Liveness for NamedLocks {
    async fn dead(
        &self,
        transaction: &DatabaseTransaction,
        owners: Vec<Uuid>,
    ) -> Result<Vec<Uuid>, StorageError> {
        self.names.free(transaction, &owners).await
    }

    /// Who comes back to life later than this is noticed by the claim, once it has locked its rows.
    async fn still_dead(
        &self,
        transaction: &DatabaseTransaction,
        dead: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        self.names.free(transaction, dead).await
    }

    async fn opened(&self, _keep: &[Uuid]) -> Result<(), StorageError> {
        let Some(starter) = self.starter.lock().await.take() else {
            return Ok(());
        };
        let closed = starter.close().await;
        closed.map_err(|error| database_error("close a connection", error))
    }

    /// The lock goes with the connection, which is closed; it returns when the server has noticed.
    async fn end(&self) -> Result<(), StorageError> {
        let doing = "see the lock of this process released";
        let connection = self.connections.starter().await?;
        let name = self.names.of_process(self.me);
        let is_free = get_lock(&connection, doing, &name, CLOSING_SECONDS).await?;
        let release = "SELECT RELEASE_LOCK(?)";
        let release = Statement::from_sql_and_values(DbBackend::MySql, release, [name.into()]);
        connection
            .query_one_raw(release)
            .await
            .map_err(|error| database_error(doing, error))?;
        let closed = connection.close().await;
        closed.map_err(|error| database_error("close a connection", error))?;
        if is_free {
            Ok(())
        } else {
            Err(StorageError::new(StorageErrorKind::Transient, doing))
        }
    }
}

async fn get_lock(
    connection: &DatabaseConnection,
    doing: &str,
    name: &str,
    seconds: i32,
) -> Result<bool, StorageError> {
    let get = Statement::from_sql_and_values(
        DbBackend::MySql,
        "SELECT GET_LOCK(?, ?) AS got",
        [name.into(), seconds.into()],
    );
    let failed = |error| database_error(doing, error);
    let Some(row) = connection.query_one_raw(get).await.map_err(failed)? else {
        return Ok(false);
    };
    let got: Option<i64> = row.try_get("", "got").map_err(failed)?;
    Ok(got == Some(1))
}
