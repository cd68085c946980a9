//! When lines are written, and that they never decide about the outcome.

use std::sync::Arc;
use std::time::Duration;

use evertask::storage::Write;
use evertask::time::ManualClock;
use evertask::{
    LogLevel, LogOptions, RetryPolicy, Status, TailItem, TaskContext, TaskError, TaskEventKind,
};
use tokio::sync::Semaphore;

use super::speaker::{Kept, Speaker, Speech, appends, lines};
use crate::ground::{Ground, Step};
use crate::one_shot::clock::StagedClock;
use crate::stage::{event, over, soon};

on_every_ground! {
    the_first_and_last_lines_of_a_long_run_are_kept_with_a_marker_between,
    lines_are_kept_however_the_run_ends,
    lines_commit_with_the_outcome,
    a_full_batch_is_written_while_the_task_runs,
    a_line_is_written_two_seconds_after_it_was_logged,
    a_delivery_that_parks_writes_its_lines,
    refused_lines_leave_the_outcome_as_it_is,
    lines_of_the_last_hook_are_kept,
}

/// Storage scenario S16, storage edge case 91.
async fn the_first_and_last_lines_of_a_long_run_are_kept_with_a_marker_between(ground: Ground) {
    let speaker = Speaker::new(|_, _| async {
        for number in 0..50 {
            tracing::info!("{number}");
        }
        Err(TaskError::permanent("thrown"))
    });
    let kept = speaker.runs(&ground, LogOptions::new().max_lines(10)).await;
    let marker = "40 log lines truncated: at most 10 are kept";
    let expected = [
        "0", "1", "2", "3", "4", marker, "45", "46", "47", "48", "49",
    ];
    assert_eq!(kept.messages(), expected);
    assert_eq!(kept.lines[5].level, LogLevel::Warn);
    let state = kept.view.record.state;
    assert_eq!(state.status, Status::Failed);
    assert!(state.failure.unwrap().text.contains("thrown"));
}

/// Storage edge case 90: failure, panic, timeout, cancel and stop, of bodies that do as they are told
/// and of bodies that have to be aborted.
async fn lines_are_kept_however_the_run_ends(ground: Ground) {
    let ends = ["fails", "panics", "times out", "is cancelled", "is stopped"];
    let told: Vec<_> = ends.into_iter().zip(0..).collect();
    run_to_those_ends(&ground, &told, Duration::from_mins(1), &["begun", "told"]).await;
    let aborted: Vec<_> = ends.into_iter().zip(10..).skip(2).collect();
    run_to_those_ends(&ground, &aborted, Duration::from_secs(1), &["begun"]).await;
}

async fn run_to_those_ends(
    ground: &Ground,
    ends: &[(&str, u32)],
    patience: Duration,
    expected: &[&str],
) {
    let speaker = Speaker::new(|number, context: TaskContext| async move {
        tracing::info!("begun");
        match number {
            0 | 1 => {}
            2..10 => context.cancelled().await,
            _ => std::future::pending().await,
        }
        tracing::info!("told");
        assert_ne!(number, 1, "a panic that was asked for");
        Err(TaskError::other("it ends here"))
    });
    let builder = speaker.at(ground).abort_after(patience);
    let builder = builder.drain(Duration::ZERO).grace(patience);
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    let mut ids = Vec::new();
    for (end, number) in ends {
        let request = evertask.dispatch(Speech(*number)).retry(RetryPolicy::None);
        let request = match *end {
            "times out" => request.timeout(Duration::from_millis(20)),
            _ => request,
        };
        ids.push((*end, request.await.unwrap().id));
    }
    let (mut started, mut failed) = (0, 0);
    event(&mut events, |event| {
        // What the previous runtime stopped runs again.
        if ids.iter().all(|(_, id)| *id != event.id) {
            return false;
        }
        started += usize::from(event.kind == TaskEventKind::Started);
        failed += usize::from(matches!(event.kind, TaskEventKind::Failed(_)));
        started == ends.len() && failed == ends.len() - 2
    })
    .await;
    for (end, id) in &ids {
        if *end == "is cancelled" {
            soon(evertask.cancel(*id)).await.unwrap();
        }
    }
    soon(evertask.shutdown()).await.unwrap();
    drop(evertask);
    ground.unused().await;
    for (end, id) in ids {
        let lines = lines(ground, id).await;
        let messages: Vec<_> = lines.iter().map(|line| line.message.as_str()).collect();
        assert_eq!(messages, expected, "{end}");
    }
}

fn completes(step: &Step<'_>) -> bool {
    let Step::Group(group) = step else {
        return false;
    };
    group.writes.iter().any(|write| match write {
        Write::Change(change) => change.state.status == Status::Completed,
        _ => false,
    })
}

async fn lines_commit_with_the_outcome(ground: Ground) {
    let mut held = ground.hold(|step| completes(step) && appends(step));
    let speaker = Speaker::saying(|_| tracing::info!("said"));
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Speech(1)).await.unwrap().id;
    held.reached().await;
    held.go();
    over(&mut events, 1).await;
    let kept = Kept::of(&ground, evertask, id).await;
    assert_eq!(kept.messages(), ["said"]);
}

/// A speaker that says so many lines and then waits for a permit.
fn waiting(lines: u32) -> (Speaker, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&gate);
    let speaker = Speaker::new(move |_, _| {
        let gate = Arc::clone(&wait);
        async move {
            for number in 0..lines {
                tracing::info!("{number}");
            }
            gate.acquire().await?.forget();
            Ok(())
        }
    });
    (speaker, gate)
}

async fn a_full_batch_is_written_while_the_task_runs(ground: Ground) {
    let (speaker, gate) = waiting(100);
    let clock = StagedClock::new();
    let evertask = speaker.at(&ground).clock(clock).start().await.unwrap();
    let mut events = evertask.events();
    let mut held = ground.hold(appends);
    let id = evertask.dispatch(Speech(1)).await.unwrap().id;
    held.reached().await;
    let mut tail = soon(evertask.tail(id)).await.unwrap().unwrap();
    held.go();
    for number in 0..64 {
        let Some(TailItem::Line(line)) = soon(tail.next()).await else {
            panic!("a line is missing");
        };
        assert_eq!(line.sequence, number);
    }
    gate.add_permits(1);
    over(&mut events, 1).await;
    let kept = Kept::of(&ground, evertask, id).await;
    assert_eq!(kept.lines.len(), 100);
}

/// Without a line, nothing waits for the time.
async fn a_line_is_written_two_seconds_after_it_was_logged(ground: Ground) {
    let (speaker, gate) = waiting(1);
    let clock = StagedClock::new();
    let evertask = speaker
        .at(&ground)
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    let mut held = ground.hold(appends);
    let id = evertask.dispatch(Speech(1)).await.unwrap().id;
    clock.pass(Duration::from_secs(2)).await;
    held.reached().await;
    held.go();
    gate.add_permits(1);
    over(&mut events, 1).await;
    let kept = Kept::of(&ground, evertask, id).await;
    assert_eq!(kept.messages(), ["0"]);
}

/// Guarantee 5: a task that logs nothing costs no timer.
#[actix::test]
async fn without_a_line_nothing_waits_for_the_time() {
    let ground = Ground::memory();
    let (speaker, gate) = waiting(0);
    let clock = ManualClock::starting_at(evertask::time::Timestamp::UNIX_EPOCH);
    let evertask = speaker
        .at(&ground)
        .clock(clock.clone())
        .start()
        .await
        .unwrap();
    let mut events = evertask.events();
    evertask.dispatch(Speech(1)).await.unwrap();
    event(&mut events, |event| event.kind == TaskEventKind::Started).await;
    assert_eq!(clock.next_wait(), None);
    gate.add_permits(1);
    over(&mut events, 1).await;
    soon(evertask.shutdown()).await.unwrap();
}

async fn a_delivery_that_parks_writes_its_lines(ground: Ground) {
    let speaker = Speaker::new(|_, _| async {
        tracing::info!("said");
        Err(TaskError::transient("later"))
    });
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let policy = RetryPolicy::Linear {
        retries: 1,
        delay: Duration::from_hours(1),
    };
    let id = evertask.dispatch(Speech(1)).retry(policy).await.unwrap().id;
    let is_parked = |kind: &TaskEventKind| matches!(kind, TaskEventKind::AttemptFailed { .. });
    event(&mut events, |event| is_parked(&event.kind)).await;
    let kept = Kept::of(&ground, evertask, id).await;
    assert_eq!(kept.messages(), ["said"]);
    assert_eq!(kept.view.record.state.owner, None);
}

/// Storage edge case 94.
async fn refused_lines_leave_the_outcome_as_it_is(ground: Ground) {
    let refused = ground.fail(appends);
    let speaker = Speaker::new(|number, _| async move {
        for _ in 0..200 {
            tracing::info!("refused");
            tokio::task::yield_now().await;
        }
        match number {
            0 => Ok(()),
            _ => Err(TaskError::permanent("failed")),
        }
    });
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let completed = evertask.dispatch(Speech(0)).await.unwrap().id;
    let failed = evertask.dispatch(Speech(1)).await.unwrap().id;
    over(&mut events, 2).await;
    assert_eq!(
        crate::stage::status(&evertask, completed).await,
        Status::Completed
    );
    assert_eq!(
        crate::stage::status(&evertask, failed).await,
        Status::Failed
    );
    let kept = Kept::of(&ground, evertask, completed).await;
    assert!(kept.lines.is_empty());
    assert_eq!(kept.view.attempts.len(), 1);
    assert!(*refused.borrow() >= 2);
}

async fn lines_of_the_last_hook_are_kept(ground: Ground) {
    let speaker = Speaker::saying(|_| (0..9).for_each(|number| tracing::info!("{number}")));
    let options = LogOptions::new().max_lines(4);
    let kept = speaker.with_hooks().runs(&ground, options).await;
    let marker = "6 log lines truncated: at most 4 are kept";
    let expected = ["started", "0", marker, "7", "8", "completed"];
    assert_eq!(kept.messages(), expected);
}
