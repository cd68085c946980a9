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

/// A schema of its own for each test, gone with it.
#[derive(Debug)]
pub(super) struct Place {
    url: String,
    pub(super) schema: String,
    storage: SqlStorage,
    /// Looks at the database from outside, on one connection.
    outside: DatabaseConnection,
}

impl Place {
    /// Answers nothing where no server is named, and says so.
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
    pub(super) async fn new() -> Option<Self> {
        let url = std::env::var("EVERTASK_TEST_POSTGRES_URL").unwrap_or_default();
        if url.is_empty() {
            eprintln!("skipped: EVERTASK_TEST_POSTGRES_URL names no PostgreSQL server");
            return None;
        }
        let schema = format!("test_{}", Uuid::now_v7().simple());
        // Sessions of this test are told from those of others by the name.
        let separator = if url.contains('?') { '&' } else { '?' };
        // A commit need not reach the disk of a test, and nobody listens.
        let url = format!(
            "{url}{separator}application_name={schema}\
             &options[synchronous_commit]=off&sslmode=disable"
        );
        let mut options = ConnectOptions::new(url.replace(&schema, "outside"));
        options.max_connections(1);
        let outside = Database::connect(options).await.unwrap();
        let storage = SqlStorage::from_url(&url).unwrap().schema(&schema).unwrap();
        Some(Self {
            url,
            schema,
            storage,
            outside,
        })
    }

    /// The address of the server.
    pub(super) fn host(&self) -> String {
        let (_, rest) = self.url.split_once("://").unwrap();
        let (host, _) = rest.split_once('/').unwrap();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        host.to_owned()
    }

    /// The URL of another database on the server, as another user.
    pub(super) fn address(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@{}/{database}", self.host())
    }

    /// The URL of the same database behind a port of this machine.
    pub(super) fn url_through(&self, port: u16) -> String {
        self.url.replace(&self.host(), &format!("127.0.0.1:{port}"))
    }

    /// The same URL with another value of a parameter.
    pub(super) fn url_with(&self, parameter: &str, value: &str) -> String {
        let (before, _) = self.url.split_once(&format!("{parameter}=")).unwrap();
        format!("{before}{parameter}={value}")
    }

    /// Answers the one text that a statement answers.
    pub(super) async fn text(&self, sql: &str) -> String {
        self.query(sql).await[0].try_get_by_index(0).unwrap()
    }

    /// The connection that looks at the database from outside.
    pub(super) fn outside(&self) -> &DatabaseConnection {
        &self.outside
    }

    pub(super) fn storage(&self) -> SqlStorage {
        self.storage.clone()
    }

    pub(super) async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        self.outside.query_all_raw(statement).await.unwrap()
    }

    pub(super) async fn execute(&self, sql: &str) {
        self.outside.execute_unprepared(sql).await.unwrap();
    }

    pub(super) async fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) AS count FROM {}.{table}", self.schema);
        self.query(&sql).await[0].try_get("", "count").unwrap()
    }

    /// The names of all tables, indexes and sequences in the schema.
    pub(super) async fn relations(&self) -> Vec<String> {
        let sql = format!(
            "SELECT relname FROM pg_class WHERE relnamespace = '{}'::regnamespace",
            self.schema
        );
        let rows = self.query(&sql).await;
        rows.iter()
            .map(|row| row.try_get("", "relname").unwrap())
            .collect()
    }

    /// Begins a transaction that holds rows until [`let_go`](Self::let_go).
    pub(super) async fn hold(&self, sql: &str) {
        self.execute("BEGIN").await;
        self.execute(sql).await;
    }

    pub(super) async fn let_go(&self) {
        self.execute("COMMIT").await;
    }

    /// Returns when a session of the storage waits for a lock.
    pub(super) async fn wait_for_a_blocked_session(&self) {
        let sql = format!(
            "SELECT pid FROM pg_stat_activity \
             WHERE application_name = '{}' AND wait_event_type = 'Lock'",
            self.schema
        );
        while self.query(&sql).await.is_empty() {
            // What was asked once in a transaction is answered alike until its end.
            self.execute("SELECT pg_stat_clear_snapshot()").await;
        }
    }

    /// Ends all sessions that the storage has, and returns when they are gone.
    pub(super) async fn end_sessions(&self) {
        // What is selected is done to what the condition has found, and to nobody else's session.
        let of_storage = format!("application_name = '{}'", self.schema);
        let ended = self
            .query(&format!(
                "SELECT pid::text, pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE {of_storage}"
            ))
            .await;
        let ended: Vec<String> = ended
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();
        // There may have been none: the server notices by itself that a client is gone.
        let left = format!(
            "SELECT pid FROM pg_stat_activity WHERE pid = ANY ('{{{}}}'::int[])",
            ended.join(", ")
        );
        while !self.query(&left).await.is_empty() {}
    }

    /// How many processes hold the lock by which others see that they live.
    pub(super) async fn living(&self) -> i64 {
        let sql = format!(
            "SELECT count(*) AS count FROM pg_locks JOIN pg_stat_activity USING (pid) \
             WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' \
             AND application_name = '{}'",
            self.schema
        );
        self.query(&sql).await[0].try_get("", "count").unwrap()
    }
}

#[async_trait]
impl World for Place {
    fn backend(&self) -> &dyn StorageBackend {
        &self.storage
    }

    /// The server notices a moment later that a session has lost its client. One that was closed in
    /// order, and so reads nothing more, was noticed already.
    async fn crash(&self, session: Arc<dyn TaskStorage>) {
        if session.task(TaskId(Uuid::nil())).await.is_err() {
            return;
        }
        let before = self.living().await;
        drop(session);
        while self.living().await == before {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Place {
    /// On a runtime of its own, for a test may end by a panic.
    fn drop(&mut self) {
        let (url, schema) = (self.url.clone(), self.schema.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let database = Database::connect(url).await?;
                let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
                database.execute_unprepared(&drop).await?;
                database.close().await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
        });
        assert!(cleaning.join().is_ok_and(|done| done.is_ok()));
    }
}
