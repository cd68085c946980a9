//! Tasks that were stored under another name.

use evertask::{
    CatalogError, DispatchError, EverTask, Status, Stored, Task, TaskContext, TaskHandler,
    TaskResult, WaitReason,
};
use serde::{Deserialize, Serialize};

use super::{Greet, Host, Welcome, WelcomeAll, left_behind, program, refusal, waits_for};
use crate::one_shot::home::{Home, becomes};
use crate::one_shot::player::Diary;
use crate::one_shot::row::id_of;

on_every_storage_and_server! {
    a_row_under_an_alias_is_run_by_the_task_of_today,
    a_row_that_waits_for_a_handler_runs_once_its_name_is_an_alias,
    a_name_of_the_past_can_not_be_dispatched,
    a_dispatch_repeated_after_a_renaming_finds_its_task,
}

/// Storage scenario S32, its first half: the field that was added takes its default, and the row
/// keeps what it says.
async fn a_row_under_an_alias_is_run_by_the_task_of_today(home: Home) {
    let id = left_behind(&home, [7]).await.remove(0);
    let stored = home.row(id).await.definition;
    let diary = Diary::default();
    let evertask = program::<Welcome>(&home, &diary).start().await.unwrap();
    diary.says("Welcome { a: 7, b: None }").await;
    home.shut_down(evertask).await;
    let row = home.row(id).await;
    assert_eq!(row.state.status, Status::Completed);
    assert_eq!(row.definition, stored);
    assert_eq!(stored.task, "test.greet");
    assert_eq!(diary.entries().len(), 1);
}

/// Storage scenario S32, its second half.
async fn a_row_that_waits_for_a_handler_runs_once_its_name_is_an_alias(home: Home) {
    let id = left_behind(&home, [7]).await.remove(0);
    let diary = Diary::default();
    let stranger = || EverTask::builder().storage(home.clone()).handler(Stranger);
    for start in 1..=6 {
        let evertask = stranger().start().await.unwrap();
        if start == 1 {
            home.commits(1, waits_for(WaitReason::NoHandler)).await;
        }
        home.shut_down(evertask).await;
        let state = home.row(id).await.state;
        assert_eq!(state.wait_reason, Some(WaitReason::NoHandler));
        assert_eq!(state.recovery_failures, 0);
    }
    let evertask = program::<Welcome>(&home, &diary).start().await.unwrap();
    diary.says("Welcome { a: 7, b: None }").await;
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Completed);
    assert_eq!(diary.entries().len(), 1);
}

/// An alias is for rows: what is dispatched anew has the name of today.
async fn a_name_of_the_past_can_not_be_dispatched(home: Home) {
    let diary = Diary::default();
    let evertask = program::<Welcome>(&home, &diary).start().await.unwrap();
    let error = evertask.dispatch(Greet { a: 7 }).id(id_of(0)).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, DispatchError::UnknownTask { .. }),
        "{error}"
    );
    assert_eq!(error.stored(), Stored::No);
    let welcome = Welcome { a: 8, b: None };
    let id = evertask.dispatch(welcome).await.unwrap().id;
    home.commits(1, becomes(Status::Completed)).await;
    home.shut_down(evertask).await;
    assert_eq!(home.row(id).await.definition.task, "test.welcome");
    assert_eq!(home.find(id_of(0)).await, None);
}

/// An id stands for the task it was given to, under each of its names and in each of its shapes.
async fn a_dispatch_repeated_after_a_renaming_finds_its_task(home: Home) {
    let first = program::<Greet>(&home, &Diary::default());
    let first = first.start().await.unwrap();
    let id = first
        .dispatch(Greet { a: 7 })
        .id(id_of(0))
        .await
        .unwrap()
        .id;
    home.commits(1, becomes(Status::Completed)).await;
    home.shut_down(first).await;

    let diary = Diary::default();
    let evertask = program::<WelcomeAll>(&home, &diary).handler_for::<Unrelated, _>(Stranger);
    let evertask = evertask.start().await.unwrap();
    let again = || WelcomeAll {
        guests: vec![7],
        b: None,
    };
    assert_eq!(evertask.dispatch(again()).id(id).await.unwrap().id, id);
    let error = evertask.dispatch(Unrelated).id(id).await.unwrap_err();
    assert!(matches!(error, DispatchError::IdTaken { .. }), "{error}");
    home.shut_down(evertask).await;
    assert_eq!(diary.entries(), [""; 0], "it had run before");
}

#[derive(Serialize, Deserialize)]
struct Unrelated;

impl Task for Unrelated {
    const NAME: &'static str = "test.unrelated";
}

struct Stranger;

impl TaskHandler<Unrelated> for Stranger {
    async fn handle(&self, _: &Unrelated, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

/// A task whose aliases are those of the test.
macro_rules! aliased {
    ($task:ident, $name:literal, $aliases:expr) => {
        #[derive(Debug, Serialize, Deserialize)]
        struct $task;

        impl Task for $task {
            const NAME: &'static str = $name;
            const ALIASES: &'static [&'static str] = &$aliases;
        }
    };
}

aliased!(NamedLikeAnother, "test.a", ["test.welcome"]);
aliased!(AliasedLikeAnother, "test.b", ["test.hello"]);
aliased!(NamedLikeItself, "test.c", ["test.c"]);
aliased!(Twice, "test.d", ["test.old", "test.old"]);
aliased!(Blank, "test.e", [" "]);

/// Storage memory has no part in it: nothing is opened.
#[actix::test]
async fn names_and_aliases_that_are_not_unique_are_refused_by_name() {
    let home = Home::memory();
    let welcome = || program::<Welcome>(&home, &Diary::default());
    let host = || Host(Diary::default());
    let cases = [
        (
            welcome().handler_for::<NamedLikeAnother, _>(host()),
            ("test.welcome", "test.a", "test.welcome"),
        ),
        (
            welcome().handler_for::<AliasedLikeAnother, _>(host()),
            ("test.hello", "test.b", "test.welcome"),
        ),
        (
            welcome().handler_for::<NamedLikeItself, _>(host()),
            ("test.c", "test.c", "test.c"),
        ),
        (
            welcome().handler_for::<Twice, _>(host()),
            ("test.old", "test.d", "test.d"),
        ),
    ];
    for (builder, expected) in cases {
        let error = refusal(builder).await;
        let CatalogError::AliasTaken { alias, task, other } = error else {
            panic!("another error: {error}");
        };
        assert_eq!((alias, task, other), expected);
        let text = CatalogError::AliasTaken { alias, task, other }.to_string();
        assert!(text.contains("remove it from one of them"), "{text}");
    }
    let error = refusal(welcome().handler_for::<Blank, _>(host())).await;
    assert!(matches!(error, CatalogError::Name { .. }), "{error}");
}
