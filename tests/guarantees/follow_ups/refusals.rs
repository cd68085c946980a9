//! A storage that refuses an outcome with what follows it.

use evertask::{FailureKind, Status, TaskError};

use super::{follow_ups, has_follow_ups, pair};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::session::Fault;
use crate::stage::Numbered;

on_every_storage! {
    a_success_without_what_follows_it_is_a_failure,
    a_failure_is_stored_without_what_follows_it,
}

/// To store the success alone would break the chain, to run the task again would never end.
async fn a_success_without_what_follows_it_is_a_failure(home: Home) {
    let diary = Diary::default();
    home.fail(usize::MAX, Fault::Rejected, has_follow_ups);
    let evertask = pair(&diary).at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    diary.counts(1, "error 0: permanent").await;
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::Failed);
    let failure = state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert!(failure.text.contains("what follows this task"), "{failure}");
    assert_eq!(home.attempts(id).await.len(), 1);
    assert_eq!(follow_ups(&home).len(), 0);
    assert_eq!(diary.count("handle"), 1);
}

async fn a_failure_is_stored_without_what_follows_it(home: Home) {
    let diary = Diary::default();
    home.fail(usize::MAX, Fault::Rejected, has_follow_ups);
    let player = Player::new(&diary, |_, context| async move {
        context.or_else(Numbered(1))?;
        Err(TaskError::permanent("never"))
    });
    let evertask = player.at(&home).start().await.unwrap();
    let id = evertask.dispatch(Numbered(0)).await.unwrap().id;
    home.commits(1, becomes(Status::Failed)).await;
    home.shut_down(evertask).await;
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.to_string(), "permanent: never");
    assert_eq!(follow_ups(&home).len(), 0);
    assert_eq!(diary.count("handle"), 1);
}
