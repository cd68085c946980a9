//! What a dispatch says is what its row says (issue 4, build 9).

use std::time::Duration;

use evertask::time::Clock;
use evertask::{
    AuditLevel, Exponential, Jitter, Queue, RetryPolicy, Task, TaskContext, TaskHandler,
    TaskOptions, TaskResult, TraceContext,
};
use serde::{Deserialize, Serialize};

use super::clock::StagedClock;
use super::home::Home;
use super::player::{Diary, Player};
use super::row::id_of;
use crate::stage::Numbered;

on_every_storage_and_server! {
    all_that_a_dispatch_says_is_on_its_row,
    what_a_dispatch_does_not_say_is_said_by_its_type_and_its_queue,
}

const HOUR: Duration = Duration::from_hours(1);

async fn all_that_a_dispatch_says_is_on_its_row(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let builder = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = builder.queue(Queue::new("größer")).start().await.unwrap();
    let retry = Exponential::new(7, Duration::from_millis(3)).jitter(Jitter::Full);
    let retry = RetryPolicy::Exponential(retry).and_timeouts();
    let trace = TraceContext {
        parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        state: Some("vendor=1".to_owned()),
    };
    let now = clock.now();
    let dispatch = evertask
        .dispatch(Numbered(7))
        .id(id_of(7))
        .key("a key")
        .key_for(HOUR * 3)
        .concurrency_key("customer 7")
        .after(HOUR)
        .start_within(HOUR)
        .queue("größer")
        .priority(-3)
        .retry(retry.clone())
        .timeout(Duration::from_micros(7))
        .tag("a")
        .tag("日本")
        .correlation_id("order 7")
        .audit(AuditLevel::ErrorsOnly)
        .trace(trace.clone());
    let id = dispatch.await.unwrap().id;
    assert_eq!(id, id_of(7));
    let series = evertask.dispatch(Numbered(8)).id(id_of(8)).every(HOUR);
    let series = series.max_runs(9).run_until(now + HOUR * 99).after(HOUR);
    series.await.unwrap();
    home.shut_down(evertask).await;

    let row = home.row(id).await;
    let definition = row.definition;
    assert_eq!(definition.task, Numbered::NAME);
    assert_eq!(
        (definition.payload.as_str(), definition.payload_version),
        ("7", 1)
    );
    assert_eq!(definition.created_at, now);
    assert_eq!(definition.scheduled_at, Some(now + HOUR));
    assert_eq!(row.state.available_at, Some(now + HOUR));
    assert_eq!(definition.deadline, Some(now + HOUR * 2));
    assert_eq!(row.state.start_by, Some(now + HOUR * 2));
    assert_eq!(definition.queue, "größer");
    assert_eq!(definition.priority, -3);
    assert_eq!(definition.retry, Some(retry));
    assert_eq!(definition.timeout, Some(Duration::from_micros(7)));
    assert_eq!(definition.tags, ["a", "日本"]);
    assert_eq!(definition.correlation_id.as_deref(), Some("order 7"));
    assert_eq!(definition.audit_level, AuditLevel::ErrorsOnly);
    assert_eq!(definition.trace, Some(trace));
    assert_eq!(definition.key.as_deref(), Some("a key"));
    assert_eq!(row.state.active_key.as_deref(), Some("a key"));
    assert_eq!(definition.key_until, Some(now + HOUR * 3));
    assert_eq!(definition.concurrency_key.as_deref(), Some("customer 7"));
    assert_eq!((definition.parent_id, definition.series), (None, None));

    let series = home.row(id_of(8)).await.definition.series.unwrap();
    assert_eq!((series.anchor, series.max_runs), (now + HOUR, Some(9)));
    assert_eq!(series.run_until, Some(now + HOUR * 99));
}

/// A task whose type says much.
#[derive(Deserialize, Serialize)]
struct Wordy;

impl Task for Wordy {
    const NAME: &'static str = "test.wordy";
    const VERSION: u32 = 3;

    fn options() -> TaskOptions {
        TaskOptions::new()
            .queue("mail")
            .priority(4)
            .audit(AuditLevel::Minimal)
            .start_within(HOUR)
    }

    fn key(&self) -> Option<String> {
        Some("wordy".to_owned())
    }

    fn concurrency_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

struct Idle;

impl TaskHandler<Wordy> for Idle {
    async fn handle(&self, _: &Wordy, _: &TaskContext) -> TaskResult {
        Ok(())
    }
}

async fn what_a_dispatch_does_not_say_is_said_by_its_type_and_its_queue(home: Home) {
    let (diary, clock) = (Diary::default(), StagedClock::new());
    let queue = Queue::new("mail").timeout(Duration::from_secs(7));
    let builder = Player::idle(&diary).at(&home).clock(clock.clone());
    let evertask = builder.queue(queue).handler(Idle).start().await.unwrap();
    let id = evertask.dispatch(Wordy).after(HOUR).await.unwrap().id;
    let other = evertask.dispatch(Wordy).key("other").queue("default");
    let other = other
        .after(HOUR)
        .priority(0)
        .no_deadline()
        .await
        .unwrap()
        .id;
    home.shut_down(evertask).await;
    let definition = home.row(id).await.definition;
    let now = definition.created_at;
    assert_eq!(
        (definition.queue.as_str(), definition.priority),
        ("mail", 4)
    );
    assert_eq!(definition.payload_version, 3);
    assert_eq!(definition.audit_level, AuditLevel::Minimal);
    assert_eq!(definition.deadline, Some(now + HOUR * 2));
    assert_eq!(definition.key.as_deref(), Some("wordy"));
    assert_eq!(definition.concurrency_key.as_deref(), Some("all"));
    // What the queue says is asked when the task runs, and may be another then.
    assert_eq!((definition.timeout, definition.retry), (None, None));
    let definition = home.row(other).await.definition;
    assert_eq!(
        (definition.queue.as_str(), definition.priority),
        ("default", 0)
    );
    assert_eq!(definition.deadline, None);
    assert_eq!(definition.key.as_deref(), Some("other"));
}
