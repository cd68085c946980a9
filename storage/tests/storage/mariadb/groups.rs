use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::{ChangeAnswer, StorageErrorKind, TaskStorage, Write, WriteGroup};
use evertask_core::task::{Status, TaskRecord};
use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::sync::Barrier;

use super::server::Place;
use crate::sample::{
    apply, at, audited, change, change_one, claim, claim_of, ids, insert, open, read, store,
    waiting,
};

fn of_bytes(id: u128, bytes: usize) -> TaskRecord {
    let mut record = waiting(id, 0);
    record.definition.payload = "x".repeat(bytes);
    record
}

/// Waits until a statement of this place waits for a lock.
async fn wait_for_lock_wait(place: &Place) {
    loop {
        let status = place.query("SHOW ENGINE INNODB STATUS").await;
        let status: String = status[0].try_get("", "Status").unwrap();
        // The tables of the information schema would do, but are not made anew for who asks often.
        let mut transactions = status.split("---TRANSACTION");
        if transactions.any(|one| one.contains("LOCK WAIT") && one.contains(&place.prefix)) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The server would end the connection, which would look like an outage that never ends.
#[tokio::test]
async fn a_payload_that_is_longer_than_a_packet_is_rejected_with_a_remedy() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    let longest: u64 = place.query("SELECT @@max_allowed_packet AS longest").await[0]
        .try_get("", "longest")
        .unwrap();
    let too_long = of_bytes(1, usize::try_from(longest).unwrap());
    let error = apply(&storage, [insert(too_long)]).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected, "{error}");
    assert!(error.to_string().contains("max_allowed_packet"), "{error}");
    store(&storage, [waiting(1, 0)]).await;
}

#[tokio::test]
async fn a_group_that_is_longer_than_a_packet_is_stored_as_a_whole() {
    let Some(place) = Place::new().await else {
        return;
    };
    // Twenty mebibytes take a while where much else is going on.
    let patient = place.storage().answer_timeout(Duration::from_mins(10));
    let storage = open(&patient, 1).await.unwrap();
    let longest: u64 = place.query("SELECT @@max_allowed_packet AS longest").await[0]
        .try_get("", "longest")
        .unwrap();
    let quarter = usize::try_from(longest / 4).unwrap();
    store(&storage, (1..=5).map(|id| of_bytes(id, quarter))).await;
    for id in 1..=5 {
        let payload = read(&storage, id).await.definition.payload;
        assert!(payload.bytes().all(|byte| byte == b'x'));
        assert_eq!(payload.len(), quarter);
    }
}

#[tokio::test]
async fn a_row_that_is_held_too_long_is_an_outage_and_nothing_of_the_group_is_stored() {
    let Some(place) = Place::new().await else {
        return;
    };
    let impatient = place.storage().busy_timeout(Duration::from_millis(1));
    let storage = open(&impatient, 1).await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
    let held = place.outside.begin().await.unwrap();
    let lock = format!("SELECT id FROM {}tasks FOR UPDATE", place.prefix);
    held.execute_unprepared(&lock).await.unwrap();
    let change = change(1, 0, Status::Completed, None);
    let writes = [
        insert(waiting(2, 0)),
        Write::Change(Box::new(change.clone())),
    ];
    let error = apply(&storage, writes).await.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Transient, "{error}");
    held.rollback().await.unwrap();
    assert_eq!(
        storage.task(waiting(2, 0).definition.id).await.unwrap(),
        None
    );
    assert_eq!(change_one(&storage, change).await, ChangeAnswer::Applied);
}

#[tokio::test]
async fn a_deadlock_is_an_outage_that_is_over_at_once() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, (1..=9).map(|id| waiting(id, 0))).await;
    // The server ends the transaction that has changed less.
    let held = place.outside.begin().await.unwrap();
    let sql = |condition: &str| {
        let tasks = format!("{}tasks", place.prefix);
        format!("UPDATE {tasks} SET priority = priority + 1 WHERE {condition}")
    };
    held.execute_unprepared(&sql("id > UNHEX('00000000000000000000000000000001')"))
        .await
        .unwrap();
    let changes =
        || [1, 2].map(|id| Write::Change(Box::new(change(id, 0, Status::Completed, None))));
    let group = apply(&storage, changes());
    let deadlock = async {
        wait_for_lock_wait(&place).await;
        held.execute_unprepared(&sql("id = UNHEX('00000000000000000000000000000001')"))
            .await
            .unwrap();
        held.rollback().await.unwrap();
    };
    let (ended, ()) = tokio::join!(group, deadlock);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Transient, "{error}");
    assert!(error.to_string().contains("eadlock"), "{error}");
    assert_eq!(audited(&storage, 1).await, []);
    apply(&storage, changes()).await.unwrap();
    assert_eq!(audited(&storage, 1).await, [Status::Completed]);
}

/// Core edge case 46.
#[tokio::test]
async fn a_claim_passes_over_rows_that_somebody_holds_and_looks_again_soon() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, (1..=3).map(|id| waiting(id, 0))).await;
    let held = place.outside.begin().await.unwrap();
    let sql = format!(
        "SELECT id FROM {}tasks WHERE id = UNHEX('00000000000000000000000000000001') FOR UPDATE",
        place.prefix
    );
    held.execute_unprepared(&sql).await.unwrap();
    let claimed = claim(&storage, claim_of("mail", 10)).await;
    assert_eq!(ids(&claimed), [2, 3]);
    let again = claimed.next_available_at.unwrap();
    assert!(
        again > at(10) && again <= at(10) + Duration::from_secs(5),
        "{again}"
    );
    held.rollback().await.unwrap();
    assert_eq!(ids(&claim(&storage, claim_of("mail", 10)).await), [1]);
}

/// Storage edge case 69: the server counts rows that an update made different, so nobody may count.
#[tokio::test]
async fn a_change_to_what_the_row_says_already_has_its_audit() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
    for expected in 0..2 {
        let mut same = change(1, expected, Status::WaitingQueue, None);
        same.state = waiting(1, 0).state;
        assert_eq!(change_one(&storage, same).await, ChangeAnswer::Applied);
    }
    let twice = [Status::WaitingQueue, Status::WaitingQueue];
    assert_eq!(audited(&storage, 1).await, twice);
}

/// Storage rule A1.
#[tokio::test]
async fn a_row_is_not_changed_without_its_audit() {
    let Some(place) = Place::new().await else {
        return;
    };
    let storage = open(&place.storage(), 1).await.unwrap();
    store(&storage, [waiting(1, 0)]).await;
    place
        .execute(
            "CREATE TRIGGER evertask_poison BEFORE INSERT ON evertask_status_audit FOR EACH ROW \
             SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no audit today'",
        )
        .await;
    let change = change(1, 0, Status::Completed, None);
    let error = apply(&storage, [Write::Change(Box::new(change))])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StorageErrorKind::Rejected, "{error}");
    assert!(error.to_string().contains("no audit today"), "{error}");
    assert_eq!(read(&storage, 1).await, waiting(1, 0));
}

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
