//! Who is alive: an advisory lock for each process, held by the session that writes.
//!
//! The server releases it when the session ends, however it ends, and nobody has to renew it. A
//! process is dead exactly when its lock can be taken, by any number of others at once.
//!
//! A session can end while its process lives, because a server restarts or a network fails. The
//! process then counts as dead until it has connected again, and its rows may be taken; its writes
//! about these are refused. Death is therefore looked at anew in every transaction that takes rows,
//! and whoever finds it holds a share of the lock until the commit: nobody comes back to life in
//! between.

use async_trait::async_trait;
use evertask_core::storage::StorageError;
use evertask_migration::TablePrefix;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, Statement, Value, sqlx,
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::schema_name::SchemaName;
use super::watch::Watch;
use crate::database_error::database_error;
use crate::dialect::query_ids;
use crate::liveness::Liveness;
use crate::rows::{Cell, Encoding, Row, json_row};

/// Advisory locks have numbers; ours have names, of which the server makes numbers.
#[derive(Clone, Debug)]
pub(super) struct LockNames {
    /// One process opens a storage in a schema at a time, whatever its prefix: the schema may have to
    /// be made.
    turn: String,
    /// The name of a process's lock is this and its id.
    process: String,
}

impl LockNames {
    pub(super) fn new(schema: &SchemaName, prefix: &TablePrefix) -> Self {
        Self {
            turn: format!("evertask start {schema}"),
            process: format!("evertask process {schema} {prefix} "),
        }
    }

    pub(super) fn of_process(&self, id: Uuid) -> String {
        format!("{}{id}", self.process)
    }
}

/// Waits until no other process is opening a storage in the schema.
pub(super) async fn wait_for_turn(
    starter: &DatabaseConnection,
    names: &LockNames,
) -> Result<(), StorageError> {
    let sql = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
    let lock =
        Statement::from_sql_and_values(DbBackend::Postgres, sql, [names.turn.as_str().into()]);
    starter
        .execute_raw(lock)
        .await
        .map_err(|error| database_error("wait for other processes that open it", error))?;
    Ok(())
}

/// Takes the lock of this process for a new session and answers the session's number.
///
/// The server may not have noticed that the session before is lost; it is ended, so that nothing it
/// was told can still be under way when the new one begins.
pub(super) async fn hold(
    connection: &mut PgConnection,
    life: &str,
    session_before: i32,
) -> Result<i32, sqlx::Error> {
    if session_before != 0 {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks \
                   WHERE pid = $1 AND locktype = 'advisory' AND granted \
                   AND (classid::bigint << 32) | objid::bigint = hashtextextended($2, 0)";
        sqlx::query(end)
            .bind(session_before)
            .bind(life)
            .execute(&mut *connection)
            .await?;
    }
    let hold = "SELECT pg_backend_pid() FROM pg_advisory_lock(hashtextextended($1, 0))";
    sqlx::query_scalar(hold)
        .bind(life)
        .fetch_one(connection)
        .await
}

/// Liveness by the locks of sessions.
#[derive(Debug)]
pub(super) struct AdvisoryLocks {
    names: LockNames,
    me: Uuid,
    /// Holds the turn until the storage is open.
    starter: Mutex<Option<DatabaseConnection>>,
    watch: Watch,
}

impl AdvisoryLocks {
    pub(super) fn new(
        names: LockNames,
        me: Uuid,
        starter: DatabaseConnection,
        watch: Watch,
    ) -> Self {
        Self {
            names,
            me,
            starter: Mutex::new(Some(starter)),
            watch,
        }
    }
}

#[async_trait]
impl Liveness for AdvisoryLocks {
    async fn dead(
        &self,
        transaction: &DatabaseTransaction,
        owners: Vec<Uuid>,
    ) -> Result<Vec<Uuid>, StorageError> {
        self.still_dead(transaction, &owners).await
    }

    async fn still_dead(
        &self,
        transaction: &DatabaseTransaction,
        dead: &[Uuid],
    ) -> Result<Vec<Uuid>, StorageError> {
        // A session can always take a lock that is its own.
        let others = dead.iter().filter(|owner| **owner != self.me);
        let others: Row<'_> = others.copied().map(Cell::Id).collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT owner.id FROM jsonb_array_elements_text($1::jsonb) AS item(hex) \
                   CROSS JOIN LATERAL (SELECT item.hex::uuid AS id) AS owner \
                   WHERE pg_try_advisory_xact_lock_shared(hashtextextended($2 || owner.id, 0))";
        let names = self.names.process.as_str();
        let values: [Value; 2] = [json_row(&others, Encoding::Postgres)?.into(), names.into()];
        query_ids(transaction, "look for dead processes", sql, values).await
    }

    async fn opened(&self, _keep: &[Uuid]) -> Result<(), StorageError> {
        let Some(starter) = self.starter.lock().await.take() else {
            return Ok(());
        };
        starter
            .close()
            .await
            .map_err(|error| database_error("close a connection", error))
    }

    /// The lock went with the session.
    async fn end(&self) -> Result<(), StorageError> {
        self.watch.end();
        Ok(())
    }
}
