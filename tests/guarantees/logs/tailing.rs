//! Following what a task logs.

use std::sync::Arc;
use std::time::Duration;

use evertask::{LogLine, LogOptions, LogTail, Status, TailItem, TaskId};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::speaker::{Kept, Speaker, Speech};
use crate::ground::Ground;
use crate::stage::{over, soon, status};

on_every_ground! {
    a_reader_gets_every_line_after_its_commit_until_the_task_is_over,
    a_slow_reader_is_told_what_it_missed,
    a_cancelled_task_ends_the_stream_with_its_last_line,
    a_task_that_is_over_or_unknown_has_nothing_to_follow,
    the_stream_ends_with_the_runtime,
}

/// A speaker that waits for a permit, says so many lines, and waits for another one.
fn gated(lines: u32) -> (Speaker, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let wait = Arc::clone(&gate);
    let speaker = Speaker::new(move |_, context: evertask::TaskContext| {
        let gate = Arc::clone(&wait);
        async move {
            tokio::select! {
                permit = gate.acquire() => permit?.forget(),
                () = context.cancelled() => tracing::info!("cancelled"),
            }
            for number in 0..lines {
                tracing::info!("{number}");
            }
            Ok(())
        }
    });
    (speaker.with_hooks(), gate)
}

async fn rest(mut tail: LogTail) -> Vec<TailItem> {
    let mut items = Vec::new();
    while let Some(item) = soon(tail.next()).await {
        items.push(item);
    }
    items
}

fn lines(items: &[TailItem]) -> Vec<LogLine> {
    let lines = items.iter().filter_map(|item| match item {
        TailItem::Line(line) => Some(line.clone()),
        _ => None,
    });
    lines.collect()
}

async fn a_reader_gets_every_line_after_its_commit_until_the_task_is_over(ground: Ground) {
    let (speaker, gate) = gated(150);
    let evertask = speaker.at(&ground).start().await.unwrap();
    let later = evertask.dispatch(Speech(1)).after(Duration::from_hours(1));
    let other = later.await.unwrap().id;
    let id = TaskId(Uuid::now_v7());
    let waiting = evertask.dispatch(Speech(1)).id(id);
    waiting.await.unwrap();
    let tail = soon(evertask.tail(id)).await.unwrap().unwrap();
    let second = soon(evertask.tail(id)).await.unwrap().unwrap();
    let mut elsewhere = soon(evertask.tail(other)).await.unwrap().unwrap();
    gate.add_permits(1);
    let items = rest(tail).await;
    assert_eq!(rest(second).await, items);
    let kept = Kept::of(&ground, evertask, id).await;
    // `started` may have been stored before the stream was opened.
    let heard = lines(&items);
    assert!(heard.len() >= 151, "{}", heard.len());
    assert!(kept.lines.ends_with(&heard));
    assert_eq!(heard.last().unwrap().message, "completed");
    assert_eq!(soon(elsewhere.next()).await, None);
}

async fn a_slow_reader_is_told_what_it_missed(ground: Ground) {
    let (speaker, gate) = gated(3_000);
    let builder = speaker.at(&ground).logs(LogOptions::new().unlimited());
    let evertask = builder.start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Speech(1)).await.unwrap().id;
    let tail = soon(evertask.tail(id)).await.unwrap().unwrap();
    gate.add_permits(1);
    over(&mut events, 1).await;
    let items = rest(tail).await;
    let Some(TailItem::Missed(missed)) = items.first() else {
        panic!("{:?}", items.first());
    };
    let heard = lines(&items);
    assert_eq!(heard.len(), items.len() - 1, "one gap only");
    let first = u64::from(heard[0].sequence);
    assert!((*missed..=*missed + 1).contains(&first), "{missed} {first}");
    assert_eq!(heard.last().unwrap().message, "completed");
}

async fn a_cancelled_task_ends_the_stream_with_its_last_line(ground: Ground) {
    let (speaker, _gate) = gated(1);
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let running = evertask.dispatch(Speech(1)).await.unwrap().id;
    let is_started = |event: &evertask::TaskEvent| event.kind == evertask::TaskEventKind::Started;
    crate::stage::event(&mut events, is_started).await;
    let later = evertask.dispatch(Speech(1)).after(Duration::from_hours(1));
    let waiting = later.await.unwrap().id;
    let tail = soon(evertask.tail(running)).await.unwrap().unwrap();
    let nothing = soon(evertask.tail(waiting)).await.unwrap().unwrap();
    for id in [running, waiting] {
        soon(evertask.cancel(id)).await.unwrap();
    }
    assert_eq!(rest(nothing).await, []);
    let heard = lines(&rest(tail).await);
    let messages: Vec<_> = heard.iter().map(|line| line.message.as_str()).collect();
    assert!(
        messages.ends_with(&["cancelled", "0", "error"]),
        "{messages:?}"
    );
    assert_eq!(status(&evertask, running).await, Status::Cancelled);
    soon(evertask.shutdown()).await.unwrap();
}

async fn a_task_that_is_over_or_unknown_has_nothing_to_follow(ground: Ground) {
    let (speaker, gate) = gated(1);
    gate.add_permits(1);
    let evertask = speaker.at(&ground).start().await.unwrap();
    let mut events = evertask.events();
    let id = evertask.dispatch(Speech(1)).await.unwrap().id;
    over(&mut events, 1).await;
    let unknown = soon(evertask.tail(TaskId(Uuid::now_v7()))).await.unwrap();
    assert!(unknown.is_none());
    let tail = soon(evertask.tail(id)).await.unwrap().unwrap();
    // Its last hook may still run; whatever it says is all that comes.
    assert!(lines(&rest(tail).await).len() <= 1);
    soon(evertask.shutdown()).await.unwrap();
}

async fn the_stream_ends_with_the_runtime(ground: Ground) {
    let (speaker, _gate) = gated(1);
    let evertask = speaker.at(&ground).start().await.unwrap();
    let later = evertask.dispatch(Speech(1)).after(Duration::from_hours(1));
    let id = later.await.unwrap().id;
    let tail = soon(evertask.tail(id)).await.unwrap().unwrap();
    soon(evertask.shutdown()).await.unwrap();
    assert_eq!(rest(tail).await, []);
}
