//! Tasks that a macro writes are tasks like any other.

use std::error::Error;
use std::fmt;

use evertask::{
    Data, FromContext, RetryPolicy, Task, TaskContext, TaskId, TaskOptions, TaskResult,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::builder;
use crate::one_shot::home::Home;
use crate::stage::soon;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Task)]
#[task(
    name = "test.derived",
    queue = "mail",
    retry = RetryPolicy::None,
    timeout = "1500ms",
    aliases = ["test.old", "test.older"],
    version = 2,
    upcast = from_one_name,
    options = TaskOptions::new().audit(evertask::AuditLevel::ErrorsOnly),
)]
struct Derived {
    names: Vec<String>,
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "it is called as `Task::upcast` is"
)]
fn from_one_name(version: u32, payload: Value) -> Result<Value, Box<dyn Error + Send + Sync>> {
    match version {
        1 => Ok(json!({ "names": [payload.get("name").ok_or("it has none")?] })),
        other => Err(format!("there was no version {other}").into()),
    }
}

#[test]
fn a_derived_task_says_what_was_said_of_it() {
    assert_eq!(Derived::NAME, "test.derived");
    assert_eq!(Derived::ALIASES, ["test.old", "test.older"]);
    assert_eq!(Derived::VERSION, 2);
    let by_hand = TaskOptions::new()
        .audit(evertask::AuditLevel::ErrorsOnly)
        .queue("mail")
        .retry(RetryPolicy::None)
        .timeout(std::time::Duration::from_millis(1_500));
    assert_eq!(format!("{:?}", Derived::options()), format!("{by_hand:?}"));
    let payload = Derived::upcast(1, json!({ "name": "Ada" })).unwrap();
    assert_eq!(payload, json!({ "names": ["Ada"] }));
}

#[test]
fn what_is_not_said_is_as_if_written_by_hand() {
    #[derive(Deserialize, Serialize, Task)]
    #[task(name = "test.plain")]
    enum Plain {
        One,
    }
    assert_eq!((Plain::VERSION, Plain::ALIASES.len()), (1, 0));
    let (said, nothing) = (Plain::options(), TaskOptions::new());
    assert_eq!(format!("{said:?}"), format!("{nothing:?}"));
    Plain::upcast(1, json!(null)).unwrap_err();
}

struct Glue(&'static str);

/// An argument of a type that no macro knows.
struct Parent(Option<TaskId>);

impl FromContext for Parent {
    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        Ok(Self(Some(context.id())))
    }
}

/// Joins words.
#[evertask::task(name = "test.join")]
async fn join_words(
    glue: Data<Glue>,
    mut words: Vec<String>,
    #[serde(default)] shout: bool,
    context: TaskContext,
    #[context] parent: Parent,
) -> Result<String, fmt::Error> {
    assert_eq!(parent.0, Some(context.id()));
    if words.is_empty() {
        return Err(fmt::Error);
    }
    words.sort_unstable();
    let joined = words.join(glue.0);
    Ok(if shout { joined.to_uppercase() } else { joined })
}

#[actix::test]
async fn a_function_is_a_task_with_its_arguments_as_fields() {
    let home = Home::memory();
    let runtime = builder(&home).data(Glue("+")).task::<JoinWords>();
    let evertask = runtime.start().await.unwrap();
    let words = vec!["b".to_owned(), "a".to_owned()];
    let task = JoinWords { words, shout: true };
    let view = soon(evertask.dispatch(task).wait()).await.unwrap();
    assert_eq!(view.record.definition.task, "test.join");
    assert_eq!(view.into_result::<String>().unwrap(), "A+B");
    home.shut_down(evertask).await;
}

/// The attributes of an argument are those of its field.
#[test]
fn a_payload_without_a_defaulted_argument_is_read() {
    let task: JoinWords = serde_json::from_str(r#"{"words":["a"]}"#).unwrap();
    assert!(!task.shout);
}

#[actix::test]
async fn a_start_without_what_a_function_takes_is_refused() {
    let home = Home::memory();
    let started = builder(&home).task::<JoinWords>().start().await;
    let error = started.unwrap_err().to_string();
    assert!(
        error.contains("test.join") && error.contains("Glue"),
        "{error}"
    );
    home.reader().await;
}

/// Does nothing, with nothing.
#[evertask::task(name = "test.idle")]
async fn idle() {}

#[actix::test]
async fn a_function_without_arguments_is_a_task_without_fields() {
    let home = Home::memory();
    let evertask = builder(&home).task::<Idle>().start().await.unwrap();
    let view = soon(evertask.dispatch(Idle {}).wait()).await.unwrap();
    view.into_result::<()>().unwrap();
    idle().await;
    home.shut_down(evertask).await;
}
