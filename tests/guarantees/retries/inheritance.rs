//! Whose policy and whose timeout count: core 5.1 and core edge case 124.

use std::time::Duration;

use evertask::{FailureKind, Queue, RetryPolicy, Task, TaskError, TaskOptions};

use super::{Actor, BLINK, bodies_until_over, kind};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

on_every_storage! {
    the_nearest_level_that_says_something_counts,
    none_is_said_at_every_level,
    a_timeout_is_inherited_like_a_policy,
}

/// What each level says, and how many attempts that makes.
const OF_RUNTIME: usize = 2;
const OF_QUEUE: usize = 3;
const OF_KIND: usize = 4;
const OF_DISPATCH: usize = 5;

fn attempts(count: usize) -> RetryPolicy {
    RetryPolicy::Delays(vec![BLINK; count - 1])
}

kind!(Silent, TaskOptions::new());
kind!(Speaking, TaskOptions::new().retry(attempts(OF_KIND)));
kind!(Hopeless, TaskOptions::new().retry(RetryPolicy::None));

async fn bodies<T: Task>(
    home: &Home,
    task: T,
    queue: Option<RetryPolicy>,
    own: Option<RetryPolicy>,
) -> usize {
    let diary = Diary::default();
    let actor = Actor::new(&diary, |_| async { Err(TaskError::other("again")) });
    let mut mail = Queue::new("mail");
    if let Some(policy) = queue {
        mail = mail.retry(policy);
    }
    let builder = actor.at::<T>(home).queue(mail).retry(attempts(OF_RUNTIME));
    let evertask = builder.start().await.unwrap();
    let mut request = evertask.dispatch(task).queue("mail");
    if let Some(policy) = own {
        request = request.retry(policy);
    }
    request.await.unwrap();
    let bodies = bodies_until_over(&diary).await;
    home.shut_down(evertask).await;
    bodies
}

/// Core edge case 124; the runtime's is the last.
async fn the_nearest_level_that_says_something_counts(home: Home) {
    let (queue, own) = (|| Some(attempts(OF_QUEUE)), || Some(attempts(OF_DISPATCH)));
    assert_eq!(bodies(&home, Silent, None, None).await, OF_RUNTIME);
    assert_eq!(bodies(&home, Silent, queue(), None).await, OF_QUEUE);
    assert_eq!(bodies(&home, Speaking, queue(), None).await, OF_KIND);
    assert_eq!(bodies(&home, Speaking, queue(), own()).await, OF_DISPATCH);
}

/// Core 5.1: to inherit is one thing, none is another.
async fn none_is_said_at_every_level(home: Home) {
    let none = || Some(RetryPolicy::None);
    let queue = || Some(attempts(OF_QUEUE));
    assert_eq!(bodies(&home, Silent, none(), None).await, 1);
    assert_eq!(bodies(&home, Hopeless, queue(), None).await, 1);
    assert_eq!(bodies(&home, Speaking, queue(), none()).await, 1);
}

/// Core 5.1, for the level behind the queue, and the queue that wants none.
async fn a_timeout_is_inherited_like_a_policy(home: Home) {
    let limit = Duration::from_millis(300);
    for (queue, times_out) in [(None, true), (Some(Duration::ZERO), false)] {
        let diary = Diary::default();
        let clock = StagedClock::new();
        let (release, held) = tokio::sync::watch::channel(false);
        let actor = Actor::new(&diary, move |context| {
            let mut held = held.clone();
            async move {
                tokio::select! {
                    () = context.cancelled() => {}
                    _ = held.wait_for(|released| *released) => {}
                }
                Ok(())
            }
        });
        let mut mail = Queue::new("mail");
        if let Some(timeout) = queue {
            mail = mail.timeout(timeout);
        }
        let builder = actor.at::<Silent>(&home).queue(mail).timeout(limit);
        let evertask = builder.clock(clock.clone()).start().await.unwrap();
        let id = evertask.dispatch(Silent).queue("mail").await.unwrap().id;
        diary.says("handle 1").await;
        if times_out {
            clock.pass(limit).await;
        } else {
            clock.advance(limit);
            release.send_replace(true);
        }
        bodies_until_over(&diary).await;
        home.shut_down(evertask).await;
        let failure = home.row(id).await.state.failure;
        let kind = failure.map(|failure| failure.kind);
        assert_eq!(kind, times_out.then_some(FailureKind::TimedOut));
    }
}
