use super::world::World;
use crate::sample::{claim, claim_of, ids, queued, read, store};

async fn registered(world: &World) -> usize {
    world.query("SELECT id FROM evertask_processes").await.len()
}

#[tokio::test]
async fn a_process_that_closes_leaves_no_trace() {
    let world = World::new();
    let storage = world.open(1).await;
    assert!(world.has_lock_of(1));
    assert_eq!(registered(&world).await, 1);
    storage.close().await.unwrap();
    storage.close().await.unwrap();
    assert!(!world.has_lock_of(1));
    assert_eq!(registered(&world).await, 0);
}

#[tokio::test]
async fn a_dead_process_is_forgotten_when_nothing_of_it_is_left() {
    let world = World::new();
    let died = world.open(1).await;
    store(&died, [queued(1, 0, 1)]).await;
    drop(died);
    let second = world.open(2).await;
    assert!(world.has_lock_of(1), "it still owns a row");
    assert_eq!(registered(&world).await, 2);
    assert_eq!(ids(&claim(&second, claim_of("mail", 1)).await), [1]);

    let third = world.open(3).await;
    assert!(!world.has_lock_of(1));
    assert!(world.has_lock_of(2), "it lives");
    assert_eq!(registered(&world).await, 2);
    assert!(claim(&third, claim_of("mail", 1)).await.tasks.is_empty());
    assert_eq!(
        read(&third, 1).await.state.owner,
        read(&second, 1).await.state.owner
    );
}

#[tokio::test]
async fn rows_that_a_closed_process_left_behind_are_claimed() {
    let world = World::new();
    let closed = world.open(1).await;
    store(&closed, [queued(1, 0, 1)]).await;
    closed.close().await.unwrap();
    let storage = world.open(2).await;
    assert_eq!(ids(&claim(&storage, claim_of("mail", 1)).await), [1]);
}

#[tokio::test]
async fn a_lock_file_that_names_nobody_is_swept_up() {
    let world = World::new();
    world.open(1).await.close().await.unwrap();
    let owners = world.directory.path().join("jobs.db.owners");
    let stray = owners.join("00000000-0000-0000-0000-000000000009.lock");
    let foreign = owners.join("readme.lock");
    std::fs::write(&stray, "").unwrap();
    std::fs::write(&foreign, "").unwrap();
    world.open(2).await;
    assert!(!stray.exists());
    assert!(foreign.exists());
}
