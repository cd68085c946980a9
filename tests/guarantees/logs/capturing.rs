//! What is captured: everything in the span of the delivery, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use evertask::time::{ManualClock, Timestamp};
use evertask::{
    BlockingHandler, LogLevel, LogOptions, RetryPolicy, Status, Task, TaskContext, TaskError,
    TaskEventKind, TaskOptions, TaskResult,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use super::speaker::{Kept, Speaker, Speech};
use crate::ground::Ground;
use crate::stage::{event, over};

on_every_ground! {
    a_handler_and_its_hooks_are_heard_in_order,
    what_the_handler_starts_is_heard_if_it_is_in_the_span,
    a_blocking_handler_is_heard,
    retries_in_the_slot_share_one_numbering_and_say_their_attempt,
    a_delivery_after_a_parked_one_numbers_anew,
    a_line_has_its_level_target_fields_and_causes,
    a_line_that_is_logged_directly_is_kept_once_and_printed,
}

async fn a_handler_and_its_hooks_are_heard_in_order(ground: Ground) {
    let speaker = Speaker::saying(|_| tracing::info!("handled")).with_hooks();
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["started", "handled", "completed"]);
    assert!(
        kept.lines
            .iter()
            .all(|line| line.run == 1 && line.attempt == 1)
    );
    let speaker = Speaker::new(|_, _| async { Err(TaskError::permanent("no")) }).with_hooks();
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.messages(), ["started", "error"]);
}

async fn what_the_handler_starts_is_heard_if_it_is_in_the_span(ground: Ground) {
    let speaker = Speaker::new(|_, context: TaskContext| async move {
        let inner = tracing::info_span!("inner");
        inner.in_scope(|| tracing::info!("nested"));
        let spawned = async { tracing::info!("spawned") };
        tokio::spawn(spawned.in_current_span()).await?;
        tokio::spawn(async { tracing::info!("spawned elsewhere") }).await?;
        let span = context.span();
        let thread = std::thread::spawn(move || span.in_scope(|| tracing::info!("thread")));
        thread.join().map_err(|_| TaskError::other("the thread"))?;
        let blocking = tokio::task::spawn_blocking(|| tracing::info!("thread elsewhere"));
        blocking.await?;
        Ok(())
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    assert_eq!(kept.view.record.state.status, Status::Completed);
    assert_eq!(kept.messages(), ["nested", "spawned", "thread"]);
}

#[derive(Serialize, Deserialize)]
struct Blocking;

impl Task for Blocking {
    const NAME: &'static str = "test.blocking";

    fn options() -> TaskOptions {
        TaskOptions::new().logs(LogOptions::new().minimum_level(LogLevel::Trace))
    }
}

struct Blocker;

impl BlockingHandler<Blocking> for Blocker {
    fn handle(&self, _: &Blocking, context: &TaskContext) -> TaskResult {
        tracing::trace!("blocking");
        context.block_on(async { tracing::debug!("awaiting") });
        Ok(())
    }
}

/// A kind of task has options of its own, here instead of none.
async fn a_blocking_handler_is_heard(ground: Ground) {
    let speaker = Speaker::saying(|_| tracing::info!("off"));
    let builder = speaker.at(&ground).logs(LogOptions::off());
    let evertask = builder.blocking_handler(Blocker).start().await.unwrap();
    let mut events = evertask.events();
    let silent = evertask.dispatch(Speech(1)).await.unwrap().id;
    let id = evertask.dispatch(Blocking).await.unwrap().id;
    over(&mut events, 2).await;
    let kept = Kept::of(&ground, evertask, id).await;
    assert_eq!(kept.messages(), ["blocking", "awaiting"]);
    assert!(super::speaker::lines(&ground, silent).await.is_empty());
}

async fn attempts(ground: &Ground, delay: Duration, clock: Option<ManualClock>) -> Kept {
    let speaker = Speaker::new(|_, context: TaskContext| async move {
        for number in 0..3 {
            tracing::info!("{}.{number}", context.attempt());
        }
        Err(TaskError::transient("again"))
    });
    let builder = speaker.at(ground);
    let builder = match &clock {
        Some(clock) => builder.clock(clock.clone()),
        None => builder,
    };
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    let policy = RetryPolicy::Linear { retries: 3, delay };
    let id = evertask.dispatch(Speech(1)).retry(policy).await.unwrap().id;
    let failed = |kind: &TaskEventKind| matches!(kind, TaskEventKind::AttemptFailed { .. });
    for _ in 0..3 {
        event(&mut events, |event| failed(&event.kind)).await;
        if let Some(clock) = &clock {
            clock.advance(delay);
        }
    }
    over(&mut events, 1).await;
    Kept::of(ground, evertask, id).await
}

fn expected_of_four_attempts() -> Vec<(u32, String)> {
    let attempts = (1..=4).flat_map(|attempt| (0..3).map(move |number| (attempt, number)));
    let line = |(attempt, number)| (attempt, format!("{attempt}.{number}"));
    attempts.map(line).collect()
}

fn attempts_and_messages(kept: &Kept) -> Vec<(u32, String)> {
    let lines = kept.lines.iter();
    lines
        .map(|line| (line.attempt, line.message.clone()))
        .collect()
}

/// Storage edge case 95: three lines in four attempts are twelve lines of one delivery.
async fn retries_in_the_slot_share_one_numbering_and_say_their_attempt(ground: Ground) {
    let kept = attempts(&ground, Duration::from_millis(1), None).await;
    assert_eq!(attempts_and_messages(&kept), expected_of_four_attempts());
    let sequences: Vec<_> = kept.lines.iter().map(|line| line.sequence).collect();
    assert_eq!(sequences, (0..12).collect::<Vec<_>>());
    let first = kept.lines[0].delivery;
    assert!(kept.lines.iter().all(|line| line.delivery == first));
}

/// Storage edge case 95, for a task that leaves its slot between its attempts.
async fn a_delivery_after_a_parked_one_numbers_anew(ground: Ground) {
    let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
    let kept = attempts(&ground, Duration::from_secs(1), Some(clock)).await;
    assert_eq!(attempts_and_messages(&kept), expected_of_four_attempts());
    let sequences: Vec<_> = kept.lines.iter().map(|line| line.sequence).collect();
    assert_eq!(sequences, [0, 1, 2].repeat(4));
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl std::fmt::Display for Outer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the number is bad")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// C33: the text of an error is kept with what caused it.
async fn a_line_has_its_level_target_fields_and_causes(ground: Ground) {
    let speaker = Speaker::saying(|_| {
        let error = Outer("x".parse::<i32>().unwrap_err());
        let error = &error as &dyn std::error::Error;
        tracing::error!(
            error,
            count = 3,
            ratio = 0.5,
            ok = true,
            who = "Ada",
            "failed"
        );
        tracing::warn!(nan = f64::NAN, big = u128::MAX, list = ?[1, 2], "numbers");
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    let [failed, numbers] = &kept.lines[..] else {
        panic!("{:?}", kept.messages());
    };
    assert_eq!(
        (failed.level, numbers.level),
        (LogLevel::Error, LogLevel::Warn)
    );
    assert_eq!(failed.target, module_path!());
    let fields = |text: &Option<String>| {
        serde_json::from_str::<serde_json::Value>(text.as_deref().unwrap()).unwrap()
    };
    let expected = serde_json::json!({
        "error": "the number is bad: invalid digit found in string",
        "count": 3, "ratio": 0.5, "ok": true, "who": "Ada",
    });
    assert_eq!(fields(&failed.fields), expected);
    let expected = serde_json::json!({
        "nan": "NaN", "big": u128::MAX.to_string(), "list": "[1, 2]",
    });
    assert_eq!(fields(&numbers.fields), expected);
}

async fn a_line_that_is_logged_directly_is_kept_once_and_printed(ground: Ground) {
    let contexts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&contexts);
    let speaker = Speaker::saying(move |context| {
        let marked = format!("directly said by {}", context.id());
        context.log(LogLevel::Error, &marked);
        context.log(LogLevel::Debug, "too quiet");
        seen.lock().push((context, marked));
    });
    let kept = speaker.runs(&ground, LogOptions::new()).await;
    let (context, marked) = contexts.lock().remove(0);
    assert_eq!(kept.messages(), [marked.as_str()]);
    assert_eq!(kept.lines[0].target, Speech::NAME);
    assert!(crate::subscriber::has_printed(&marked));
    // The delivery is over: what is left of it is heard no more.
    context.log(LogLevel::Error, "too late");
    let lines = super::speaker::lines(&ground, context.id()).await;
    assert_eq!(lines.len(), 1);
}
