//! Which errors are worth another attempt: core 5.3.

use std::fmt;
use std::io;

use evertask::{
    CatalogError, ErrorClass, EverTask, FailureKind, RetryPolicy, StartError, Task, TaskContext,
    TaskError, TaskOptions, TaskResult, transient_database, transient_network,
};

use super::{Actor, BLINK, bodies_until_over, kind};
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

on_every_storage! {
    an_error_that_no_list_names_fails_at_once_with_itself,
    an_error_is_found_behind_those_that_wrap_it,
    a_predicate_sees_the_error_and_its_answer_stands,
    a_list_of_kinds_goes_with_the_task,
    a_list_of_what_is_not_retried_retries_the_rest,
    a_filter_that_panics_says_nothing,
    a_permanent_error_is_not_retried_whatever_the_filters_say,
}

#[derive(Debug)]
struct Refusal(u16);

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the server answers {}", self.0)
    }
}

impl std::error::Error for Refusal {}

/// An error that another one has caused.
#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the request failed")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn thrice() -> TaskOptions {
    TaskOptions::new().retry(RetryPolicy::Linear {
        retries: 3,
        delay: BLINK,
    })
}

/// Runs a task whose body always ends so, and answers how often it was entered and what the row says.
async fn play<T: Task>(
    home: &Home,
    task: T,
    end: impl Fn(TaskContext) -> TaskResult + Clone + Send + Sync + 'static,
) -> (usize, evertask::Failure) {
    let diary = Diary::default();
    let actor = Actor::new(&diary, move |context| {
        let end = end.clone();
        async move { end(context) }
    });
    let evertask = actor.at::<T>(home).start().await.unwrap();
    let id = evertask.dispatch(task).await.unwrap().id;
    let bodies = bodies_until_over(&diary).await;
    home.shut_down(evertask).await;
    (bodies, home.row(id).await.state.failure.unwrap())
}

kind!(Networked, thrice().retry_only(transient_network()));
kind!(
    Connected,
    thrice()
        .retry_only(transient_network())
        .retry_only(transient_database())
);
kind!(
    Asking,
    thrice()
        .retry_only(ErrorClass::of::<Refusal>())
        .retry_if(|error| {
            let refusal = error.source().downcast_ref::<Refusal>();
            refusal.is_some_and(|refusal| refusal.0 == 503)
        })
);
kind!(Plain, thrice());
kind!(Strict, thrice().retry_except(ErrorClass::of::<Refusal>()));
kind!(
    Broken,
    thrice()
        .retry_if(|_| panic!("the predicate panics"))
        .retry_except(ErrorClass::new("a class that panics", |_| panic!(
            "so does the class"
        )))
);
kind!(Eager, thrice().retry_if(|_| true));

/// Core acceptance scenario 37, a whitelist mismatch, and core edge case 118.
async fn an_error_that_no_list_names_fails_at_once_with_itself(home: Home) {
    let (bodies, failure) = play(&home, Networked, |_| Err(Refusal(404).into())).await;
    assert_eq!(bodies, 1);
    assert_eq!(failure.text, "the server answers 404");
}

/// Core edge cases 119 and 120: filters see the error itself, and what caused it.
async fn an_error_is_found_behind_those_that_wrap_it(home: Home) {
    let reset = || Wrapped(io::ErrorKind::ConnectionReset.into());
    let (bodies, failure) = play(&home, Networked, move |_| Err(reset().into())).await;
    assert_eq!(bodies, 4);
    assert!(failure.text.starts_with("all 4 attempts"), "{failure}");
    let missing = || Wrapped(io::ErrorKind::NotFound.into());
    let (bodies, _) = play(&home, Connected, move |_| Err(missing().into())).await;
    assert_eq!(bodies, 1);
}

/// Core acceptance scenario 37, the 404/503 predicate, and core edge case 120: it wins over a list
/// that names both.
async fn a_predicate_sees_the_error_and_its_answer_stands(home: Home) {
    let (bodies, _) = play(&home, Asking, |_| Err(Refusal(404).into())).await;
    assert_eq!(bodies, 1);
    let (bodies, _) = play(&home, Asking, |_| Err(Refusal(503).into())).await;
    assert_eq!(bodies, 4);
}

/// Core 5.3: what can be written down is stored with the task.
async fn a_list_of_kinds_goes_with_the_task(home: Home) {
    let policy = RetryPolicy::Linear {
        retries: 1,
        delay: BLINK,
    };
    let policy = policy.only([FailureKind::Panicked]);
    for (panics, expected) in [(false, 1), (true, 2)] {
        let diary = Diary::default();
        let actor = Actor::new(&diary, move |_| async move {
            assert!(!panics, "as the test wants");
            Err(TaskError::other("no panic"))
        });
        let evertask = actor.at::<Plain>(&home).start().await.unwrap();
        let id = evertask
            .dispatch(Plain)
            .retry(policy.clone())
            .await
            .unwrap()
            .id;
        assert_eq!(bodies_until_over(&diary).await, expected);
        home.shut_down(evertask).await;
        assert_eq!(home.row(id).await.definition.retry, Some(policy.clone()));
    }
}

async fn a_list_of_what_is_not_retried_retries_the_rest(home: Home) {
    let (bodies, _) = play(&home, Strict, |_| Err(Refusal(503).into())).await;
    assert_eq!(bodies, 1);
    let (bodies, _) = play(&home, Strict, |_| Err(TaskError::other("else"))).await;
    assert_eq!(bodies, 4);
}

/// A filter is code of the application: it must not cost a task its outcome.
async fn a_filter_that_panics_says_nothing(home: Home) {
    let (bodies, failure) = play(&home, Broken, |_| Err(Refusal(503).into())).await;
    assert_eq!(bodies, 4);
    assert!(!failure.text.contains("predicate"), "{failure}");
}

/// Core edge case 121, for what a handler calls permanent.
async fn a_permanent_error_is_not_retried_whatever_the_filters_say(home: Home) {
    let (bodies, failure) = play(&home, Eager, |_| Err(TaskError::permanent("no"))).await;
    assert_eq!((bodies, failure.kind), (1, FailureKind::Permanent));
}

kind!(
    OnlyThenExcept,
    thrice()
        .retry_only(transient_network())
        .retry_except(ErrorClass::of::<Refusal>())
);
kind!(
    ExceptThenOnly,
    thrice()
        .retry_except(ErrorClass::of::<Refusal>())
        .retry_only(transient_network())
);
kind!(
    OnlyBesideKinds,
    TaskOptions::new()
        .retry(RetryPolicy::default().except([FailureKind::Panicked]))
        .retry_only(transient_network())
);

async fn refusal_of<T: Task>() -> StartError {
    let actor = Actor::new(&Diary::default(), |_| async { Ok(()) });
    let builder = EverTask::builder().storage(evertask::MemoryStorage::new());
    let started = builder.handler_for::<T, _>(actor).start().await;
    started.map(drop).unwrap_err()
}

/// Core edge case 120.
#[actix::test]
async fn a_list_of_what_is_retried_and_one_of_what_is_not_are_refused_in_both_orders() {
    let refusals = [
        refusal_of::<OnlyThenExcept>().await,
        refusal_of::<ExceptThenOnly>().await,
        refusal_of::<OnlyBesideKinds>().await,
    ];
    for refusal in refusals {
        let is_named = matches!(refusal, StartError::Catalog(CatalogError::MixedFilters(_)));
        assert!(is_named, "{refusal}");
    }
}
