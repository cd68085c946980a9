use super::server::Place;
use crate::sample::{apply, claim, claim_of, ids, insert, open, queued, read, store, waiting};

/// The first call after the loss may say that the outcome is open or that it should be repeated.
async fn store_patiently(
    storage: &std::sync::Arc<dyn evertask_core::storage::TaskStorage>,
    id: u128,
) {
    for _ in 0..10 {
        if apply(storage, [insert(waiting(id, 0))]).await.is_ok() {
            return;
        }
    }
    panic!("the storage does not connect again");
}

#[tokio::test]
async fn a_process_whose_connection_is_lost_connects_again_and_is_alive() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [queued(1, 0, 1)]).await;
    place.cut_off(1).await;
    assert_eq!(place.living().await, 0);
    store_patiently(&storage, 2).await;
    assert_eq!(place.living().await, 1);
    let other = open(&place.storage(), 2).await.unwrap();
    assert_eq!(ids(&claim(&other, claim_of("mail", 1)).await), [2]);
}

/// Core edge case 46: who seemed dead when another process started may be alive when that claims.
#[tokio::test]
async fn the_rows_of_a_process_that_came_back_are_its_own() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [queued(1, 0, 1), queued(3, 0, 1)]).await;
    place.cut_off(1).await;
    let other = open(&place.storage(), 2).await.unwrap();
    let mut one = claim_of("mail", 1);
    one.limit = 1;
    assert_eq!(
        ids(&claim(&other, one).await),
        [1],
        "it is dead at this moment"
    );
    store_patiently(&storage, 2).await;
    assert_eq!(ids(&claim(&other, claim_of("mail", 1)).await), [2]);
    assert_eq!(read(&storage, 3).await, queued(3, 0, 1));
}

#[tokio::test]
async fn a_process_that_closes_leaves_no_trace() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    assert_eq!(place.living().await, 1);
    storage.close().await.unwrap();
    storage.close().await.unwrap();
    assert_eq!(place.holder(1).await, None);
    let rows = place.query("SELECT id FROM evertask_processes").await;
    assert!(rows.is_empty());
}

#[tokio::test]
async fn rows_that_a_closed_process_left_behind_are_claimed() {
    let Some(place) = Place::new().await else {
        return;
    };
    let closed = open(&place.storage(), 1).await.unwrap();
    store(&closed, [queued(1, 0, 1)]).await;
    closed.close().await.unwrap();
    let storage = open(&place.storage(), 2).await.unwrap();
    assert_eq!(ids(&claim(&storage, claim_of("mail", 1)).await), [1]);
}
