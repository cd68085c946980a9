use evertask_core::task::TaskRecord;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use uuid::Uuid;

use super::server::Place;
use crate::sample::{claim, claim_of, ids, in_queue, open, read, store, waiting};

/// Letters beyond every old character set, signs beyond the basic plane, escapes of JSON and of SQL,
/// control characters, spaces at the end.
const HOSTILE: &str =
    "é語🚀👩‍👩‍👧 'a' \"b\" `c` \\ \\u0041 {\"d\":[null]} %_ ?1 \u{1}\u{7F}\r\n\t\u{FFFD} ";

fn hostile(id: u128) -> TaskRecord {
    let mut record = in_queue(waiting(id, 0), &format!("queue {HOSTILE}"));
    record.definition.task = format!("task {HOSTILE}");
    record.definition.payload = format!("payload {HOSTILE}");
    record.definition.tags = vec![HOSTILE.to_owned()];
    record.definition.correlation_id = Some(HOSTILE.to_owned());
    record
}

/// Storage edge case 79.
#[tokio::test]
async fn every_text_comes_back_byte_by_byte() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [hostile(1)]).await;
    assert_eq!(read(&storage, 1).await, hostile(1));
}

/// What reads the JSON would otherwise take the character set of the database for its texts.
#[tokio::test]
async fn a_database_of_an_old_character_set_keeps_every_text() {
    let Some(place) = Place::new().await else {
        return;
    };
    let name = format!("test_{}", Uuid::now_v7().simple());
    place
        .execute(&format!("CREATE DATABASE {name} CHARACTER SET latin1"))
        .await;
    let (server, _) = place.url().rsplit_once('/').unwrap();
    let inside = Place::at(format!("{server}/{name}")).await;
    let storage = open(&inside.storage(), 1).await.unwrap();
    store(&storage, [hostile(1)]).await;
    let stored = storage.task(hostile(1).definition.id).await;
    drop(inside);
    place.execute(&format!("DROP DATABASE {name}")).await;
    assert_eq!(stored.unwrap(), Some(hostile(1)));
}

#[tokio::test]
async fn queues_are_told_apart_by_case_accent_and_trailing_space() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    let names = ["mail", "Mail", "mäil", "mail ", "ma\u{69}\u{308}l"];
    for (id, name) in (1..).zip(names) {
        store(&storage, [in_queue(waiting(id, 0), name)]).await;
    }
    for (id, name) in (1..).zip(names) {
        let claimed = claim(&storage, claim_of(name, 1)).await;
        assert_eq!(ids(&claimed), [id], "{name:?}");
    }
}

/// An instant is UTC in the tables, whatever the time zone of the server is.
#[tokio::test]
async fn instants_are_stored_in_universal_time_to_the_microsecond() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(
        &storage,
        [waiting(1, 1_700_000_000_123_456), waiting(2, -1)],
    )
    .await;
    let elsewhere = Database::connect(place.url()).await.unwrap();
    elsewhere
        .execute_unprepared("SET time_zone = '+05:30'")
        .await
        .unwrap();
    let sql = format!(
        "SELECT CAST(available_at AS char) AS shown FROM {}tasks ORDER BY id",
        place.prefix
    );
    let sql = Statement::from_string(DbBackend::MySql, sql);
    let rows = elsewhere.query_all_raw(sql).await.unwrap();
    let shown: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "shown").unwrap())
        .collect();
    assert_eq!(
        shown,
        ["2023-11-14 22:13:20.123456", "1969-12-31 23:59:59.999999"]
    );
}
