//! Payloads that were stored in another shape.

use evertask::time::Timestamp;
use evertask::{FailureKind, Status, Task, TaskRecord, WaitReason};
use serde::{Deserialize, Serialize};

use super::{Greet, WelcomeAll, left_behind, program, waits_for};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::{Diary, Player};
use crate::one_shot::row::{id_of, waiting};

on_every_storage_and_server! {
    a_row_of_the_first_version_runs_with_the_value_of_today,
    a_program_that_is_rolled_back_finds_its_rows_as_they_were,
    a_payload_of_a_newer_version_waits_for_its_program,
    an_upcast_that_fails_or_panics_leaves_the_row_waiting,
    a_payload_that_is_read_again_before_the_fifth_start_runs_once,
    null_is_a_payload_only_of_a_task_without_fields,
}

const T0: Timestamp = Timestamp::UNIX_EPOCH;

fn stored<T: Task>(number: u32, version: u32, payload: &str) -> TaskRecord {
    let mut row = waiting(number, T0);
    T::NAME.clone_into(&mut row.definition.task);
    row.definition.payload_version = version;
    payload.clone_into(&mut row.definition.payload);
    row
}

/// Storage scenario S32, in full: a new optional field, a new name, and two changes of shape.
async fn a_row_of_the_first_version_runs_with_the_value_of_today(home: Home) {
    let ids = left_behind(&home, [7, 8]).await;
    let before = home.row(ids[0]).await.definition;
    assert_eq!(
        (before.payload.as_str(), before.payload_version),
        (r#"{"a":7}"#, 1)
    );
    home.seed(|_| vec![stored::<WelcomeAll>(0, 2, r#"{"a":[1,2],"b":"hi"}"#)])
        .await;
    let diary = Diary::default();
    let evertask = program::<WelcomeAll>(&home, &diary).start().await.unwrap();
    for value in [
        "WelcomeAll { guests: [7], b: None }",
        "WelcomeAll { guests: [8], b: None }",
        "WelcomeAll { guests: [1, 2], b: Some(\"hi\") }",
    ] {
        diary.says(value).await;
    }
    let all = WelcomeAll {
        guests: vec![9],
        b: None,
    };
    let new = evertask.dispatch(all).await.unwrap().id;
    home.commits(4, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(
        home.row(ids[0]).await.definition,
        before,
        "it is never rewritten"
    );
    assert_eq!(home.row(new).await.definition.payload_version, 3);
    assert_eq!(diary.entries().len(), 4);
}

/// Storage specification 6: what is stored is never modified, also if it was taken and given back.
async fn a_program_that_is_rolled_back_finds_its_rows_as_they_were(home: Home) {
    let id = left_behind(&home, [7]).await.remove(0);
    let before = home.row(id).await.definition;
    let diary = Diary::default();
    let newer = Player::idle(&diary).at(&home).start().await.unwrap();
    home.commits(1, waits_for(WaitReason::NoHandler)).await;
    home.shut_down(newer).await;
    assert_eq!(home.row(id).await.definition, before);
    let older = program::<Greet>(&home, &diary).start().await.unwrap();
    diary.says("Greet { a: 7 }").await;
    home.shut_down(older).await;
    assert_eq!(home.row(id).await.definition, before);
}

/// It is not failed at once, and its row says what it waits for.
async fn a_payload_of_a_newer_version_waits_for_its_program(home: Home) {
    home.seed(|_| vec![stored::<WelcomeAll>(0, 4, r#"{"guests":[7],"c":true}"#)])
        .await;
    let diary = Diary::default();
    let evertask = program::<WelcomeAll>(&home, &diary).start().await.unwrap();
    home.commits(1, waits_for(WaitReason::Undecodable)).await;
    home.shut_down(evertask).await;
    let state = home.row(id_of(0)).await.state;
    assert_eq!(
        (state.status, state.recovery_failures),
        (Status::WaitingQueue, 1)
    );
    let text = state.failure.unwrap().text;
    assert!(
        text.contains("version 4") && text.contains("up to 3"),
        "{text}"
    );
    assert_eq!(diary.entries(), [""; 0]);

    let evertask = program::<Newer>(&home, &diary).start().await.unwrap();
    diary.says("Newer { guests: [7], c: true }").await;
    home.shut_down(evertask).await;
    let state = home.row(id_of(0)).await.state;
    assert_eq!(
        (state.status, state.recovery_failures),
        (Status::Completed, 0)
    );
}

#[derive(Debug, Deserialize, Serialize)]
struct Newer {
    guests: Vec<u32>,
    c: bool,
}

impl Task for Newer {
    const NAME: &'static str = WelcomeAll::NAME;
    const VERSION: u32 = 4;
}

/// Whatever the application's code does, the runtime goes on and the row says what happened.
async fn an_upcast_that_fails_or_panics_leaves_the_row_waiting(home: Home) {
    home.seed(|_| {
        vec![
            stored::<WelcomeAll>(0, 1, "{}"),
            stored::<WelcomeAll>(1, 0, "{}"),
            stored::<Raised>(2, 1, "{}"),
        ]
    })
    .await;
    let diary = Diary::default();
    let evertask =
        program::<WelcomeAll>(&home, &diary).handler_for::<Raised, _>(super::Host(diary.clone()));
    let evertask = evertask.start().await.unwrap();
    home.commits(3, waits_for(WaitReason::Undecodable)).await;
    let guests = vec![9];
    evertask
        .dispatch(WelcomeAll { guests, b: None })
        .await
        .unwrap();
    diary.says("WelcomeAll { guests: [9], b: None }").await;
    home.shut_down(evertask).await;
    for (number, why) in [
        (0, "can't be brought to version 2: it names nobody"),
        (1, "there was no version 0"),
        (2, "implement `Task::upcast`"),
    ] {
        let state = home.row(id_of(number)).await.state;
        assert_eq!(state.wait_reason, Some(WaitReason::Undecodable));
        let failure = state.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Undecodable);
        assert!(failure.text.contains(why), "{failure}");
    }
}

/// A task whose version was raised without saying how.
#[derive(Debug, Deserialize, Serialize)]
struct Raised {}

impl Task for Raised {
    const NAME: &'static str = "test.raised";
    const VERSION: u32 = 2;
}

/// Storage scenario S11, storage edge case 17.
async fn a_payload_that_is_read_again_before_the_fifth_start_runs_once(home: Home) {
    home.seed(|_| vec![stored::<Greet>(0, 1, r#"{"a":"seven"}"#)])
        .await;
    let diary = Diary::default();
    for start in 1..=3_u32 {
        let evertask = program::<Greet>(&home, &diary).start().await.unwrap();
        home.commits(start as usize, waits_for(WaitReason::Undecodable))
            .await;
        home.shut_down(evertask).await;
        assert_eq!(home.row(id_of(0)).await.state.recovery_failures, start);
    }
    for _ in 4..=5 {
        let evertask = program::<Worded>(&home, &diary).start().await.unwrap();
        diary.says("Worded { a: \"seven\" }").await;
        home.commits(1, becomes(Status::Completed)).await;
        home.shut_down(evertask).await;
    }
    assert_eq!(diary.entries().len(), 1);
    let state = home.row(id_of(0)).await.state;
    assert_eq!(
        (state.status, state.recovery_failures),
        (Status::Completed, 0)
    );
    assert_eq!((state.failure, state.wait_reason), (None, None));
}

/// The type as it was fixed.
#[derive(Debug, Deserialize, Serialize)]
struct Worded {
    a: String,
}

impl Task for Worded {
    const NAME: &'static str = Greet::NAME;
}

/// Storage specification 6 and edge case 18: nothing is run on nothing, but a task that is stored as
/// `null` is run from it.
async fn null_is_a_payload_only_of_a_task_without_fields(home: Home) {
    home.seed(|_| {
        vec![
            stored::<Defaulted>(0, 1, "null"),
            stored::<Empty>(1, 1, "null"),
            stored::<Tick>(2, 1, "null"),
        ]
    })
    .await;
    let diary = Diary::default();
    let host = || super::Host(diary.clone());
    let evertask = program::<Tick>(&home, &diary)
        .handler_for::<Defaulted, _>(host())
        .handler_for::<Empty, _>(host());
    let evertask = evertask.start().await.unwrap();
    home.commits(2, waits_for(WaitReason::Undecodable)).await;
    home.commits(1, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(diary.entries(), ["Tick"]);
    for number in 0..2 {
        assert_eq!(home.row(id_of(number)).await.definition.payload, "null");
    }
}

/// Every field of it may be missing, but not all of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Defaulted {
    a: u32,
}

impl Task for Defaulted {
    const NAME: &'static str = "test.defaulted";
}

#[derive(Debug, Deserialize, Serialize)]
struct Empty {}

impl Task for Empty {
    const NAME: &'static str = "test.empty";
}

#[derive(Debug, Deserialize, Serialize)]
struct Tick;

impl Task for Tick {
    const NAME: &'static str = "test.tick";
}
