use std::sync::Arc;

use async_trait::async_trait;
use evertask_core::storage::conformance::World;
use evertask_core::storage::{StorageBackend, TaskStorage};
use evertask_core::task::TaskId;
use evertask_storage::SqlStorage;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult,
    Statement,
};
use uuid::Uuid;

/// Tables of its own for each test, gone with it.
#[derive(Debug)]
pub(super) struct Place {
    url: String,
    pub(super) prefix: String,
    storage: SqlStorage,
    /// Looks at the database from outside.
    pub(super) outside: DatabaseConnection,
}

impl Place {
    /// Answers nothing where no server is named, and says so.
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
    pub(super) async fn new() -> Option<Self> {
        let url = std::env::var("EVERTASK_TEST_MYSQL_URL").unwrap_or_default();
        if url.is_empty() {
            eprintln!("skipped: EVERTASK_TEST_MYSQL_URL names no server of MariaDB or MySQL");
            return None;
        }
        Some(Self::at(url).await)
    }

    /// Makes one in another database of the server.
    pub(super) async fn at(url: String) -> Self {
        let random = Uuid::now_v7().simple().to_string().split_off(16);
        let prefix = format!("test_{random}_");
        let outside = Database::connect(&url).await.unwrap();
        let storage = SqlStorage::from_url(&url).unwrap();
        let storage = storage.table_prefix(&prefix).unwrap();
        Self {
            url,
            prefix,
            storage,
            outside,
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The host and the port of the server.
    pub(super) fn host(&self) -> String {
        let (_, place) = self.url.rsplit_once('@').unwrap();
        let (host, _) = place.split_once('/').unwrap();
        host.to_owned()
    }

    /// The storage of this place, with a proxy at a port of this machine in between.
    pub(super) fn storage_through(&self, port: u16) -> SqlStorage {
        let url = self.url.replace(&self.host(), &format!("127.0.0.1:{port}"));
        let storage = SqlStorage::from_url(&url).unwrap();
        storage.table_prefix(&self.prefix).unwrap()
    }

    pub(super) fn storage(&self) -> SqlStorage {
        self.storage.clone()
    }

    pub(super) async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let sql = sql.replace("evertask_", &self.prefix);
        let statement = Statement::from_string(DbBackend::MySql, sql);
        self.outside.query_all_raw(statement).await.unwrap()
    }

    pub(super) async fn execute(&self, sql: &str) {
        let sql = sql.replace("evertask_", &self.prefix);
        self.outside.execute_unprepared(&sql).await.unwrap();
    }

    /// Every column of every table of this place.
    pub(super) async fn columns(&self) -> Vec<String> {
        let sql = "SELECT CONCAT(table_name, '.', column_name, ' ', column_type) AS shown \
                   FROM information_schema.columns WHERE table_schema = DATABASE() \
                   AND table_name LIKE 'evertask_%' ORDER BY 1";
        let rows = self.query(sql).await;
        rows.iter()
            .map(|row| row.try_get("", "shown").unwrap())
            .collect()
    }

    /// Ends the connection that holds the lock of a process, if there is one, as an operator would.
    pub(super) async fn cut_off(&self, process: u128) {
        let Some(holder) = self.holder(process).await else {
            return;
        };
        // It may have ended by itself meanwhile, which is as good.
        let killed = self
            .outside
            .execute_unprepared(&format!("KILL {holder}"))
            .await;
        if let Err(error) = killed {
            assert!(error.to_string().contains("Unknown thread id"), "{error}");
        }
        while self.holder(process).await == Some(holder) {
            tokio::task::yield_now().await;
        }
    }

    /// The connection that holds the lock of a process.
    pub(super) async fn holder(&self, process: u128) -> Option<u64> {
        let id = Uuid::from_u128(process);
        let name = self.lock_name(&format!("'{}'", id.simple()));
        let sql = format!("SELECT CAST(IS_USED_LOCK({name}) AS UNSIGNED) AS holder");
        let statement = Statement::from_string(DbBackend::MySql, sql);
        let row = self.outside.query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "holder").unwrap()
    }

    /// The name of the lock that a process of this id, an expression, holds.
    fn lock_name(&self, id: &str) -> String {
        format!(
            "CONCAT('evertask:', LEFT(SHA2(CONCAT(LOWER(DATABASE()), '/', '{}'), 256), 16), ':', \
             {id})",
            self.prefix
        )
    }

    /// How many processes hold the lock by which others see that they live.
    pub(super) async fn living(&self) -> i64 {
        let sql = format!(
            "SELECT COUNT(*) AS count FROM {}processes WHERE IS_USED_LOCK({}) IS NOT NULL",
            self.prefix,
            self.lock_name("LOWER(HEX(id))"),
        );
        let statement = Statement::from_string(DbBackend::MySql, sql);
        let row = self.outside.query_one_raw(statement).await.unwrap();
        row.unwrap().try_get("", "count").unwrap()
    }
}

#[async_trait]
impl World for Place {
    fn backend(&self) -> &dyn StorageBackend {
        &self.storage
    }

    /// The server notices a moment later that a connection has lost its client.
    async fn crash(&self, session: Arc<dyn TaskStorage>) {
        let is_closed = session.task(TaskId(Uuid::nil())).await.is_err();
        let before = self.living().await;
        drop(session);
        while !is_closed && self.living().await == before {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Place {
    /// On a runtime of its own, for a test may end by a panic.
    fn drop(&mut self) {
        let (url, prefix) = (self.url.clone(), self.prefix.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(drop_tables(url, &prefix))
        });
        let is_clean = cleaning.join().is_ok_and(|done| done.is_ok());
        assert!(is_clean || std::thread::panicking());
    }
}

async fn drop_tables(
    url: String,
    prefix: &str,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let single = ConnectOptions::new(url).max_connections(1).to_owned();
    let database = Database::connect(single).await?;
    let sql = format!(
        "SELECT table_name AS name FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name LIKE '{prefix}%'"
    );
    let tables = Statement::from_string(DbBackend::MySql, sql);
    // A test that failed may leave a transaction open that has read them.
    let settings = "SET SESSION lock_wait_timeout = 5, foreign_key_checks = 0";
    database.execute_unprepared(settings).await?;
    for table in database.query_all_raw(tables).await? {
        let name: String = table.try_get("", "name")?;
        let drop = format!("DROP TABLE {name}");
        database.execute_unprepared(&drop).await?;
    }
    database.close().await?;
    Ok(())
}
