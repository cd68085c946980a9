//! Whether an attempt that ran out of time is followed by another one.

use std::time::Duration;

use evertask::{ErrorClass, FailureKind, RetryPolicy, Status, TaskError, TaskOptions};

use super::{Actor, BLINK, assert_lists, bodies_until_over, kind};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

on_every_storage! {
    a_timeout_is_not_retried_even_if_a_filter_names_it,
    a_timeout_is_retried_if_the_policy_says_so,
}

const LIMIT: Duration = Duration::from_millis(300);

fn limited() -> TaskOptions {
    TaskOptions::new().timeout(LIMIT)
}

kind!(Limited, limited());
kind!(
    Named,
    limited()
        .retry_if(|_| true)
        .retry_only(ErrorClass::new("everything", |_| true))
);

fn patient(diary: &Diary) -> Actor {
    Actor::new(diary, |context| async move {
        context.cancelled().await;
        Err(TaskError::transient("told to stop"))
    })
}

fn twice() -> RetryPolicy {
    RetryPolicy::Delays(vec![BLINK, BLINK])
}

/// Core 5.3 and core edge case 121.
async fn a_timeout_is_not_retried_even_if_a_filter_names_it(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = patient(&diary).at::<Named>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let policy = twice().only([FailureKind::TimedOut, FailureKind::Transient]);
    let id = evertask.dispatch(Named).retry(policy).await.unwrap().id;
    clock.pass(LIMIT).await;
    assert_eq!(bodies_until_over(&diary).await, 1);
    home.shut_down(evertask).await;
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::TimedOut);
}

/// Core 5.3, the opting in; core edge case 135: each attempt has its time.
async fn a_timeout_is_retried_if_the_policy_says_so(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = patient(&diary).at::<Limited>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let policy = twice().and_timeouts();
    let id = evertask.dispatch(Limited).retry(policy).await.unwrap().id;
    for _ in 0..2 {
        clock.pass(LIMIT).await;
        clock.pass(BLINK).await;
    }
    clock.pass(LIMIT).await;
    assert_eq!(bodies_until_over(&diary).await, 3);
    home.shut_down(evertask).await;
    assert_eq!(home.status(id).await, Status::Failed);
    assert_lists(&home, id, 3).await;
    let attempts = home.attempts(id).await;
    let ran: Vec<_> = attempts.iter().map(|attempt| attempt.ran).collect();
    assert_eq!(ran, [LIMIT; 3]);
}
