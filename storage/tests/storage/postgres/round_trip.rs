use evertask_core::storage::Write;
use evertask_core::task::{Failure, FailureKind, Status};
use evertask_core::time::Timestamp;

use super::server::Place;
use crate::sample::{apply, at, change, open, read, store, task_id, waiting};

/// Storage edge case 74.
#[tokio::test]
async fn instants_are_exact_to_the_microsecond_up_to_the_year_9999() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    let instants = [
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2001-09-09T01:46:39.123457Z",
        "2038-01-19T03:14:08.000001Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    for (id, instant) in (1..).zip(instants) {
        let instant: Timestamp = instant.parse().unwrap();
        let mut record = waiting(id, 0);
        record.definition.created_at = instant;
        record.state.available_at = Some(instant);
        store(&storage, [record.clone()]).await;
        assert_eq!(read(&storage, id).await, record);
    }
}

/// The text of a failure comes from anywhere; the outcome must be stored all the same.
#[tokio::test]
async fn a_nul_in_a_text_is_replaced_and_fails_nothing() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
    let mut change = change(1, 0, Status::Failed, None);
    let failure = |text: &str| Some(Failure::new(FailureKind::Other, text));
    change.state.failure = failure("before\0after");
    change.audit[0].failure = failure("\0");
    apply(&storage, [Write::Change(Box::new(change))])
        .await
        .unwrap();
    let stored = read(&storage, 1).await;
    assert_eq!(stored.state.failure, failure("before\u{FFFD}after"));
    let audit = storage.audit(task_id(1)).await.unwrap();
    assert_eq!(audit[0].failure, failure("\u{FFFD}"));
    assert_eq!(audit[0].at, at(1));
}
