//! The policies, from a dispatch through a row to the attempts.

use std::time::Duration;

use evertask::random::{Randomness, SeededRandomness};
use evertask::{
    CatalogError, DispatchError, EverTask, Exponential, Failure, InvalidRetryPolicy, Jitter,
    MemoryStorage, Queue, QueueError, RetryPolicy, StartError, Stored, TaskError, TaskOptions,
};

use super::{Actor, BLINK, assert_lists, bodies_until_over, kind, parks};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

on_every_storage! {
    a_list_of_delays_is_followed_across_slot_and_park,
    jitter_is_drawn_from_what_was_injected,
    a_custom_policy_decides_under_its_name,
    a_custom_policy_that_panics_ends_the_task,
    a_name_that_stands_for_nothing_falls_back_to_the_kind,
}

kind!(Failing, TaskOptions::new());
kind!(
    Twice,
    TaskOptions::new().retry(RetryPolicy::Delays(vec![BLINK]))
);

fn failing(diary: &Diary) -> Actor {
    Actor::new(diary, |context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    })
}

/// Core 5.2, a list of delays: the short one is waited for in the slot, the long one is parked.
async fn a_list_of_delays_is_followed_across_slot_and_park(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let delays = [Duration::from_millis(20), Duration::from_secs(90)];
    let policy = RetryPolicy::Delays(delays.to_vec());
    let builder = failing(&diary).at::<Failing>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let id = evertask.dispatch(Failing).retry(policy).await.unwrap().id;
    clock.pass(delays[0]).await;
    home.commits(1, parks).await;
    clock.advance(delays[1]);
    assert_eq!(bodies_until_over(&diary).await, 3);
    home.shut_down(evertask).await;
    diary.says("retry 1 after 20ms: other: reason 1").await;
    diary.says("retry 2 after 90s: other: reason 2").await;
    assert_lists(&home, id, 3).await;
    assert_eq!(home.row(id).await.state.retry_delay, None);
}

/// Core W22: exponential with jitter, whose dice are the test's.
async fn jitter_is_drawn_from_what_was_injected(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let first = Duration::from_millis(100);
    let policy = Exponential::new(3, first).jitter(Jitter::Full);
    let dice = SeededRandomness::new(7);
    let expected: Vec<_> = (0..3)
        .map(|doubled| {
            let whole = (first * (1 << doubled)).as_nanos();
            let delay = whole - ((u128::from(dice.draw()) * whole) >> 64);
            Duration::from_micros(u64::try_from(delay.div_ceil(1_000)).unwrap())
        })
        .collect();
    let builder = failing(&diary).at::<Failing>(&home).clock(clock.clone());
    let builder = builder.randomness(SeededRandomness::new(7));
    let evertask = builder.start().await.unwrap();
    let policy = RetryPolicy::Exponential(policy);
    evertask.dispatch(Failing).retry(policy).await.unwrap();
    for delay in expected {
        clock.pass(delay).await;
    }
    assert_eq!(bodies_until_over(&diary).await, 4);
    home.shut_down(evertask).await;
}

fn named() -> RetryPolicy {
    RetryPolicy::Custom("mine".to_owned())
}

/// Core 5.2, a policy of the application's own.
async fn a_custom_policy_decides_under_its_name(home: Home) {
    let diary = Diary::default();
    let policy = |failed: u32, failure: &Failure| {
        assert_eq!(failure.text, format!("reason {failed}"));
        (failed < 5).then_some(BLINK)
    };
    let builder = failing(&diary).at::<Failing>(&home);
    let evertask = builder.retry_policy("mine", policy).start().await.unwrap();
    let id = evertask.dispatch(Failing).retry(named()).await.unwrap().id;
    assert_eq!(bodies_until_over(&diary).await, 5);
    home.shut_down(evertask).await;
    assert_lists(&home, id, 5).await;
}

async fn a_custom_policy_that_panics_ends_the_task(home: Home) {
    let diary = Diary::default();
    let policy = |_: u32, _: &Failure| panic!("the policy panics");
    let builder = failing(&diary).at::<Failing>(&home);
    let evertask = builder.retry_policy("mine", policy).start().await.unwrap();
    let id = evertask.dispatch(Failing).retry(named()).await.unwrap().id;
    assert_eq!(bodies_until_over(&diary).await, 1);
    home.shut_down(evertask).await;
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.text, "reason 1");
}

/// A row outlives the program that stored it, and with it the policy that it names.
async fn a_name_that_stands_for_nothing_falls_back_to_the_kind(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = || failing(&diary).at::<Twice>(&home).clock(clock.clone());
    let endless = |_: u32, _: &Failure| Some(BLINK);
    let evertask = builder().retry_policy("mine", endless);
    let evertask = evertask.start().await.unwrap();
    let hour = Duration::from_hours(1);
    let id = evertask.dispatch(Twice).retry(named()).after(hour);
    let id = id.await.unwrap().id;
    home.shut_down(evertask).await;

    clock.advance(hour);
    let evertask = builder().start().await.unwrap();
    clock.pass(BLINK).await;
    assert_eq!(bodies_until_over(&diary).await, 2);
    home.shut_down(evertask).await;
    assert_eq!(home.row(id).await.definition.retry, Some(named()));
}

fn builder() -> evertask::Builder {
    let actor = failing(&Diary::default());
    let builder = EverTask::builder().storage(MemoryStorage::new());
    builder.handler_for::<Failing, _>(actor)
}

/// The decision "Bad settings": a policy that can't be used is a typed error where it is given.
#[actix::test]
async fn a_policy_that_can_not_be_used_is_refused_where_it_is_given() {
    let evertask = builder().start().await.unwrap();
    let unknown = || InvalidRetryPolicy::Unknown("mine".to_owned());
    let empty = RetryPolicy::Delays(Vec::new()).and_timeouts();
    for (policy, expected) in [(named(), unknown()), (empty, InvalidRetryPolicy::NoRetries)] {
        let refused = evertask.dispatch(Failing).retry(policy).await.unwrap_err();
        assert_eq!(refused.stored(), Stored::No);
        let DispatchError::Retry(reason) = refused else {
            panic!("{refused}");
        };
        assert_eq!(reason, expected);
    }
    evertask.shutdown().await.unwrap();
    let error = builder().retry(named()).start().await.map(drop);
    assert!(matches!(error, Err(StartError::Retry(reason)) if reason == unknown()));
    let queue = Queue::new("mail").retry(named());
    let error = builder().queue(queue).start().await.map(drop);
    let Err(StartError::Queue(QueueError::Retry { queue, source })) = error else {
        panic!("{error:?}");
    };
    assert_eq!((queue.as_str(), source), ("mail", unknown()));
}

#[actix::test]
async fn a_name_of_a_policy_is_given_once_and_is_one() {
    let policy = |_: u32, _: &Failure| None;
    let twice = builder().retry_policy("mine", policy);
    let error = twice.retry_policy("mine", policy).start().await.map(drop);
    let is_named = matches!(
        error,
        Err(StartError::Catalog(CatalogError::DuplicateRetry(ref name))) if name == "mine"
    );
    assert!(is_named, "{error:?}");
    let error = builder().retry_policy(" ", policy).start().await.map(drop);
    assert!(matches!(
        error,
        Err(StartError::Catalog(CatalogError::RetryName(_)))
    ));
}
