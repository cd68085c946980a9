//! What a key may say, and where it comes from.

use evertask::storage::{Answer, Write};
use evertask::{
    DispatchError, InvalidKey, Status, Stored, Task, TaskContext, TaskHandler, TaskResult,
};
use serde::{Deserialize, Serialize};

use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::stage::Numbered;

on_every_storage_and_server!(
    a_blank_key_never_stands_for_another_task,
    a_key_is_taken_as_it_is,
    a_key_that_can_not_be_stored_changes_nothing,
    a_task_may_make_its_own_key,
);

/// Core edge case 60.
async fn a_blank_key_never_stands_for_another_task(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let mut ids = Vec::new();
    for blank in ["", " ", "\t\n", "\u{a0}"] {
        let dispatched = evertask.dispatch(Numbered(1)).key(blank).await.unwrap();
        assert!(dispatched.is_new() && !ids.contains(&dispatched.id));
        ids.push(dispatched.id);
    }
    diary.counts(ids.len(), "completed").await;
    home.shut_down(evertask).await;
    for id in ids {
        let row = home.row(id).await;
        assert_eq!((row.definition.key, row.state.active_key), (None, None));
    }
}

/// Core edge case 60: none of these is another.
async fn a_key_is_taken_as_it_is(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let hour = std::time::Duration::from_hours(1);
    let keys = [
        "k",
        "K",
        " k",
        "k ",
        "é",
        "e\u{301}",
        "日本 🚀 'q' \"%_\\ --",
    ];
    for key in keys {
        let dispatch = evertask.dispatch(Numbered(1)).after(hour).key(key);
        let first = dispatch.await.unwrap();
        assert!(first.is_new(), "{key:?}");
        let dispatch = evertask.dispatch(Numbered(2)).after(hour).key(key);
        assert_eq!(dispatch.await.unwrap().id, first.id);
        assert_eq!(
            home.row(first.id).await.definition.key.as_deref(),
            Some(key)
        );
    }
    home.shut_down(evertask).await;
}

/// Core edge case 60: "201 characters rejected at dispatch".
async fn a_key_that_can_not_be_stored_changes_nothing(home: Home) {
    let diary = Diary::default();
    let evertask = Player::idle(&diary).at(&home).start().await.unwrap();
    let long = "é".repeat(201);
    let too_long = InvalidKey::TooLong { length: 201 };
    for (key, invalid) in [(long.as_str(), too_long), ("a\0b", InvalidKey::Nul)] {
        let error = evertask.dispatch(Numbered(1)).key(key).await.unwrap_err();
        assert!(
            matches!(error, DispatchError::Key(found) if found == invalid),
            "{error:?}"
        );
        assert_eq!(error.stored(), Stored::No);
    }
    let is_insert = |(write, _): &(Write, Answer)| matches!(write, Write::Insert(_));
    assert!(!home.committed().iter().any(is_insert));
    let longest = evertask.dispatch(Numbered(1)).key("é".repeat(200)).await;
    assert!(longest.unwrap().is_new());
    diary.says("completed 1").await;
    home.shut_down(evertask).await;
}

/// One index of a shop is enough, whatever it is for.
#[derive(Serialize, Deserialize)]
struct Reindex {
    shop: u32,
    reason: String,
}

impl Task for Reindex {
    const NAME: &'static str = "test.reindex";

    fn key(&self) -> Option<String> {
        (self.shop > 0).then(|| format!("{}/{}", Self::NAME, self.shop))
    }
}

struct Indexer;

impl TaskHandler<Reindex> for Indexer {
    async fn handle(&self, _: &Reindex, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

async fn a_task_may_make_its_own_key(home: Home) {
    let evertask = Player::idle(&Diary::default()).at(&home).handler(Indexer);
    let evertask = evertask.start().await.unwrap();
    let hour = std::time::Duration::from_hours(1);
    let dispatch = |shop, reason: &str| {
        let reason = reason.to_owned();
        evertask.dispatch(Reindex { shop, reason }).after(hour)
    };
    let first = dispatch(7, "a").await.unwrap();
    assert_eq!(dispatch(7, "b").await.unwrap().id, first.id);
    assert!(dispatch(8, "a").await.unwrap().is_new(), "another shop");
    assert!(dispatch(0, "a").await.unwrap().is_new(), "no key");
    assert!(dispatch(0, "a").await.unwrap().is_new(), "no key");
    // What the caller says counts, also that there is none.
    assert!(dispatch(7, "a").key("own").await.unwrap().is_new());
    assert!(dispatch(7, "a").key("").await.unwrap().is_new());
    evertask.cancel(first).await.unwrap();
    home.commits(1, becomes(Status::Cancelled)).await;
    assert!(dispatch(7, "c").await.unwrap().is_new());
    home.shut_down(evertask).await;
}
