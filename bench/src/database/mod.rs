//! A database of its own for one measurement.

mod words;

use std::sync::Arc;

use evertask_core::storage::{ProcessStart, StorageBackend, TaskStorage};
use evertask_core::task::ProcessId;
use evertask_core::time::Timestamp;
use evertask_storage::{SqlStorage, StatementCounter};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) use self::words::Words;
use crate::Failure;

/// An empty database with the tables of evertask, and a connection beside the storage that fills it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) words: Words,
    storage: SqlStorage,
    outside: DatabaseConnection,
    schema: Option<String>,
    /// Removes its files when it is dropped.
    _directory: Option<TempDir>,
}

impl Place {
    /// Makes a place in the database of a URL, or in a temporary directory.
    pub(crate) async fn new(url: Option<&str>) -> Result<Self, Failure> {
        match url {
            None => Self::sqlite().await,
            Some(url) => Self::postgres(url).await,
        }
    }

    async fn sqlite() -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("jobs.db");
        let storage = SqlStorage::sqlite(&path);
        create_tables(&storage).await?;
        let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
        options.max_connections(1).sqlx_logging(false);
        let outside = Database::connect(options).await?;
        // What is filled in may be lost with the machine.
        outside
            .execute_unprepared("PRAGMA synchronous = OFF")
            .await?;
        Ok(Self {
            words: Words::Sqlite,
            storage,
            outside,
            schema: None,
            _directory: Some(directory),
        })
    }

    async fn postgres(url: &str) -> Result<Self, Failure> {
        let schema = format!("bench_{}", Uuid::now_v7().simple());
        let storage = SqlStorage::from_url(url)?.schema(&schema)?;
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(1)
            .sqlx_logging(false)
            .set_schema_search_path(&schema);
        let place = Self {
            words: Words::Postgres,
            storage,
            outside: Database::connect(options).await?,
            schema: Some(schema),
            _directory: None,
        };
        match create_tables(&place.storage).await {
            Ok(()) => Ok(place),
            Err(error) => {
                place.remove().await?;
                Err(error)
            }
        }
    }

    /// Opens the storage as a process would.
    pub(crate) async fn open(&self, process: ProcessId) -> Result<Arc<dyn TaskStorage>, Failure> {
        open(&self.storage, process).await
    }

    /// Counts and records what the storage sends.
    pub(crate) fn statements(&self) -> StatementCounter {
        self.storage.statement_counter()
    }

    /// Asks how the database would run a statement, step by step.
    pub(crate) async fn explain(&self, statement: &Statement) -> Result<Vec<String>, Failure> {
        let asked = Statement {
            sql: format!("{} {}", self.words.explain(), statement.sql),
            ..statement.clone()
        };
        let rows = self.outside.query_all_raw(asked).await?;
        let column = self.words.step();
        let mut steps = Vec::with_capacity(rows.len());
        for row in rows {
            steps.push(row.try_get("", column)?);
        }
        Ok(steps)
    }

    /// Runs a statement beside the storage.
    pub(crate) async fn execute(&self, sql: &str) -> Result<(), Failure> {
        self.outside.execute_unprepared(sql).await?;
        Ok(())
    }

    /// Removes everything that was made.
    pub(crate) async fn remove(self) -> Result<(), Failure> {
        if let Some(schema) = &self.schema {
            self.execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))
                .await?;
        }
        self.outside.close().await?;
        Ok(())
    }
}

async fn create_tables(storage: &SqlStorage) -> Result<(), Failure> {
    open(storage, ProcessId(Uuid::now_v7()))
        .await?
        .close()
        .await?;
    Ok(())
}

async fn open(storage: &SqlStorage, process: ProcessId) -> Result<Arc<dyn TaskStorage>, Failure> {
    let start = ProcessStart {
        id: process,
        at: Timestamp::UNIX_EPOCH,
    };
    Ok(storage.open(start).await?)
}
