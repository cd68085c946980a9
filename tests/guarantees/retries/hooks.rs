//! `on_retry`: core 1.3, across a park, a restart and a crash.

use std::time::Duration;

use evertask::{AuditLevel, RetryPolicy, TaskError, TaskOptions};

use super::{Actor, bodies_until_over, kind, parks};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;

on_every_storage! {
    a_retry_that_another_process_resumes_is_announced_with_what_was_stored,
    a_retry_is_announced_with_its_failure_whatever_the_audit_keeps,
    a_retry_that_a_crash_interrupted_is_announced_again,
}

const MINUTE: Duration = Duration::from_mins(1);
const HALF: Duration = Duration::from_millis(500);

kind!(Failing, TaskOptions::new());

fn failing(diary: &Diary) -> Actor {
    Actor::new(diary, |context| async move {
        Err(TaskError::other(format!("reason {}", context.attempt())))
    })
}

/// The decision "A retry that parks", and core 1.3: after the delay, immediately before the retry. The
/// delay is the one that was drawn, which no policy could tell a second time.
async fn a_retry_that_another_process_resumes_is_announced_with_what_was_stored(home: Home) {
    resumes(home, AuditLevel::Full).await;
}

async fn a_retry_is_announced_with_its_failure_whatever_the_audit_keeps(home: Home) {
    resumes(home, AuditLevel::None).await;
}

async fn resumes(home: Home, level: AuditLevel) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let start = async || {
        let builder = failing(&diary).at::<Failing>(&home).clock(clock.clone());
        let once = |failed: u32, _: &evertask::Failure| (failed < 2).then_some(MINUTE);
        builder.retry_policy("once", once).start().await.unwrap()
    };
    let evertask = start().await;
    let once = RetryPolicy::Custom("once".to_owned());
    let request = evertask.dispatch(Failing).retry(once).audit(level);
    request.await.unwrap();
    home.commits(1, parks).await;
    home.crash(evertask).await;
    let before = diary.entries();
    assert_eq!(before, ["started", "handle 1"]);
    let evertask = start().await;
    clock.advance(MINUTE);
    assert_eq!(bodies_until_over(&diary).await, 2);
    home.shut_down(evertask).await;
    let after = [
        "retry 1 after 60s: other: reason 1",
        "handle 2",
        "error: other: reason 2",
    ];
    assert_eq!(diary.entries()[2..], after);
}

/// A crash during a retry has the retry run again, so it is announced again; the delivery is a new
/// one, which starts.
async fn a_retry_that_a_crash_interrupted_is_announced_again(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let pages = diary.clone();
    let actor = Actor::new(&diary, move |context| {
        let entered = pages.count("handle");
        async move {
            match entered {
                1 => Err(TaskError::other("reason 1")),
                2 => {
                    context.cancelled().await;
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    });
    let start = async || {
        let builder = actor.at::<Failing>(&home).clock(clock.clone());
        builder.start().await.unwrap()
    };
    let evertask = start().await;
    evertask.dispatch(Failing).await.unwrap();
    clock.pass(HALF).await;
    diary.says("handle 2").await;
    home.commits(1, |write, _| {
        matches!(write, evertask::storage::Write::Change(change) if change.state.attempts == 1)
    })
    .await;
    home.crash(evertask).await;
    let evertask = start().await;
    diary.says("completed").await;
    home.shut_down(evertask).await;
    let announced = "retry 1 after 500ms: other: reason 1";
    let order = [
        "started",
        "handle 1",
        announced,
        "handle 2",
        "started",
        announced,
        "handle 2",
        "completed",
    ];
    assert_eq!(diary.entries(), order);
}
