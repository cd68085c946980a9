//! The connections, each set up when it is made, so that nothing depends on the settings of the server.
//!
//! An idle connection that writes sends nothing, and the server must not close it for that: with it
//! would go the lock by which others see that this process lives.

use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::StorageError;
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, MySqlConnection};
use sea_orm::{DatabaseConnection, SqlxMySqlConnector};

use super::locks;
use crate::address::ServerUrl;
use crate::database_error::driver_error;
use crate::sql_storage::SqlStorage;
use crate::statement_counter::StatementCounter;

const MAX_READERS: u32 = 4;

/// How long a call waits for a connection, with everything that making one takes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that reads is kept without being used.
const IDLE_READER: Duration = Duration::from_mins(5);

/// For how many seconds the server leaves an idle connection alone: the longest time it takes.
const IDLE_SECONDS: u32 = 31_536_000;

/// How many seconds a statement waits for a change of a table's structure to end.
const STRUCTURE_SECONDS: u32 = 60;

/// Makes the connections of one storage.
#[derive(Clone)]
pub(super) struct Connections {
    options: MySqlConnectOptions,
    /// What is set on a connection that writes, and on one that reads.
    settings: [Arc<str>; 2],
    counter: StatementCounter,
}

impl Connections {
    pub(super) fn new(storage: &SqlStorage, url: &ServerUrl) -> Result<Self, StorageError> {
        Ok(Self {
            options: url.mysql_options()?.disable_statement_logging(),
            settings: ["READ WRITE", "READ ONLY"].map(|access| settings(storage, access).into()),
            counter: storage.counter.clone(),
        })
    }

    /// Opens a connection for what is done once, such as migrations. Whatever is wrong with the address
    /// shows here.
    pub(super) async fn starter(&self) -> Result<DatabaseConnection, StorageError> {
        let settings = Arc::clone(&self.settings[0]);
        let pool = pool()
            .max_connections(1)
            .after_connect(move |connection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move { set(connection, &settings).await })
            })
            .connect_with(self.options.clone())
            .await
            .map_err(|error| driver_error("connect to MySQL", error))?;
        Ok(counted(pool, &self.counter))
    }

    /// Makes connections that write, one after the other. They hold the lock `life` whenever they are
    /// connected, so a connection that can write and one that others see alive are the same.
    pub(super) fn writers(
        &self,
        life: String,
    ) -> Arc<dyn Fn() -> DatabaseConnection + Send + Sync> {
        let settings = Arc::clone(&self.settings[0]);
        let life: Arc<str> = life.into();
        let (options, counter) = (self.options.clone(), self.counter.clone());
        Arc::new(move || {
            let (settings, life) = (Arc::clone(&settings), Arc::clone(&life));
            let pool = pool()
                .max_connections(1)
                .after_connect(move |connection, _| {
                    let (settings, life) = (Arc::clone(&settings), Arc::clone(&life));
                    Box::pin(async move {
                        set(connection, &settings).await?;
                        locks::hold(connection, &life).await
                    })
                });
            counted(pool.connect_lazy_with(options.clone()), &counter)
        })
    }

    /// Makes the pool of connections that read; each is made when it is first needed, and looked
    /// after before it is used again.
    pub(super) fn readers(&self) -> DatabaseConnection {
        let settings = Arc::clone(&self.settings[1]);
        let pool = pool()
            .max_connections(MAX_READERS)
            .idle_timeout(IDLE_READER)
            .test_before_acquire(true)
            .after_connect(move |connection, _| {
                let settings = Arc::clone(&settings);
                Box::pin(async move { set(connection, &settings).await })
            });
        counted(pool.connect_lazy_with(self.options.clone()), &self.counter)
    }
}

/// The options hold the password.
impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Connections")
            .finish_non_exhaustive()
    }
}

fn counted(pool: MySqlPool, counter: &StatementCounter) -> DatabaseConnection {
    let mut connection = SqlxMySqlConnector::from_sqlx_mysql_pool(pool);
    let counter = counter.clone();
    connection.set_metric_callback(move |sent| counter.note(sent.statement));
    connection
}

fn pool() -> MySqlPoolOptions {
    MySqlPoolOptions::new()
        .min_connections(0)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Values that do not fit are refused and never cut. The isolation is what
/// [`MySqlDialect`](super::dialect::MySqlDialect) counts on.
fn settings(storage: &SqlStorage, access: &str) -> String {
    let wait = storage.busy_timeout.as_secs().clamp(1, 3600);
    format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, {access}; \
         SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
         wait_timeout = {IDLE_SECONDS}, \
         innodb_lock_wait_timeout = {wait}, \
         lock_wait_timeout = {STRUCTURE_SECONDS}"
    )
}

async fn set(connection: &mut MySqlConnection, settings: &str) -> Result<(), sqlx::Error> {
    let settings = AssertSqlSafe(settings.to_owned());
    sqlx::raw_sql(settings).execute(connection).await?;
    Ok(())
}
