//! The connections, set up so that an idle storage sends nothing and a lost one is made anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use evertask_core::storage::StorageError;
use sea_orm::sqlx::ConnectOptions;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sea_orm::{DatabaseConnection, SqlxPostgresConnector};

use super::liveness;
use crate::address::ServerUrl;
use crate::database_error::driver_error;
use crate::sql_storage::SqlStorage;
use crate::statement_counter::StatementCounter;

const MAX_READERS: u32 = 4;

/// How long a call waits for a connection, with everything that making one takes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that reads is kept without being used.
const IDLE_READER: Duration = Duration::from_mins(5);

/// What every session is set up with, unless the URL says otherwise in its `options`.
///
/// The timeouts end what hangs on the server: a statement, a wait for a lock, a transaction whose
/// client is gone, a session whose client can't be reached any more (noticed after a minute).
const SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    // Our statements are short and many.
    ("jit", "off"),
];

/// What the session that writes is set up with as well.
///
/// Each of its statements finds its rows by an index. A plan that was made while a table was nearly
/// empty would read all of it, and is kept until statistics say that it has grown.
const WRITER_SETTINGS: [(&str, &str); 6] = [
    ("default_transaction_isolation", "read committed"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // Both are ways to read all of a table by any of its indexes.
    ("enable_bitmapscan", "off"),
    ("enable_material", "off"),
];

const READER_SETTINGS: [(&str, &str); 1] = [("default_transaction_read_only", "on")];

/// A migration may take long, and so may that of the process before.
const STARTER_SETTINGS: [(&str, &str); 2] = [("statement_timeout", "0"), ("lock_timeout", "60s")];

/// Makes the connections of one storage.
#[derive(Debug)]
pub(super) struct Connections {
    options: PgConnectOptions,
    counter: StatementCounter,
}

impl Connections {
    pub(super) fn new(storage: &SqlStorage, url: &ServerUrl) -> Result<Self, StorageError> {
        let mut options = url.postgres_options()?.disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("evertask");
        }
        let options = with(options, &SETTINGS);
        Ok(Self {
            options: options.options([("search_path", &storage.schema)]),
            counter: storage.counter.clone(),
        })
    }

    /// Opens the connection that migrates. Whatever is wrong with the address shows here.
    pub(super) async fn starter(&self) -> Result<DatabaseConnection, StorageError> {
        let options = self.options.clone().options(STARTER_SETTINGS);
        let pool = pool()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|error| driver_error("connect to PostgreSQL", error))?;
        Ok(counted(pool, &self.counter))
    }

    /// Makes connections that write, one after the other. They hold `life` whenever they are
    /// connected, so a session that can write and one that others see alive are the same.
    pub(super) fn writers(
        &self,
        life: String,
    ) -> Arc<dyn Fn() -> DatabaseConnection + Send + Sync> {
        let options = with(self.options.clone(), &WRITER_SETTINGS);
        let counter = self.counter.clone();
        let session = Arc::new(AtomicI32::new(0));
        Arc::new(move || {
            let (life, session) = (life.clone(), Arc::clone(&session));
            let pool = pool()
                .max_connections(1)
                .after_connect(move |connection, _| {
                    let (life, session) = (life.clone(), Arc::clone(&session));
                    Box::pin(async move {
                        let before = session.load(Ordering::Relaxed);
                        let now = liveness::hold(connection, &life, before).await?;
                        session.store(now, Ordering::Relaxed);
                        Ok(())
                    })
                });
            counted(pool.connect_lazy_with(options.clone()), &counter)
        })
    }

    /// Makes the pool of the connection that watches the server.
    pub(super) fn watcher(&self) -> PgPool {
        pool()
            .max_connections(1)
            .connect_lazy_with(self.options.clone())
    }

    /// Makes the pool of connections that read; each is made when it is first needed, and looked
    /// after before it is used again.
    pub(super) fn readers(&self) -> DatabaseConnection {
        let pool = pool()
            .max_connections(MAX_READERS)
            .idle_timeout(IDLE_READER)
            .test_before_acquire(true);
        let options = with(self.options.clone(), &READER_SETTINGS);
        counted(pool.connect_lazy_with(options), &self.counter)
    }
}

fn counted(pool: PgPool, counter: &StatementCounter) -> DatabaseConnection {
    let mut connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    let counter = counter.clone();
    connection.set_metric_callback(move |sent| counter.note(sent.statement));
    connection
}

/// Adds the settings that the options don't have.
fn with(options: PgConnectOptions, settings: &[(&str, &str)]) -> PgConnectOptions {
    let given = options.get_options().unwrap_or_default().to_owned();
    let added = settings
        .iter()
        .filter(|(name, _)| !given.contains(&format!("{name}=")));
    options.options(added.copied())
}

fn pool() -> PgPoolOptions {
    PgPoolOptions::new()
        .min_connections(0)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
