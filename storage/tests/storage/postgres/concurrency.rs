use std::sync::Arc;

use evertask_core::storage::{CancelTask, TaskStorage, Write, WriteGroup};
use evertask_core::task::Status;
use tokio::sync::Barrier;

use super::server::Place;
use crate::sample::{
    at, change, claim, claim_of, ids, limited, open, read, store, task_id, waiting,
};

/// Rows are locked in the order of their ids, whatever their order in a group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_want_the_same_rows_never_wait_in_a_circle() {
    const ROUNDS: u128 = 25;
    const ROWS: u128 = 20;
    let Some(place) = Place::new().await else {
        return;
    };
    let first = open(&place.storage(), 1).await.unwrap();
    let second = open(&place.storage(), 2).await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    store(&first, (1..=ROWS).map(|id| waiting(id, 0))).await;
    let rewrite = |storage: &Arc<dyn TaskStorage>, is_upward: bool| {
        let (storage, barrier) = (Arc::clone(storage), Arc::clone(&barrier));
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let mut ids: Vec<_> = (1..=ROWS).collect();
                if !is_upward {
                    ids.reverse();
                }
                let mut writes = Vec::new();
                for id in ids {
                    let generation = read(&storage, id).await.generation.0;
                    let change = change(id, generation, Status::WaitingQueue, None);
                    writes.push(Write::Change(Box::new(change)));
                }
                barrier.wait().await;
                // Not even a transient error: nobody was chosen to give way.
                storage.apply(&WriteGroup { writes }).await.unwrap();
            }
        })
    };
    let upward = rewrite(&first, true);
    let downward = rewrite(&second, false);
    upward.await.unwrap();
    downward.await.unwrap();
}

#[tokio::test]
async fn a_row_that_another_transaction_holds_is_passed_over_and_looked_for_again_soon() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, (1..=3).map(|id| waiting(id, 0))).await;
    assert_passes_over_what_is_held(&place, &storage).await;
}

#[tokio::test]
async fn a_row_of_a_limit_key_that_another_transaction_holds_is_looked_for_again_soon() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    let rows = (1..=3).map(|id| limited(waiting(id, 0), "a"));
    store(&storage, rows).await;
    assert_passes_over_what_is_held(&place, &storage).await;
}

async fn assert_passes_over_what_is_held(place: &Place, storage: &Arc<dyn TaskStorage>) {
    place
        .hold(&format!(
            "SELECT 1 FROM {}.evertask_tasks WHERE id = '{}' FOR UPDATE",
            place.schema,
            task_id(2)
        ))
        .await;
    let answer = claim(storage, claim_of("mail", 10)).await;
    assert_eq!(ids(&answer), [1, 3]);
    assert!(answer.exhausted);
    assert_eq!(answer.next_available_at, Some(at(100_010)));
    place.let_go().await;
    let answer = claim(storage, claim_of("mail", 10)).await;
    assert_eq!(ids(&answer), [2]);
    assert_eq!(answer.next_available_at, None);
}

/// A cancel decides by what is true when it has the row.
#[tokio::test]
async fn a_cancel_waits_for_the_change_before_it() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
    place
        .hold(&format!(
            "UPDATE {}.evertask_tasks SET status = 'Completed', available_at = NULL",
            place.schema
        ))
        .await;
    let cancel = Write::Cancel(CancelTask {
        id: task_id(1),
        at: at(5),
        actor: None,
        reason: None,
    });
    let cancelling = {
        let storage = Arc::clone(&storage);
        let writes = vec![cancel];
        tokio::spawn(async move { storage.apply(&WriteGroup { writes }).await })
    };
    place.wait_for_a_blocked_session().await;
    place.let_go().await;
    let answers = cancelling.await.unwrap().unwrap();
    let is_over = matches!(
        answers[..],
        [evertask_core::storage::Answer::Cancel(
            evertask_core::storage::CancelAnswer::AlreadyOver(Status::Completed)
        )]
    );
    assert!(is_over, "{answers:?}");
}
