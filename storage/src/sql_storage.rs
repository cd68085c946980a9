use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evertask_core::storage::{
    ProcessStart, StorageBackend, StorageError, StorageErrorKind, TaskStorage,
};
use evertask_migration::TablePrefix;

use crate::address::{Address, DatabaseFile};
use crate::mysql;
use crate::postgres::{self, InvalidSchemaName, SchemaName};
use crate::session::Session;
use crate::sqlite;
use crate::statement_counter::StatementCounter;

/// Keeps tasks in an SQL database.
///
/// Making one does not touch the database; the runtime opens it, on its own thread. Beside a
/// `SQLite` file `jobs.db`, a directory `jobs.db.owners` holds a file for each living process that
/// uses it. In a `PostgreSQL` database, everything is in one schema.
#[derive(Clone, Debug)]
pub struct SqlStorage {
    pub(crate) address: Address,
    pub(crate) schema: SchemaName,
    pub(crate) prefix: TablePrefix,
    pub(crate) busy_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    pub(crate) apply_migrations: bool,
    pub(crate) counter: StatementCounter,
}

/// What a commit of `SQLite` waits for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Synchronous {
    /// Until the disk has it: a committed task survives a power failure. The default.
    #[default]
    Full,
    /// Until the operating system has it: faster; a committed task survives a crash of the process
    /// but may be lost with the machine.
    Normal,
}

impl SqlStorage {
    /// Keeps tasks in a `SQLite` file, which is made if there is none; its directory is not.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::new(Address::File(DatabaseFile {
            path: path.into(),
            create: true,
        }))
    }

    /// Keeps tasks in the database of a URL, such as `sqlite://evertask.db`,
    /// `postgres://user@host/database` or `mysql://user@host/database`, which can also be written
    /// `mariadb://user@host/database`.
    ///
    /// A `SQLite` file is made if there is none, unless the URL ends in `?mode=rw`. A `PostgreSQL`
    /// database must exist. Its connections use TLS if the server offers it; `?sslmode=verify-full`
    /// insists and checks the server's name, and `&sslrootcert=ca.pem` names the certificate of
    /// whoever signed the server's. The process needs connections of its own: a pooler that gives
    /// each transaction another session can't be between.
    ///
    /// The same holds for `MariaDB` from 10.6 and for `MySQL` from 8.0.19, on which this version is not
    /// tested. There, `?ssl-mode=VERIFY_IDENTITY` insists on TLS and checks the server's name, and
    /// `&ssl-ca=ca.pem` names the certificate. All processes have to use one server: the locks by
    /// which they know of each other are not replicated. A payload has to fit into one packet of the
    /// server, `max_allowed_packet`; 16 MiB is a usual default.
    ///
    /// # Errors
    ///
    /// A URL that this version can't use is refused with the reason and a remedy. Nothing is
    /// connected to.
    pub fn from_url(url: &str) -> Result<Self, StorageError> {
        Address::from_url(url).map(Self::new)
    }

    fn new(address: Address) -> Self {
        Self {
            address,
            schema: SchemaName::default(),
            prefix: TablePrefix::default(),
            busy_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            synchronous: Synchronous::default(),
            apply_migrations: true,
            counter: StatementCounter::default(),
        }
    }

    /// Sets what the names of the tables begin with; the default is `evertask_`.
    ///
    /// # Errors
    ///
    /// A prefix that is not a plain word of at most 32 characters is refused.
    pub fn table_prefix(mut self, prefix: &str) -> Result<Self, StorageError> {
        self.prefix = prefix.parse().map_err(|error| {
            StorageError::new(StorageErrorKind::Unusable, "configure the storage").with_source(
                Box::<dyn std::error::Error + Send + Sync>::from(format!("{error}")),
            )
        })?;
        Ok(self)
    }

    /// Sets the schema that the tables are in; the default is `evertask`, and an empty name means
    /// `public`. It is made if there is none and migrations are applied.
    ///
    /// # Errors
    ///
    /// Only `PostgreSQL` has schemas; for another database this is refused. So is a name that is not
    /// of at most 63 lower-case letters, digits and underscores, or that begins with a digit or with
    /// `pg_`.
    pub fn schema(mut self, schema: &str) -> Result<Self, StorageError> {
        if !matches!(self.address, Address::Postgres(_)) {
            return Err(StorageError::new(
                StorageErrorKind::Unusable,
                "configure the storage: only PostgreSQL has schemas; leave the schema out and use \
                 the table prefix",
            ));
        }
        self.schema = schema.parse().map_err(|error: InvalidSchemaName| {
            StorageError::new(StorageErrorKind::Unusable, "configure the storage")
                .with_source(error)
        })?;
        Ok(self)
    }

    /// Sets how long a write waits for another process that is writing a `SQLite` file, or that holds
    /// a row of `MySQL` or `MariaDB`, which counts in whole seconds; the default is 5 s.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets how long a server may take to write a group, or to commit it, before its connection is
    /// given up and made anew; the default is 30 s.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Sets what a commit of `SQLite` waits for. A server decides that by its own configuration.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets whether the tables are made and brought up to date at the start; the default is that
    /// they are.
    ///
    /// Otherwise opening a database that is not up to date fails.
    #[must_use]
    pub fn apply_migrations(mut self, apply: bool) -> Self {
        self.apply_migrations = apply;
        self
    }

    pub(crate) async fn open_session(&self, start: ProcessStart) -> Result<Session, StorageError> {
        let opening = match &self.address {
            Address::File(file) => sqlite::open(self, file, start).await?,
            Address::Postgres(url) => postgres::open(self, url, start).await?,
            Address::MySql(url) => mysql::open(self, url, start).await?,
        };
        Session::start(self, opening, start).await
    }

    /// Counts the statements sent by everything that is opened from this value and its clones.
    pub fn statement_counter(&self) -> StatementCounter {
        self.counter.clone()
    }
}

#[async_trait]
impl StorageBackend for SqlStorage {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        Ok(Arc::new(self.open_session(start).await?))
    }
}
