use evertask_core::storage::StorageErrorKind;
use evertask_core::task::Status;
use evertask_migration::Migrator;
use evertask_storage::SqlStorage;
use sea_orm_migration::MigratorTraitSelf;

use super::server::Place;
use crate::sample::{
    audited, claim, claim_of, claim_without, ids, limited, open, read, store, task_id, waiting,
};

/// Storage edge case 80.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starts_at_once_on_an_empty_database_all_succeed() {
    let Some(place) = Place::new().await else {
        return;
    };
    let starts: Vec<_> = (1..=6)
        .map(|process| {
            let storage = place.storage();
            tokio::spawn(async move { open(&storage, process).await })
        })
        .collect();
    let mut opened = Vec::new();
    for start in starts {
        opened.push(start.await.unwrap().unwrap());
    }
    store(&opened[0], [waiting(1, 0)]).await;
    assert_eq!(read(&opened[5], 1).await, waiting(1, 0));
    assert_eq!(place.living().await, 6);
    assert_eq!(place.count("evertask_processes").await, 6);
}

/// Storage scenario S31, storage edge case 75: tables, indexes and applied migrations of each are
/// in its own schema.
#[tokio::test]
async fn two_schemas_of_one_database_run_two_isolated_systems() {
    let (Some(a), Some(b)) = (Place::new().await, Place::new().await) else {
        return;
    };
    let first = open(&a.storage(), 1).await.unwrap();
    let second = open(&b.storage(), 1).await.unwrap();
    store(&first, [waiting(1, 0), waiting(2, 0)]).await;
    store(&second, [waiting(2, 5)]).await;
    assert_eq!(read(&first, 2).await, waiting(2, 0));
    assert_eq!(read(&second, 2).await, waiting(2, 5));
    assert_eq!(ids(&claim(&second, claim_of("mail", 9)).await), [2]);
    assert_eq!(ids(&claim(&first, claim_of("mail", 9)).await), [1, 2]);
    for place in [&a, &b] {
        assert!(place.count("evertask_migrations").await > 0);
        let relations = place.relations().await;
        assert!(relations.iter().any(|name| name == "evertask_tasks"));
        assert!(relations.iter().any(|name| name == "evertask_tasks_claims"));
    }
}

#[tokio::test]
async fn a_table_prefix_is_in_the_names_of_all_tables() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = place.storage().table_prefix("jobs_").unwrap();
    let opened = open(&storage, 1).await.unwrap();
    store(&opened, [waiting(1, 0)]).await;
    assert_eq!(read(&opened, 1).await, waiting(1, 0));
    let relations = place.relations().await;
    let is_ours = |name: &String| name.starts_with("jobs_");
    assert!(relations.iter().all(is_ours), "{relations:?}");
}

#[tokio::test]
async fn a_database_that_is_not_up_to_date_is_refused_if_migrations_are_left_to_somebody_else() {
    let Some(place) = Place::new().await else {
        return;
    };
    let careful = place.storage().apply_migrations(false);
    let error = open(&careful, 1).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    let said = format!("the schema {} is missing", place.schema);
    assert!(error.to_string().contains(&said), "{error}");

    place
        .execute(&format!("CREATE SCHEMA {}", place.schema))
        .await;
    let error = open(&careful, 1).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(error.to_string().contains("not up to date"), "{error}");

    open(&place.storage(), 1).await.unwrap();
    open(&careful, 2).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    open(&place.storage(), 1).await.unwrap();
    place
        .execute(&format!(
            "INSERT INTO {}.evertask_migrations VALUES ('m20990101_000001_future', 0)",
            place.schema
        ))
        .await;
    let error = open(&place.storage(), 2).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn an_address_that_can_not_be_used_is_refused_without_telling_the_password() {
    let Some(place) = Place::new().await else {
        return;
    };
    let nowhere = place.address("nobody:secret", "no_such_database");
    let storage = SqlStorage::from_url(&nowhere).unwrap();
    assert!(!format!("{storage:?}").contains("secret"), "{storage:?}");
    let error = open(&storage, 1).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable, "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[test]
fn only_this_database_has_schemas() {
    let error = SqlStorage::sqlite("jobs.db").schema("jobs").unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(error.to_string().contains("only PostgreSQL"), "{error}");
    let postgres = SqlStorage::from_url("postgres://host/db").unwrap();
    let error = postgres.clone().schema("Not A Word").unwrap_err();
    assert!(error.to_string().contains("lower-case"), "{error}");
    postgres.schema("").unwrap();
}

/// The server of the tests has a certificate that nobody signed, as a new one has.
#[tokio::test]
async fn connections_are_encrypted_when_the_address_says_so() {
    let Some(place) = Place::new().await else {
        return;
    };
    let with_mode = |mode: &str| {
        let url = place.url_with("sslmode", mode);
        SqlStorage::from_url(&url)
            .unwrap()
            .schema(&place.schema)
            .unwrap()
    };
    let Ok(storage) = open(&with_mode("require"), 1).await else {
        assert_eq!(place.text("SHOW ssl").await, "off", "the server can do it");
        return;
    };
    store(&storage, [waiting(1, 0)]).await;
    let plain = format!(
        "SELECT count(*)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE NOT ssl AND application_name = '{}'",
        place.schema
    );
    assert_eq!(place.text(&plain).await, "0");
    let error = open(&with_mode("verify-full"), 2).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

/// Storage scenario S31: what a program of the first schema stored is there, complete and
/// claimable, after the upgrade.
#[tokio::test]
async fn a_database_of_the_first_schema_keeps_its_live_rows() {
    let Some(place) = Place::new().await else {
        return;
    };
    let schema = &place.schema;
    place.execute(&format!("CREATE SCHEMA {schema}")).await;
    place.execute(&format!("SET search_path TO {schema}")).await;
    let migrator = Migrator::new("evertask_".parse().unwrap());
    migrator.up(place.outside(), Some(1)).await.unwrap();
    for sql in [
        "INSERT INTO evertask_tasks (id, created_at, task, payload_version, queue, priority, tags, \
         generation, status, available_at, attempts, interruptions, on_probation, \
         recovery_failures, payload) VALUES ('00000000-0000-0000-0000-000000000001', \
         '1970-01-01Z', 'mail.send', 1, 'mail', 0, '[]', 0, 'WaitingQueue', '1970-01-01Z', 0, 0, \
         false, 0, '{}')",
        "INSERT INTO evertask_status_audit (task_id, at, status) \
         VALUES ('00000000-0000-0000-0000-000000000001', '1970-01-01Z', 'ServiceStopped')",
        "INSERT INTO evertask_attempts (id, task_id, number, process_id, started_at, waited_us, \
         ran_us, outcome) VALUES ('00000000-0000-0000-0000-000000000007', \
         '00000000-0000-0000-0000-000000000001', 1, '00000000-0000-0000-0000-000000000009', \
         '1970-01-01Z', 5, 6, 'stopped')",
        "UPDATE evertask_tasks SET limit_key = 'a'",
    ] {
        place.execute(sql).await;
    }
    let storage = open(&place.storage(), 1).await.unwrap();
    assert_eq!(read(&storage, 1).await, limited(waiting(1, 0), "a"));
    assert_eq!(audited(&storage, 1).await, [Status::ServiceStopped]);
    assert_eq!(storage.attempts(task_id(1)).await.unwrap().len(), 1);
    let answer = claim(&storage, claim_without("a", "mail", 1)).await;
    assert_eq!(ids(&answer), []);
    assert_eq!(answer.throttled, [("mail.send".to_owned(), "a".to_owned())]);
    assert_eq!(ids(&claim(&storage, claim_of("mail", 1)).await), [1]);
}
