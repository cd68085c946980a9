use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evertask_core::storage::{
    ProcessStart, StorageBackend, StorageError, StorageErrorKind, TaskStorage,
};
use evertask_migration::TablePrefix;

use crate::address::DatabaseFile;
use crate::sqlite;
use crate::statement_counter::StatementCounter;

/// Keeps tasks in an SQL database.
///
/// Making one does not touch the database; the runtime opens it, on its own thread. Beside a
/// `SQLite` file `jobs.db`, a directory `jobs.db.owners` holds a file for each living process that
/// uses it.
#[derive(Clone, Debug)]
pub struct SqlStorage {
    pub(crate) file: DatabaseFile,
    pub(crate) prefix: TablePrefix,
    pub(crate) busy_timeout: Duration,
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
        Self::new(DatabaseFile {
            path: path.into(),
            create: true,
        })
    }

    /// Keeps tasks in the database of a URL, such as `sqlite://evertask.db`.
    ///
    /// The file is made if there is none, unless the URL ends in `?mode=rw`.
    ///
    /// # Errors
    ///
    /// A URL that this version can't use is refused with the reason and a remedy. Nothing is
    /// connected to.
    pub fn from_url(url: &str) -> Result<Self, StorageError> {
        DatabaseFile::from_url(url).map(Self::new)
    }

    fn new(file: DatabaseFile) -> Self {
        Self {
            file,
            prefix: TablePrefix::default(),
            busy_timeout: Duration::from_secs(5),
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

    /// Sets how long a write waits for another process that is writing; the default is 5 s.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets what a commit waits for.
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

    /// Counts the statements sent by everything that is opened from this value and its clones.
    pub fn statement_counter(&self) -> StatementCounter {
        self.counter.clone()
    }
}

#[async_trait]
impl StorageBackend for SqlStorage {
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError> {
        let session = sqlite::Session::open(self, start).await?;
        Ok(Arc::new(session))
    }
}
