use super::world::World;
use crate::sample::{claim, claim_of, open, store, waiting};

#[tokio::test]
async fn statements_are_counted_and_an_idle_storage_sends_none() {
    let world = World::new();
    let configured = world.storage();
    let counter = configured.statement_counter();
    let storage = open(&configured, 1).await.unwrap();
    let opened = counter.count();
    assert!(opened > 0);

    store(&storage, (1..=500).map(|id| waiting(id, 0))).await;
    let stored = counter.count();
    assert_eq!(
        stored - opened,
        4,
        "begin, insert, number of the group, commit"
    );

    assert_eq!(claim(&storage, claim_of("mail", 1)).await.tasks.len(), 100);
    let claimed = counter.count();
    assert_eq!(
        claimed - stored,
        7,
        "begin, look, take, look on, audit, number of the group, commit"
    );

    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counter.count(), claimed);
}
