//! Functions as handlers, and what they take beside their task.

use std::fmt;
use std::sync::Arc;

use evertask::{
    CatalogError, Client, Data, FromContext, MemoryStorage, Need, NoResult, StartError, Status,
    Task, TaskContext, TaskError, TaskHandler, TaskId, TaskResult,
};
use serde::{Deserialize, Serialize};

use super::{Sum, builder};
use crate::one_shot::home::Home;
use crate::stage::{Numbered, soon};

/// Something of the application.
trait Greeter: Send + Sync {
    fn greeting(&self) -> String;
}

struct Polite;

impl Greeter for Polite {
    fn greeting(&self) -> String {
        "Dear".to_owned()
    }
}

struct Prefix(&'static str);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Greet {
    name: String,
}

impl Task for Greet {
    const NAME: &'static str = "test.greet";
}

async fn greet(
    greet: Greet,
    greeter: Data<dyn Greeter>,
    prefix: Data<Prefix>,
    context: TaskContext,
    id: TaskId,
) -> Result<String, fmt::Error> {
    assert_eq!(context.id(), id);
    let attempt = context.attempt();
    Ok(format!(
        "{}{attempt}: {} {}",
        prefix.0,
        greeter.greeting(),
        greet.name
    ))
}

#[actix::test]
async fn a_function_gets_its_task_and_what_it_asks_for() {
    let home = Home::memory();
    let evertask = builder(&home)
        .shared_data::<dyn Greeter>(Arc::new(Polite))
        .data(Prefix("#"))
        .handler_fn(greet)
        .start()
        .await
        .unwrap();
    let name = "Ada".to_owned();
    let view = soon(evertask.dispatch(Greet { name }).wait())
        .await
        .unwrap();
    assert_eq!(view.into_result::<String>().unwrap(), "#1: Dear Ada");
    home.shut_down(evertask).await;
}

async fn parse(task: Numbered) -> Result<u32, TaskError> {
    let text = if task.0 == 0 { "none" } else { "17" };
    Ok(text.parse()?)
}

#[actix::test]
async fn any_error_of_a_function_is_a_failure() {
    let home = Home::memory();
    let evertask = builder(&home).handler_fn(parse).start().await.unwrap();
    let view = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    assert_eq!(view.into_result::<u32>().unwrap(), 17);
    let retry = evertask::RetryPolicy::None;
    let dispatch = evertask.dispatch(Numbered(0)).retry(retry);
    let view = soon(dispatch.wait()).await.unwrap();
    let Err(NoResult::Failed(failure)) = view.into_result::<u32>() else {
        panic!("it can't be parsed");
    };
    assert!(failure.text.contains("invalid digit"), "{failure}");
    home.shut_down(evertask).await;
}

/// What a function without a result does is done all the same.
async fn fan_out(sum: Sum, client: Client) {
    for number in sum.0 {
        let dispatched = client.dispatch(Numbered(number)).await;
        dispatched.expect("the runtime takes tasks");
    }
}

#[actix::test]
async fn a_function_that_returns_nothing_completes_its_task() {
    let home = Home::memory();
    let runtime = builder(&home).handler_fn(fan_out).handler_fn(parse);
    let evertask = runtime.start().await.unwrap();
    let view = soon(evertask.dispatch(Sum(vec![1, 2])).wait())
        .await
        .unwrap();
    assert_eq!(view.status(), Status::Completed);
    let inserts = |write: &evertask::storage::Write, _: &evertask::storage::Answer| {
        matches!(write, evertask::storage::Write::Insert(_))
    };
    home.commits(3, inserts).await;
    home.shut_down(evertask).await;
}

async fn refusal(builder: evertask::Builder) -> CatalogError {
    match builder.storage(MemoryStorage::new()).start().await {
        Err(StartError::Catalog(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn a_start_without_what_a_handler_takes_is_refused() {
    let builder = evertask::EverTask::builder();
    let error = refusal(builder.data(Prefix("#")).handler_fn(greet)).await;
    let CatalogError::MissingData { task, data } = error else {
        panic!("{error}");
    };
    assert_eq!(task, "test.greet");
    assert!(data.contains("dyn") && data.contains("Greeter"), "{data}");
}

#[actix::test]
async fn a_start_with_two_values_of_one_type_is_refused() {
    let builder = evertask::EverTask::builder().handler_fn(parse);
    let error = refusal(builder.data(Prefix("1")).data(Prefix("2"))).await;
    assert!(
        matches!(error, CatalogError::DuplicateData(name) if name.contains("Prefix")),
        "{error}"
    );
}

/// A handler of the other kind that says what it needs.
struct Needy;

impl TaskHandler<Numbered> for Needy {
    fn needs(&self) -> Vec<Need> {
        vec![Need::data::<Prefix>()]
    }

    async fn handle(&self, _: &Numbered, context: &TaskContext) -> TaskResult {
        let prefix = context.data::<Prefix>();
        prefix.ok_or_else(|| TaskError::permanent("it was promised"))?;
        Ok(())
    }
}

#[actix::test]
async fn a_handler_that_is_no_function_may_say_what_it_needs() {
    let error = refusal(evertask::EverTask::builder().handler(Needy)).await;
    assert!(matches!(error, CatalogError::MissingData { .. }), "{error}");
    let home = Home::memory();
    let runtime = builder(&home).data(Prefix("#")).handler(Needy);
    let evertask = runtime.start().await.unwrap();
    let view = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    assert_eq!(view.status(), Status::Completed);
    home.shut_down(evertask).await;
}

/// An argument that an application thought of, and that is not always there.
struct Lucky(u32);

impl FromContext for Lucky {
    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        match context.attempt() {
            1 => Err(TaskError::transient("no luck")),
            attempt => Ok(Self(attempt)),
        }
    }
}

async fn try_luck(_: Numbered, lucky: Lucky) -> Result<u32, TaskError> {
    Ok(lucky.0)
}

#[actix::test]
async fn an_argument_that_is_not_there_is_a_failed_attempt() {
    let home = Home::memory();
    let evertask = builder(&home).handler_fn(try_luck).start().await.unwrap();
    let retry = evertask::RetryPolicy::Linear {
        retries: 1,
        delay: std::time::Duration::from_millis(1),
    };
    let dispatch = evertask.dispatch(Numbered(1)).retry(retry);
    let view = soon(dispatch.wait()).await.unwrap();
    assert_eq!(view.into_result::<u32>().unwrap(), 2);
    home.shut_down(evertask).await;
}
