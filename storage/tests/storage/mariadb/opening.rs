use evertask_core::storage::StorageErrorKind;
use evertask_core::task::Status;
use evertask_migration::Migrator;
use evertask_storage::SqlStorage;
use sea_orm_migration::MigratorTraitSelf;

use super::server::Place;
use crate::sample::{
    audited, claim, claim_of, claim_without, ids, limited, open, process_id, read, store, task_id,
    waiting,
};

/// Storage edge case 80: two hosts that start together on an empty database both succeed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starts_at_once_on_an_empty_database_all_succeed() {
    let Some(place) = Place::new().await else {
        return;
    };
    let starts: Vec<_> = (1..=4)
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
    assert_eq!(read(&opened[3], 1).await, waiting(1, 0));
    assert_eq!(place.living().await, 4);
}

/// Storage edge case 75 and scenario S31: two systems in one database know nothing of each other.
#[tokio::test]
async fn two_prefixes_share_a_database() {
    let Some(first) = Place::new().await else {
        return;
    };
    let second = Place::at(first.url().to_owned()).await;
    let [one, other] = [&first, &second].map(Place::storage);
    let (one, other) = (open(&one, 1).await.unwrap(), open(&other, 1).await.unwrap());
    store(&one, [waiting(1, 0)]).await;
    store(&other, [waiting(1, 7)]).await;
    assert_eq!(read(&one, 1).await, waiting(1, 0));
    assert_eq!(read(&other, 1).await, waiting(1, 7));
    assert_eq!(first.living().await + second.living().await, 2);
}

/// The server commits at every change of the schema, so a crash can leave some of it behind.
#[tokio::test]
async fn a_migration_that_was_cut_short_is_run_again_and_loses_nothing() {
    let Some(place) = Place::new().await else {
        return;
    };
    let before = open(&place.storage(), 1).await.unwrap();
    store(&before, [waiting(1, 0)]).await;
    before.close().await.unwrap();
    let complete = place.columns().await;
    place.execute("DELETE FROM evertask_migrations").await;
    place.execute("DROP TABLE evertask_processes").await;
    place.execute("DROP TABLE evertask_runs").await;
    place
        .execute("ALTER TABLE evertask_tasks DROP COLUMN next_run_at, DROP KEY evertask_tasks_keys")
        .await;
    let after = open(&place.storage(), 2).await.unwrap();
    assert_eq!(read(&after, 1).await, waiting(1, 0));
    assert_eq!(place.columns().await, complete);
}

/// What a program of the first schema stored is there, complete and claimable, after the upgrade.
#[tokio::test]
async fn a_database_of_the_first_schema_keeps_its_live_rows() {
    let Some(place) = Place::new().await else {
        return;
    };
    let migrator = Migrator::new(place.prefix.parse().unwrap());
    migrator.up(&place.outside, Some(1)).await.unwrap();
    for sql in [
        "INSERT INTO evertask_tasks (id, created_at, task, payload_version, queue, priority, tags, \
         generation, status, available_at, attempts, interruptions, on_probation, \
         recovery_failures, payload) VALUES (UNHEX('00000000000000000000000000000001'), \
         '1970-01-01', 'mail.send', 1, 'mail', 0, '[]', 0, 'WaitingQueue', '1970-01-01', 0, 0, 0, \
         0, '{}')",
        "INSERT INTO evertask_status_audit (task_id, at, status) \
         VALUES (UNHEX('00000000000000000000000000000001'), '1970-01-01', 'ServiceStopped')",
        "INSERT INTO evertask_attempts (id, task_id, number, process_id, started_at, waited_us, \
         ran_us, outcome) VALUES (UNHEX('00000000000000000000000000000007'), \
         UNHEX('00000000000000000000000000000001'), 1, \
         UNHEX('00000000000000000000000000000009'), '1970-01-01', 5, 6, 'stopped')",
        "UPDATE evertask_tasks SET limit_key = 'a'",
    ] {
        place.execute(sql).await;
    }
    let storage = open(&place.storage(), 1).await.unwrap();
    assert_eq!(read(&storage, 1).await, limited(waiting(1, 0), "a"));
    assert_eq!(audited(&storage, 1).await, [Status::ServiceStopped]);
    let attempts = storage.attempts(task_id(1)).await.unwrap();
    assert_eq!(attempts[0].process, process_id(9));
    let answer = claim(&storage, claim_without("a", "mail", 1)).await;
    assert_eq!(ids(&answer), []);
    assert_eq!(answer.throttled, [("mail.send".to_owned(), "a".to_owned())]);
    assert_eq!(ids(&claim(&storage, claim_of("mail", 1)).await), [1]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    open(&place.storage(), 1).await.unwrap();
    let future = "INSERT INTO evertask_migrations VALUES ('m20990101_000001_future', 0)";
    place.execute(future).await;
    for apply in [true, false] {
        let storage = place.storage().apply_migrations(apply);
        let error = open(&storage, 2).await.unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable);
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}

#[tokio::test]
async fn a_database_without_tables_is_refused_if_migrations_are_left_to_somebody_else() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = place.storage().apply_migrations(false);
    let error = open(&storage, 1).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(error.to_string().contains("not up to date"), "{error}");
    open(&place.storage(), 2).await.unwrap();
    open(&storage, 3).await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_wrong_is_unusable_and_never_shows_its_password() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (_, host) = place.url().rsplit_once('@').unwrap();
    let (host, _) = host.split_once('/').unwrap();
    let secret = format!("mysql://nobody_here:sesame@{host}/test");
    for url in [format!("{}_missing", place.url()), secret] {
        let error = open(&SqlStorage::from_url(&url).unwrap(), 1)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable, "{error}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

/// It may be reached later.
#[tokio::test]
async fn a_server_that_does_not_answer_is_an_outage() {
    let Some(place) = Place::new().await else {
        return;
    };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let (scheme, _) = place.url().split_once("://").unwrap();
    let storage = SqlStorage::from_url(&format!("{scheme}://me@127.0.0.1:{port}/test")).unwrap();
    let error = open(&storage, 1).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Transient, "{error}");
}
