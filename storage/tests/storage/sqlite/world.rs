use std::path::PathBuf;
use std::sync::Arc;

use evertask_core::storage::TaskStorage;
use evertask_storage::SqlStorage;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use tempfile::TempDir;
use uuid::Uuid;

use crate::sample::open;

/// A database of its own for each test.
pub(crate) struct World {
    pub(crate) directory: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("jobs.db")
    }

    pub(crate) fn storage(&self) -> SqlStorage {
        SqlStorage::sqlite(self.path())
    }

    /// Opens the database as a process.
    pub(crate) async fn open(&self, process: u128) -> Arc<dyn TaskStorage> {
        open(&self.storage(), process).await.unwrap()
    }

    pub(crate) fn has_lock_of(&self, process: u128) -> bool {
        let name = format!("jobs.db.owners/{}.lock", Uuid::from_u128(process));
        self.directory.path().join(name).exists()
    }

    /// Looks at the database from outside.
    pub(crate) async fn outside(&self) -> DatabaseConnection {
        let url = format!("sqlite://{}", self.path().display());
        Database::connect(url).await.unwrap()
    }

    pub(crate) async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        self.outside().await.query_all_raw(statement).await.unwrap()
    }

    pub(crate) async fn tables(&self) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema \
                   WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let rows = self.query(sql).await;
        rows.iter()
            .map(|row| row.try_get("", "name").unwrap())
            .collect()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.outside().await.execute_unprepared(sql).await.unwrap();
    }
}
