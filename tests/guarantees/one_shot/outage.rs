//! A storage that fails for a while costs time and nothing else.

use std::time::Duration;

use evertask::storage::Write;
use evertask::time::{Clock, Timestamp};
use evertask::{Client, DispatchError, Failure, Status, StorageErrorKind, StorageHealth, Stored};

use super::clock::StagedClock;
use super::home::{Home, becomes};
use super::player::{Diary, Player};
use super::row::{id_of, waiting};
use super::session::Fault;
use crate::stage::{Numbered, soon};

on_every_storage_and_server! {
    a_storage_that_fails_at_the_first_claim_is_tried_again,
    a_claim_whose_answer_is_lost_neither_loses_nor_doubles_a_task,
    a_claim_that_is_refused_is_repeated,
    an_outage_during_a_run_or_a_shutdown_fails_no_task,
    a_dispatch_in_an_outage_is_refused_and_leaves_nothing,
    an_insert_whose_answer_is_lost_stores_one_task,
    an_outcome_that_is_refused_for_its_text_is_stored_without_it,
    an_outage_is_a_state_that_can_be_watched,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn any(_: &Write) -> bool {
    true
}

fn claims(write: &Write) -> bool {
    matches!(write, Write::Claim(_))
}

fn changes(write: &Write) -> bool {
    matches!(write, Write::Change(_))
}

fn inserts(write: &Write) -> bool {
    matches!(write, Write::Insert(_))
}

/// Core edge case 44; core edge case 30, its transient part: nothing is counted against the tasks.
async fn a_storage_that_fails_at_the_first_claim_is_tried_again(home: Home) {
    home.seed(|_| (0..6).map(|number| waiting(number, T0)).collect())
        .await;
    home.fail(6, Fault::Transient, any);
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    diary.counts(6, "completed").await;
    home.shut_down(evertask).await;
    assert_eq!(home.recover(), 0, "all failures came about");
    assert_eq!(diary.count("handle"), 6);
    for number in 0..6 {
        let state = home.row(id_of(number)).await.state;
        assert_eq!(state.status, Status::Completed);
        assert_eq!(state.recovery_failures, 0);
    }
}

/// Core edge case 44, with the answers lost instead of the writes.
async fn a_claim_whose_answer_is_lost_neither_loses_nor_doubles_a_task(home: Home) {
    home.seed(|_| (0..6).map(|number| waiting(number, T0)).collect())
        .await;
    home.fail(1, Fault::LostAfterCommit, claims);
    home.fail(1, Fault::LostBeforeCommit, changes);
    home.fail(1, Fault::LostAfterCommit, changes);
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    diary.counts(6, "completed").await;
    home.shut_down(evertask).await;
    assert_eq!(home.recover(), 0, "all failures came about");
    assert_eq!(diary.count("handle"), 6);
    for number in 0..6 {
        assert_eq!(home.status(id_of(number)).await, Status::Completed);
        assert_eq!(home.attempts(id_of(number)).await.len(), 1);
    }
}

/// Core edge case 44: not even an error that is no outage stops the looking.
async fn a_claim_that_is_refused_is_repeated(home: Home) {
    home.seed(|_| vec![waiting(0, T0)]).await;
    home.fail(3, Fault::Rejected, claims);
    let diary = Diary::default();
    let clock = StagedClock::new();
    let evertask = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = evertask.start().await.unwrap();
    let mut completed = std::pin::pin!(diary.says("completed 0"));
    loop {
        tokio::select! {
            () = &mut completed => break,
            () = clock.pass(Duration::from_secs(1)) => {}
        }
    }
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 1);
}

/// Core edge case 40.
async fn an_outage_during_a_run_or_a_shutdown_fails_no_task(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |number, context| async move {
        if number > 0 {
            context.cancelled().await;
        }
        Ok(())
    });
    let evertask = player
        .at(&home)
        .drain(Duration::ZERO)
        .start()
        .await
        .unwrap();
    evertask.dispatch(Numbered(9)).await.unwrap();
    diary.says("handle 9.1").await;
    let waits = evertask.dispatch(Numbered(1)).await.unwrap().id;
    let delayed = evertask
        .dispatch(Numbered(2))
        .after(Duration::from_hours(1));
    let delayed = delayed.await.unwrap().id;
    home.fail(4, Fault::Transient, changes);
    home.shut_down(evertask).await;
    assert_eq!(home.recover(), 0, "all failures came about");
    for id in [waits, delayed] {
        assert_eq!(home.status(id).await, Status::WaitingQueue);
    }

    home.fail(3, Fault::Transient, any);
    let player = Player::idle(&diary);
    let evertask = player.at(&home).start().await.unwrap();
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(waits).await, Status::Completed);
    assert_eq!(diary.count("error"), 0);
    let failed = becomes(Status::Failed);
    let committed = home.committed();
    assert!(
        !committed
            .iter()
            .any(|(write, answer)| failed(write, answer))
    );
}

/// Core 2.3, with the decision that a failed write is an error to the caller.
async fn a_dispatch_in_an_outage_is_refused_and_leaves_nothing(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary)
        .at(&home)
        .patience(Duration::from_millis(30));
    let evertask = evertask.start().await.unwrap();
    evertask.dispatch(Numbered(0)).await.unwrap();
    diary.says("completed 0").await;
    home.fail(usize::MAX, Fault::Transient, inserts);
    let error = evertask
        .dispatch(Numbered(1))
        .id(id_of(1))
        .await
        .unwrap_err();
    home.recover();
    assert!(matches!(error, DispatchError::Storage { .. }), "{error:?}");
    assert_eq!(error.stored(), Stored::No);
    evertask.dispatch(Numbered(2)).await.unwrap();
    diary.says("completed 2").await;
    home.shut_down(evertask).await;
    assert_eq!(home.find(id_of(1)).await, None);
    assert_eq!(diary.count("handle 1"), 0);
}

/// Architecture rule 7, for a dispatch.
async fn an_insert_whose_answer_is_lost_stores_one_task(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    for (number, fault) in [(0, Fault::LostAfterCommit), (1, Fault::LostBeforeCommit)] {
        home.fail(1, fault, inserts);
        let id = evertask.dispatch(Numbered(number)).await.unwrap().id;
        diary.says(&format!("completed {number}")).await;
        assert_eq!(home.recover(), 0);
        assert_eq!(evertask.task(id).await.unwrap().unwrap().attempts.len(), 1);
    }
    home.shut_down(evertask).await;
    assert_eq!(diary.count("handle"), 2);
}

/// Architecture rule 8.
async fn an_outcome_that_is_refused_for_its_text_is_stored_without_it(home: Home) {
    let diary = Diary::default();
    let player = Player::new(&diary, |_, _| async {
        Err(evertask::TaskError::permanent("unstorable"))
    });
    home.fail(usize::MAX, Fault::Rejected, |write| {
        let is_it = |failure: &Failure| failure.text.contains("unstorable");
        matches!(write, Write::Change(change) if change.state.failure.as_ref().is_some_and(is_it))
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.says("error 0: permanent: unstorable").await;
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    assert!(state.failure.unwrap().text.contains("refused the text"));
}

/// Core edge case 44: a storage that can't be opened at all is an error of the start, by which
/// nothing is lost.
#[actix::test]
async fn a_storage_that_can_not_be_opened_is_an_error_of_the_start() {
    let home = Home::sqlite();
    let directory = home.directory.clone().unwrap();
    let storage = evertask::SqlStorage::sqlite(directory.path().join("missing").join("tasks.db"));
    let diary = Diary::default();
    let builder = Player::idle(&diary).at(&home).storage(storage);
    let evertask::StartError::Storage(error) = builder.start().await.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(error.kind(), StorageErrorKind::Unusable);
    assert!(
        error.to_string().contains("directory does not exist"),
        "{error}"
    );
}

/// Storage specification A6: an outage is told as long as it lasts, and costs the tasks nothing.
async fn an_outage_is_a_state_that_can_be_watched(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let player = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = player.start().await.unwrap();
    let mut health = evertask.storage_health();
    evertask.dispatch(Numbered(0)).await.unwrap();
    assert_eq!(health.current(), StorageHealth::Available);
    let since = clock.now();
    home.fail(1, Fault::Transient, any);
    let client = Client::clone(&evertask);
    let dispatch = tokio::spawn(async move { client.dispatch(Numbered(1)).await });
    let told = soon(health.changed()).await.unwrap();
    assert!(told.to_string().contains("unavailable since"), "{told}");
    assert!(matches!(told, StorageHealth::Unavailable { since: told, .. } if told == since));
    clock.pass(Duration::from_millis(10)).await;
    assert_eq!(soon(health.changed()).await, Some(StorageHealth::Available));
    soon(dispatch).await.unwrap().unwrap();
    diary.counts(2, "completed").await;
    home.shut_down(evertask).await;
    assert_eq!(home.recover(), 0, "all failures came about");
    assert_eq!(health.changed().await, None, "the runtime has ended");
}
