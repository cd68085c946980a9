use evertask_core::audit::AuditLevel;
use evertask_core::storage::StorageErrorKind;
use evertask_core::task::Status;
use evertask_storage::SqlStorage;

use super::world::World;
use crate::sample::{
    audited, claim, claim_of, claim_without, ids, limited, open, queued, read, store, task_id,
    waiting,
};

#[tokio::test]
async fn a_new_file_gets_the_tables_with_their_prefix_and_no_others() {
    let world = World::new();
    let storage = world.storage().table_prefix("jobs_").unwrap();
    let opened = open(&storage, 1).await.unwrap();
    store(&opened, [waiting(1, 0)]).await;
    assert_eq!(read(&opened, 1).await, waiting(1, 0));
    assert_eq!(
        world.tables().await,
        [
            "jobs_attempts",
            "jobs_deletions",
            "jobs_logs",
            "jobs_migrations",
            "jobs_processes",
            "jobs_queue_audit",
            "jobs_queues",
            "jobs_runs",
            "jobs_status_audit",
            "jobs_tasks"
        ]
    );
    world.open(2).await;
    assert_eq!(world.tables().await.len(), 20, "two prefixes share a file");
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_one_stored() {
    let world = World::new();
    store(&world.open(1).await, [waiting(1, 0)]).await;
    let url = format!("sqlite://{}?mode=rw", world.path().display());
    let again = open(&SqlStorage::from_url(&url).unwrap(), 2).await.unwrap();
    assert_eq!(read(&again, 1).await, waiting(1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_starts_at_once_on_an_empty_file_all_succeed() {
    let world = World::new();
    let starts: Vec<_> = (1..=6)
        .map(|process| {
            let storage = world.storage();
            tokio::spawn(async move { open(&storage, process).await })
        })
        .collect();
    let mut opened = Vec::new();
    for start in starts {
        opened.push(start.await.unwrap().unwrap());
    }
    store(&opened[0], [waiting(1, 0)]).await;
    assert_eq!(read(&opened[5], 1).await, waiting(1, 0));
    let processes = world.query("SELECT id FROM evertask_processes").await;
    assert_eq!(processes.len(), 6);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let world = World::new();
    world.open(1).await;
    world
        .execute("INSERT INTO evertask_migrations VALUES ('m20990101_000001_future', 0)")
        .await;
    for apply in [true, false] {
        let error = open(&world.storage().apply_migrations(apply), 2)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable);
        assert!(error.to_string().contains("newer version"), "{error}");
    }
}

#[tokio::test]
async fn a_database_without_tables_is_refused_if_migrations_are_left_to_somebody_else() {
    let world = World::new();
    let error = open(&world.storage().apply_migrations(false), 1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(error.to_string().contains("not up to date"), "{error}");
    world.open(1).await;
    open(&world.storage().apply_migrations(false), 2)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_that_can_not_be_used_is_refused_with_a_remedy() {
    let world = World::new();
    let missing = world.directory.path().join("missing/jobs.db");
    let text = world.directory.path().join("notes.txt");
    std::fs::write(&text, "not a database ".repeat(100)).unwrap();
    for (storage, said) in [
        (SqlStorage::sqlite(missing), "directory does not exist"),
        (SqlStorage::sqlite(":memory:"), "in-memory storage"),
        (SqlStorage::sqlite(text), "not a database"),
    ] {
        let error = open(&storage, 1).await.unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::Unusable, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    assert!(world.storage().table_prefix("a-b").is_err());
}

#[tokio::test]
async fn a_file_that_must_exist_is_not_made() {
    let world = World::new();
    let url = format!("sqlite://{}?mode=rw", world.path().display());
    let error = open(&SqlStorage::from_url(&url).unwrap(), 1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Unusable, "{error}");
    assert_eq!(world.directory.path().read_dir().unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn processes_that_reach_a_file_by_different_links_see_each_other() {
    let world = World::new();
    let first = world.open(1).await;
    store(&first, [queued(1, 0, 1)]).await;
    let link = world.directory.path().join("link.db");
    std::os::unix::fs::symlink(world.path(), &link).unwrap();
    let second = open(&SqlStorage::sqlite(link), 2).await.unwrap();
    assert!(claim(&second, claim_of("mail", 1)).await.tasks.is_empty());
}

/// Storage scenario S31: what a program of the first schema stored is there, complete and
/// claimable, after the upgrade.
#[tokio::test]
async fn a_dump_of_the_first_schema_keeps_its_live_rows() {
    let world = World::new();
    std::fs::File::create(world.path()).unwrap();
    world
        .execute(include_str!("../dumps/first_schema.sqlite.sql"))
        .await;
    let with_key = "UPDATE evertask_tasks SET limit_key = 'a' WHERE hex(id) LIKE '%1'";
    world.execute(with_key).await;
    let storage = world.open(1).await;
    assert_eq!(read(&storage, 1).await, limited(waiting(1, 0), "a"));
    assert_eq!(read(&storage, 2).await, queued(2, 1, 9));
    let over = read(&storage, 3).await;
    assert_eq!(over.definition.audit_level, AuditLevel::Full);
    assert!(over.state.is_over());
    assert_eq!(
        audited(&storage, 3).await,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
    let attempts = storage.attempts(task_id(3)).await.unwrap();
    assert_eq!(attempts.len(), 1);
    let answer = claim(&storage, claim_without("a", "mail", 5)).await;
    assert_eq!(ids(&answer), [2]);
    assert!(answer.tasks[0].interrupted);
    assert_eq!(answer.throttled, [("mail.send".to_owned(), "a".to_owned())]);
    let answer = claim(&storage, claim_of("mail", 5)).await;
    assert_eq!(ids(&answer), [1]);
    assert!(!answer.tasks[0].interrupted);
}
