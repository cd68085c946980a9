//! A place of its own for each test on a database server, gone with it.

use std::collections::HashSet;

use evertask::SqlStorage;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use uuid::Uuid;

/// A kind of server, and how a test gets a place there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    /// The place is a schema.
    Postgres,
    /// The place is a table prefix.
    MariaDb,
}

/// Tables of a test's own.
#[derive(Debug)]
pub(crate) struct Place {
    server: Server,
    pub(crate) url: String,
    name: String,
}

/// What tasks a place has.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) all: HashSet<Uuid>,
    pub(crate) completed: HashSet<Uuid>,
    /// Of how many the audit says more than once that they were completed.
    pub(crate) completed_twice: usize,
}

impl Server {
    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "EVERTASK_TEST_POSTGRES_URL",
            Self::MariaDb => "EVERTASK_TEST_MYSQL_URL",
        }
    }

    /// Answers nothing where no such server is named, and says so.
    pub(crate) fn place(self) -> Option<Place> {
        let url = std::env::var(self.variable()).unwrap_or_default();
        if url.is_empty() {
            println!("skipped: {} names no server", self.variable());
            return None;
        }
        let unique = Uuid::now_v7().simple().to_string();
        Some(Place {
            server: self,
            url,
            name: format!("t{}", &unique[4..]),
        })
    }
}

impl Place {
    /// A storage in this place.
    pub(crate) fn storage(&self) -> SqlStorage {
        self.storage_through(&self.url)
    }

    /// A storage in this place, whose server is reached by another address.
    pub(crate) fn storage_through(&self, url: &str) -> SqlStorage {
        let storage = |url: &str| SqlStorage::from_url(url).expect("a good URL");
        match self.server {
            Server::Postgres => {
                let separator = if url.contains('?') { '&' } else { '?' };
                let name = &self.name;
                storage(&format!("{url}{separator}application_name={name}")).schema(name)
            }
            Server::MariaDb => storage(url).table_prefix(&format!("{}_", self.name)),
        }
        .expect("the name is a word")
    }

    /// The host and port of the server.
    pub(crate) fn host(&self) -> String {
        let (_, rest) = self.url.split_once("://").expect("a URL");
        let (host, _) = rest.split_once('/').expect("a URL with a database");
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        host.to_owned()
    }

    /// Looks at the tasks of this place from outside.
    pub(crate) async fn rows(&self) -> Rows {
        let (tasks, audit) = match self.server {
            Server::Postgres => (
                format!("{}.evertask_tasks", self.name),
                format!("{}.evertask_status_audit", self.name),
            ),
            Server::MariaDb => (
                format!("{}_tasks", self.name),
                format!("{}_status_audit", self.name),
            ),
        };
        let database = Database::connect(&self.url).await.expect("the server");
        let ids = async |sql: String| -> Vec<Uuid> {
            let statement = Statement::from_string(database.get_database_backend(), sql);
            let rows = database.query_all_raw(statement).await.expect("an answer");
            rows.iter()
                .map(|row| row.try_get("", "id").expect("an id"))
                .collect()
        };
        let completed = "status = 'Completed'";
        let twice = format!(
            "SELECT task_id AS id FROM {audit} WHERE {completed} \
             GROUP BY task_id HAVING COUNT(*) > 1"
        );
        Rows {
            all: ids(format!("SELECT id FROM {tasks}"))
                .await
                .into_iter()
                .collect(),
            completed: ids(format!("SELECT id FROM {tasks} WHERE {completed}"))
                .await
                .into_iter()
                .collect(),
            completed_twice: ids(twice).await.len(),
        }
    }

    /// How many processes the server takes for alive.
    pub(crate) async fn living(&self) -> i64 {
        let database = Database::connect(&self.url).await.expect("the server");
        let backend = database.get_database_backend();
        let count = Statement::from_string(backend, self.count_of_living());
        let row = database.query_one_raw(count).await.expect("an answer");
        row.expect("a row").try_get("", "living").expect("a number")
    }

    /// Returns once the server has noticed a death.
    pub(crate) async fn fewer_living_than(&self, before: i64) {
        while self.living().await >= before {
            tokio::task::yield_now().await;
        }
    }

    /// Counts the processes that hold the lock by which others see that they live.
    fn count_of_living(&self) -> String {
        let name = &self.name;
        match self.server {
            Server::Postgres => format!(
                "SELECT count(*) AS living FROM pg_locks JOIN pg_stat_activity USING (pid) \
                 WHERE locktype = 'advisory' AND granted AND application_name = '{name}'"
            ),
            Server::MariaDb => format!(
                "SELECT COUNT(*) AS living FROM {name}_processes WHERE IS_USED_LOCK(CONCAT( \
                 'evertask:', LEFT(SHA2(CONCAT(LOWER(DATABASE()), '/', '{name}_'), 256), 16), ':', \
                 LOWER(HEX(id)))) IS NOT NULL"
            ),
        }
    }

    async fn remove(server: Server, url: &str, name: &str) -> Result<(), DbErr> {
        let database = Database::connect(url).await?;
        match server {
            Server::Postgres => {
                let drop = format!("DROP SCHEMA IF EXISTS {name} CASCADE");
                database.execute_unprepared(&drop).await?;
            }
            Server::MariaDb => remove_tables(&database, name).await?,
        }
        database.close().await
    }
}

async fn remove_tables(database: &DatabaseConnection, name: &str) -> Result<(), DbErr> {
    let tables = database
        .query_all_raw(Statement::from_string(
            DbBackend::MySql,
            format!(
                "SELECT table_name AS name FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name LIKE '{name}\\_%'"
            ),
        ))
        .await?;
    let mut names = Vec::new();
    for table in tables {
        names.push(table.try_get::<String>("", "name")?);
    }
    if names.is_empty() {
        return Ok(());
    }
    // Children first: their names don't tell, so the keys between them are not looked at. Both
    // statements have to reach one connection, so they go as one.
    let drop = format!(
        "SET FOREIGN_KEY_CHECKS = 0; DROP TABLE {}; SET FOREIGN_KEY_CHECKS = 1",
        names.join(", ")
    );
    database.execute_unprepared(&drop).await?;
    Ok(())
}

impl Drop for Place {
    /// On a runtime of its own, for a test may end by a panic.
    fn drop(&mut self) {
        let (server, url, name) = (self.server, self.url.clone(), self.name.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for cleaning up");
            runtime.block_on(Self::remove(server, &url, &name))
        });
        if let Ok(Err(error)) = cleaning.join() {
            println!("the tables of a test were left behind: {error}");
        }
    }
}
