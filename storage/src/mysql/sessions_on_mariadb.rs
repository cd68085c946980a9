//! What is set on the connections, whatever the settings of the server are.

use evertask_core::task::ProcessId;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use super::connection::Connections;
use crate::SqlStorage;
use crate::address::Address;

#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn connections() -> Option<Connections> {
    let Ok(url) = std::env::var("EVERTASK_TEST_MYSQL_URL") else {
        eprintln!("skipped: EVERTASK_TEST_MYSQL_URL names no server of MariaDB or MySQL");
        return None;
    };
    let storage = SqlStorage::from_url(&url).unwrap();
    let Address::MySql(url) = &storage.address else {
        panic!("{storage:?}");
    };
    Some(Connections::new(&storage, url).unwrap())
}

async fn ask(connection: &DatabaseConnection, sql: &str) -> QueryResult {
    let question = Statement::from_string(DbBackend::MySql, sql);
    connection.query_one_raw(question).await.unwrap().unwrap()
}

fn lock() -> String {
    format!("evertask test {}", ProcessId(Uuid::now_v7()))
}

#[tokio::test]
async fn a_connection_that_writes_is_not_closed_for_being_idle() {
    let Some(connections) = connections() else {
        return;
    };
    let writer = connections.writers(lock())();
    let row = ask(&writer, "SELECT CAST(@@wait_timeout AS signed) AS seconds").await;
    let seconds: i64 = row.try_get("", "seconds").unwrap();
    assert!(seconds > 20 * 24 * 3600, "{seconds}");
}

/// Storage appendix B: a value that does not fit is refused, not cut.
#[tokio::test]
async fn a_value_that_does_not_fit_is_refused() {
    let Some(connections) = connections() else {
        return;
    };
    let writer = connections.writers(lock())();
    for sql in [
        "CREATE TEMPORARY TABLE cramped (name varchar(3), at datetime(6))",
        "INSERT INTO cramped (name) VALUES ('four')",
        "INSERT INTO cramped (at) VALUES ('0000-00-00')",
    ] {
        let done = writer.execute_unprepared(sql).await;
        assert_eq!(done.is_ok(), sql.starts_with("CREATE"), "{sql}");
    }
}

#[tokio::test]
async fn a_connection_that_reads_can_not_write() {
    let Some(connections) = connections() else {
        return;
    };
    let reader = connections.readers();
    let row = ask(&reader, "SELECT CAST(1 AS signed) AS one").await;
    assert_eq!(row.try_get::<i64>("", "one").unwrap(), 1);
    let refused = reader
        .execute_unprepared("DELETE FROM table_that_is_not_there")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("READ ONLY"), "{refused}");
}

/// The server may not have noticed that the first one is gone; then it is ended.
#[tokio::test]
async fn a_new_connection_takes_the_lock_over_from_the_one_before() {
    let Some(connections) = connections() else {
        return;
    };
    let make = connections.writers(lock());
    let silent = make();
    let before: u64 = ask(&silent, "SELECT CONNECTION_ID() AS id")
        .await
        .try_get("", "id")
        .unwrap();
    let next = make();
    let now: u64 = ask(&next, "SELECT CONNECTION_ID() AS id")
        .await
        .try_get("", "id")
        .unwrap();
    assert_ne!(before, now);
    let refused = silent.execute_unprepared("SELECT 1").await;
    assert!(refused.is_err(), "the old one writes no more");
}
