//! What becomes of groups when the network or the server fails.

use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::{Answer, InsertAnswer, StorageErrorKind, TaskStorage, Write};
use evertask_core::task::Status;

use super::server::Place;
use crate::proxy::{Network, Proxy};
use crate::sample::{
    apply, audited, change, claim, claim_of, ids, insert, open, queued, read, store, waiting,
};

/// A storage whose network can fail.
struct Remote {
    place: Place,
    proxy: Proxy,
    storage: Arc<dyn TaskStorage>,
}

impl Remote {
    async fn new() -> Option<Self> {
        let place = Place::new().await?;
        let proxy = Proxy::to(place.host()).await;
        let storage = place
            .storage_through(proxy.port)
            .answer_timeout(Duration::from_secs(1));
        let storage = open(&storage, 1).await.unwrap();
        Some(Self {
            place,
            proxy,
            storage,
        })
    }

    /// Changes task 1, which has one line of audit for each time it is done.
    async fn complete(&self) -> Result<Vec<Answer>, StorageErrorKind> {
        let change = change(1, 0, Status::Completed, None);
        let answers = apply(&self.storage, [Write::Change(Box::new(change))]).await;
        answers.map_err(|error| error.kind())
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_found_out() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    remote.proxy.set(Network::LosesAnswer);
    let answers = apply(&remote.storage, [insert(waiting(1, 0))])
        .await
        .unwrap();
    assert!(remote.proxy.has_lost());
    assert!(matches!(
        answers[..],
        [Answer::Insert(InsertAnswer::Stored)]
    ));
    remote.proxy.set(Network::LosesAnswer);
    remote.complete().await.unwrap();
    assert!(remote.proxy.has_lost());
    assert_eq!(audited(&remote.storage, 1).await, [Status::Completed]);
    assert_eq!(remote.place.living().await, 1);
}

#[tokio::test]
async fn a_commit_that_can_not_be_found_out_yet_is_not_repeated() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    remote.proxy.set(Network::LosesAnswerAndGoesDown);
    for _ in 0..2 {
        let error = apply(&remote.storage, [insert(waiting(1, 0))])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StorageErrorKind::OutcomeUnknown, "{error}");
    }
    remote.proxy.set(Network::Up);
    let answers = apply(&remote.storage, [insert(waiting(1, 0))])
        .await
        .unwrap();
    // Repeated, it would find the task there already.
    assert!(matches!(
        answers[..],
        [Answer::Insert(InsertAnswer::Stored)]
    ));
}

#[tokio::test]
async fn a_commit_that_does_not_arrive_leaves_nothing() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    store(&remote.storage, [waiting(1, 0)]).await;
    remote.proxy.set(Network::LosesCommit);
    let lost = remote.complete().await.unwrap_err();
    assert_eq!(lost, StorageErrorKind::Transient);
    assert_eq!(read(&remote.storage, 1).await, waiting(1, 0));
    remote.complete().await.unwrap();
    assert_eq!(audited(&remote.storage, 1).await, [Status::Completed]);
}

#[tokio::test]
async fn a_storage_works_on_when_its_server_is_back() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    store(&remote.storage, [waiting(1, 0)]).await;
    remote.proxy.set(Network::Down);
    for _ in 0..3 {
        let error = remote.complete().await.unwrap_err();
        assert_eq!(error, StorageErrorKind::Transient);
    }
    remote.proxy.set(Network::Up);
    remote.complete().await.unwrap();
    assert_eq!(audited(&remote.storage, 1).await, [Status::Completed]);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_in_time() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    store(&remote.storage, [waiting(1, 0)]).await;
    remote.proxy.set(Network::Silent);
    let error = remote.complete().await.unwrap_err();
    assert_eq!(error, StorageErrorKind::Transient);
    remote.proxy.set(Network::Up);
    remote.complete().await.unwrap();
    assert_eq!(audited(&remote.storage, 1).await, [Status::Completed]);
    assert_eq!(remote.place.living().await, 1);
}

#[tokio::test]
async fn a_connection_that_the_server_ended_is_replaced() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    store(&remote.storage, [waiting(1, 0)]).await;
    remote.place.cut_off(1).await;
    // The storage may learn of it before it writes, and then nothing fails.
    if let Err(error) = remote.complete().await {
        assert_eq!(error, StorageErrorKind::Transient);
        remote.complete().await.unwrap();
    }
    assert_eq!(audited(&remote.storage, 1).await, [Status::Completed]);
    assert_eq!(remote.place.living().await, 1);
}

/// Its rows may be taken meanwhile, and none once it is back.
#[tokio::test]
async fn a_process_without_a_connection_is_dead_until_it_is_back() {
    let Some(remote) = Remote::new().await else {
        return;
    };
    store(&remote.storage, [queued(1, 0, 1), queued(2, 1, 1)]).await;
    remote.proxy.set(Network::Down);
    remote.place.cut_off(1).await;
    let other = open(&remote.place.storage(), 2).await.unwrap();
    let mut one = claim_of("mail", 9);
    one.limit = 1;
    assert_eq!(ids(&claim(&other, one.clone()).await), [1]);

    remote.proxy.set(Network::Up);
    store(&remote.storage, [queued(3, 2, 1)]).await;
    let nothing = claim(&other, one).await;
    assert!(nothing.tasks.is_empty() && nothing.exhausted);
    assert_eq!(read(&other, 2).await, queued(2, 1, 1));
}
