//! What a handler may ask for: a retry after a delay of its own, or to be called again later.

use std::time::Duration;

use evertask::storage::{Answer, Write};
use evertask::time::Clock;
use evertask::{
    AttemptOutcome, FailureKind, RetryPolicy, Status, TaskError, TaskEventKind, TaskOptions,
    transient_network,
};

use super::{Actor, BLINK, assert_lists, bodies_until_over, kind, parks};
use crate::one_shot::clock::StagedClock;
use crate::one_shot::home::Home;
use crate::one_shot::player::Diary;
use crate::stage::event;

on_every_storage_and_server! {
    a_snoozed_task_goes_on_later_as_if_nothing_had_been,
    a_handler_says_when_to_try_again_and_the_policy_how_often,
    a_snooze_survives_a_restart_with_its_reason,
    a_snooze_between_two_attempts_costs_neither_of_them,
    a_task_that_snoozes_too_often_has_failed,
    a_shutdown_that_a_handler_answers_with_a_snooze_lets_it_sleep,
}

const MINUTE: Duration = Duration::from_mins(1);

kind!(
    Choosy,
    TaskOptions::new()
        .retry(RetryPolicy::Delays(vec![BLINK, BLINK]))
        .retry_only(transient_network())
);

/// Picks the writes of a snooze.
fn snoozes(write: &Write, _: &Answer) -> bool {
    matches!(write, Write::Change(change)
        if change.state.snooze_reason.is_some() && !change.attempts.is_empty())
}

/// Snoozes in the first `times` bodies.
fn sleepy(diary: &Diary, times: usize) -> Actor {
    let pages = diary.clone();
    Actor::new(diary, move |_| {
        let entered = pages.count("handle");
        async move {
            if entered <= times {
                return Err(TaskError::snooze(MINUTE, format!("reason {entered}")));
            }
            Ok(())
        }
    })
}

/// Issue 4, build 4: the delay is the handler's, filters are not asked, the attempts count.
async fn a_handler_says_when_to_try_again_and_the_policy_how_often(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let actor = Actor::new(&diary, |_| async {
        Err(TaskError::retry_after(MINUTE, "the server is busy"))
    });
    let builder = actor.at::<Choosy>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let id = evertask.dispatch(Choosy).await.unwrap().id;
    for attempt in 1..=2 {
        home.commits(attempt, parks).await;
        clock.advance(MINUTE);
    }
    assert_eq!(bodies_until_over(&diary).await, 3);
    diary
        .says("retry 2 after 60s: transient: the server is busy")
        .await;
    home.shut_down(evertask).await;
    assert_lists(&home, id, 3).await;
}

/// Issue 4, build 4: no attempt is counted, nothing has failed, no hook but the first is called, and
/// the slot is free meanwhile.
async fn a_snoozed_task_goes_on_later_as_if_nothing_had_been(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let builder = sleepy(&diary, 2).at::<Choosy>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Choosy).await.unwrap().id;
    for time in 1..=2 {
        let snoozed = event(&mut events, |event| {
            matches!(event.kind, TaskEventKind::Snoozed { .. })
        })
        .await;
        let reason = format!("reason {time}");
        let until = clock.now() + MINUTE;
        let kind = TaskEventKind::Snoozed {
            until,
            reason: reason.clone(),
        };
        assert_eq!(snoozed.kind, kind);
        let state = home.row(id).await.state;
        assert_eq!(state.status, Status::InProgress);
        assert_eq!((state.owner, state.failure), (None, None));
        assert_eq!((state.attempts, state.snoozes), (0, time));
        assert_eq!(state.snooze_reason, Some(reason));
        assert_eq!(state.available_at, Some(until));
        clock.advance(MINUTE);
    }
    diary.says("completed").await;
    home.shut_down(evertask).await;
    assert_eq!(
        diary.entries(),
        ["started", "handle 1", "handle 1", "handle 1", "completed"]
    );
    let state = home.row(id).await.state;
    assert_eq!((state.snoozes, state.snooze_reason), (0, None));
    let attempts = home.attempts(id).await;
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.outcome, attempt.is_counted))
        .collect();
    let snoozed = (1, AttemptOutcome::Snoozed, false);
    assert_eq!(
        outcomes,
        [snoozed, snoozed, (1, AttemptOutcome::Succeeded, true)]
    );
    assert!(attempts.iter().all(|attempt| attempt.failure.is_none()));
    let statuses = home.audited(id).await;
    assert_eq!(
        statuses,
        [Status::Queued, Status::InProgress, Status::Completed]
    );
}

async fn a_snooze_survives_a_restart_with_its_reason(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let actor = sleepy(&diary, 1);
    let start = async || {
        let builder = actor.at::<Choosy>(&home).clock(clock.clone());
        builder.start().await.unwrap()
    };
    let evertask = start().await;
    let id = evertask.dispatch(Choosy).await.unwrap().id;
    home.commits(1, snoozes).await;
    home.crash(evertask).await;
    clock.advance(MINUTE / 2);
    let evertask = start().await;
    let reason = home.row(id).await.state.snooze_reason;
    assert_eq!(reason.as_deref(), Some("reason 1"));
    clock.advance(MINUTE / 2);
    diary.says("completed").await;
    home.shut_down(evertask).await;
    assert_eq!(diary.count("started"), 1);
    assert_eq!(home.row(id).await.state.attempts, 0);
}

/// A snooze in a retry is no retry of its own: the count and the failures go on where they were.
async fn a_snooze_between_two_attempts_costs_neither_of_them(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let pages = diary.clone();
    let actor = Actor::new(&diary, move |_| {
        let entered = pages.count("handle");
        async move {
            match entered {
                2 => Err(TaskError::snooze(MINUTE, "not now")),
                _ => Err(TaskError::other(format!("reason {entered}"))),
            }
        }
    });
    let builder = actor.at::<Awake>(&home).clock(clock.clone());
    let evertask = builder.start().await.unwrap();
    let policy = RetryPolicy::Delays(vec![BLINK, MINUTE]);
    let id = evertask.dispatch(Awake).retry(policy).await.unwrap().id;
    clock.pass(BLINK).await;
    home.commits(1, snoozes).await;
    clock.advance(MINUTE);
    home.commits(1, parks).await;
    clock.advance(MINUTE);
    assert_eq!(bodies_until_over(&diary).await, 4);
    home.shut_down(evertask).await;
    let order = [
        "started",
        "handle 1",
        "retry 1 after 1ms: other: reason 1",
        "handle 2",
        "handle 2",
        "retry 2 after 60s: other: reason 3",
        "handle 3",
        "error: other: reason 4",
    ];
    assert_eq!(diary.entries(), order);
    assert_lists(&home, id, 3).await;
}

/// Issue 4, build 4: a snooze is bounded, and what is beyond is retried like any failure.
async fn a_task_that_snoozes_too_often_has_failed(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let actor = Actor::new(&diary, |_| async {
        Err(TaskError::snooze(Duration::ZERO, "never"))
    });
    let builder = actor.at::<Awake>(&home).clock(clock.clone());
    let evertask = builder.max_snoozes(2).start().await.unwrap();
    let policy = RetryPolicy::Delays(vec![BLINK]);
    let id = evertask.dispatch(Awake).retry(policy).await.unwrap().id;
    clock.pass(BLINK).await;
    assert_eq!(bodies_until_over(&diary).await, 6);
    home.shut_down(evertask).await;
    assert_lists(&home, id, 2).await;
    let failure = home.row(id).await.state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Transient);
    let reason = "snoozed more than 2 times in a row, at last: never";
    assert_eq!(failure.text.matches(reason).count(), 2, "{failure}");
    assert_eq!(diary.count("retry 1"), 1);
}

kind!(Awake, TaskOptions::new());

/// A handler that is told to stop may say itself when it wants to go on.
async fn a_shutdown_that_a_handler_answers_with_a_snooze_lets_it_sleep(home: Home) {
    let diary = Diary::default();
    let clock = StagedClock::new();
    let actor = Actor::new(&diary, |context| async move {
        context.cancelled().await;
        Err(TaskError::snooze(MINUTE, "in the middle of something"))
    });
    let builder = actor.at::<Awake>(&home).clock(clock.clone());
    let evertask = builder.drain(Duration::ZERO).start().await.unwrap();
    let id = evertask.dispatch(Awake).await.unwrap().id;
    diary.says("handle 1").await;
    home.shut_down(evertask).await;
    let state = home.row(id).await.state;
    assert_eq!(state.status, Status::InProgress);
    assert_eq!(state.available_at, Some(clock.now() + MINUTE));
    assert_eq!(diary.count("error"), 0);
}
