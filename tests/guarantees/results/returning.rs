//! A value that a handler returns is stored with the outcome, or the task says why not.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evertask::storage::Write;
use evertask::{
    BlockingHandler, FailureKind, NoResult, RetryPolicy, Status, TaskContext, TaskError,
    TaskHandler, TaskResult,
};
use serde::{Serialize, Serializer};

use super::{Adder, Sum, Total, builder};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::series::{STEP, ends_run};
use crate::stage::{Numbered, Watch, event, soon, task};

on_every_storage_and_server! {
    a_returned_value_is_stored_in_the_commit_of_the_outcome,
    the_result_of_a_series_is_that_of_its_last_run,
    nothing_is_stored_of_a_task_that_returns_nothing,
    a_blocking_handler_returns_a_value_too,
    a_value_that_is_too_large_fails_the_task_without_another_attempt,
    a_value_that_can_not_be_encoded_fails_the_task_without_another_attempt,
    a_value_that_panics_while_it_is_encoded_is_a_failed_attempt,
    a_task_without_a_result_says_why,
}

async fn a_returned_value_is_stored_in_the_commit_of_the_outcome(home: Home) {
    let evertask = builder(&home).handler(Adder).start().await.unwrap();
    let view = soon(evertask.dispatch(Sum(vec![1, 2, 39])).wait()).await;
    let view = view.unwrap();
    let expected = Total { of: 3, total: 42 };
    assert_eq!(view.result::<Total>().unwrap(), Some(expected));
    let id = view.id();
    home.shut_down(evertask).await;

    let outcomes: Vec<_> = home
        .committed()
        .into_iter()
        .filter_map(|(write, _)| match write {
            Write::Change(change) if change.state.result.is_some() => Some(change),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!(outcomes[0].state.status, Status::Completed);
    let row = home.row(id).await;
    assert_eq!(row.state.result.as_deref(), Some(r#"{"of":3,"total":42}"#));
}

/// Fails in its second run.
struct Counter(AtomicU32);

impl TaskHandler<Numbered, u32> for Counter {
    async fn handle(&self, _: &Numbered, _: &TaskContext) -> TaskResult<u32> {
        match self.0.fetch_add(1, Ordering::Relaxed) + 1 {
            2 => Err(TaskError::permanent("not today")),
            run => Ok(run),
        }
    }
}

async fn the_result_of_a_series_is_that_of_its_last_run(home: Home) {
    let clock = StagedClock::new();
    let counter = Counter(AtomicU32::new(0));
    let runtime = builder(&home).clock(clock.clone()).handler(counter);
    let evertask = runtime.start().await.unwrap();
    let series = evertask.dispatch(Numbered(0)).every(STEP).max_runs(3);
    let id = series.await.unwrap().id;
    for (run, expected) in [(1, Some(1)), (2, None), (3, Some(3))] {
        home.commits(run, ends_run).await;
        let view = task(&evertask, id).await;
        assert_eq!(view.result::<u32>().unwrap(), expected, "run {run}");
        clock.advance(STEP);
    }
    let last: u32 = soon(evertask.wait_for(id))
        .await
        .unwrap()
        .into_result()
        .unwrap();
    assert_eq!(last, 3);
    home.shut_down(evertask).await;
}

async fn nothing_is_stored_of_a_task_that_returns_nothing(home: Home) {
    let runtime = builder(&home).handler(Watch::open());
    let evertask = runtime.start().await.unwrap();
    let view = soon(evertask.dispatch(Numbered(1)).wait()).await.unwrap();
    assert_eq!(view.record.state.result, None);
    assert_eq!(view.result::<u32>().unwrap(), None);
    assert_eq!(view.clone().into_result::<Option<u32>>().unwrap(), None);
    let error = view.clone().into_result::<u32>().unwrap_err();
    assert!(matches!(error, NoResult::OtherType(_)), "{error}");
    view.into_result::<()>().unwrap();
    home.shut_down(evertask).await;
}

/// Doubles a number.
struct Doubler;

impl BlockingHandler<Numbered, u32> for Doubler {
    fn handle(&self, task: &Numbered, _: &TaskContext) -> TaskResult<u32> {
        Ok(task.0 * 2)
    }
}

async fn a_blocking_handler_returns_a_value_too(home: Home) {
    let runtime = builder(&home).blocking_handler(Doubler);
    let evertask = runtime.start().await.unwrap();
    let view = soon(evertask.dispatch(Numbered(21)).wait()).await.unwrap();
    assert_eq!(view.into_result::<u32>().unwrap(), 42);
    home.shut_down(evertask).await;
}

/// Returns what it was made with, and counts how often.
struct Returns<O>(Arc<AtomicU32>, fn() -> O);

impl<O: Serialize + Send + 'static> TaskHandler<Numbered, O> for Returns<O> {
    async fn handle(&self, _: &Numbered, _: &TaskContext) -> TaskResult<O> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(self.1())
    }
}

/// Runs a task that returns such a value, with one retry; answers how it failed and how often it ran.
async fn fails_with<O>(home: &Home, value: fn() -> O) -> (FailureKind, String, u32)
where
    O: Serialize + Send + 'static,
{
    let ran = Arc::new(AtomicU32::new(0));
    let handler = Returns(Arc::clone(&ran), value);
    let runtime = builder(home).handler(handler).max_result(10);
    let evertask = runtime.start().await.unwrap();
    let retry = RetryPolicy::Linear {
        retries: 1,
        delay: std::time::Duration::from_millis(1),
    };
    let dispatch = evertask.dispatch(Numbered(1)).retry(retry);
    let view = soon(dispatch.wait()).await.unwrap();
    home.shut_down(evertask).await;
    assert_eq!(view.record.state.result, None);
    match view.into_result::<()>() {
        Err(NoResult::Failed(failure)) => (failure.kind, failure.text, ran.load(Ordering::Relaxed)),
        other => panic!("{other:?}"),
    }
}

async fn a_value_that_is_too_large_fails_the_task_without_another_attempt(home: Home) {
    let (kind, text, ran) = fails_with(&home, || "ten letters").await;
    assert_eq!(kind, FailureKind::UnstorableResult);
    assert!(text.contains("13 bytes, 10 are allowed"), "{text}");
    assert_eq!(ran, 1);
}

async fn a_value_that_can_not_be_encoded_fails_the_task_without_another_attempt(home: Home) {
    let (kind, _, ran) = fails_with(&home, || HashMap::from([((1, 2), 3)])).await;
    assert_eq!(kind, FailureKind::UnstorableResult);
    assert_eq!(ran, 1);
}

struct Bomb;

impl Serialize for Bomb {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("it went off");
    }
}

async fn a_value_that_panics_while_it_is_encoded_is_a_failed_attempt(home: Home) {
    let (kind, text, ran) = fails_with(&home, || Bomb).await;
    assert_eq!(kind, FailureKind::Panicked);
    assert!(text.contains("it went off"), "{text}");
    assert_eq!(ran, 2);
}

async fn a_task_without_a_result_says_why(home: Home) {
    let watch = Watch::held();
    let runtime = builder(&home).handler(watch.clone());
    let evertask = runtime.start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Numbered(1)).await.unwrap().id;
    event(&mut events, |event| {
        event.kind == evertask::TaskEventKind::Started
    })
    .await;
    let running = task(&evertask, id).await.into_result::<()>().unwrap_err();
    assert!(
        matches!(running, NoResult::NotOver(Status::InProgress)),
        "{running}"
    );
    evertask.cancel(id).await.unwrap();
    let cancelled = soon(evertask.wait_for(id)).await.unwrap();
    let cancelled = cancelled.into_result::<()>().unwrap_err();
    assert!(matches!(cancelled, NoResult::Cancelled), "{cancelled}");
    home.shut_down(evertask).await;
}
