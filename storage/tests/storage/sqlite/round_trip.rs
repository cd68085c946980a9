use std::time::Duration;

use evertask_core::audit::AuditLevel;
use evertask_core::retry::RetryPolicy;
use evertask_core::storage::{AuditEntry, NewTask, Write};
use evertask_core::task::{
    AttemptId, AttemptOutcome, AttemptRecord, Failure, FailureKind, Generation, Progress, RowState,
    SeriesDefinition, Status, TaskDefinition, TaskRecord, TraceContext, WaitReason,
};
use uuid::Uuid;

use super::world::World;
use crate::sample::{apply, at, change, process_id, read, store, task_id, waiting};

/// Quotes, backslashes, JSON, SQL, emoji beyond the basic plane, combining and invisible signs.
const HOSTILE: &str =
    "'\"`;--\\ {\"a\":[null]} \u{1F9E8}👩‍👩‍👧 e\u{301} \u{202E}\r\n\t\u{7F}\u{1} %s ?1 :x $1 NULL";

fn full() -> TaskRecord {
    let text = |label: &str| format!("{label} {HOSTILE}");
    TaskRecord {
        definition: TaskDefinition {
            id: task_id(u128::MAX),
            created_at: at(1_700_000_000_123_456),
            task: text("task"),
            payload_version: u32::MAX,
            payload: text("payload"),
            queue: text("queue"),
            scheduled_at: Some(at(-1)),
            priority: i32::MIN,
            tags: vec![String::new(), text("tag"), "123".to_owned()],
            correlation_id: Some(text("correlation")),
            parent_id: Some(task_id(0)),
            series_id: Some(task_id(7)),
            occurrence_at: Some(at(4_102_444_800_000_001)),
            limit_key: Some("007".to_owned()),
            limit_cost: u32::MAX,
            concurrency_key: Some("1e3".to_owned()),
            retry: Some(RetryPolicy::Linear {
                retries: 9,
                delay: Duration::new(1, 1),
            }),
            timeout: Some(Duration::ZERO),
            deadline: Some(at(-3)),
            trace: Some(TraceContext {
                parent: text("parent"),
                state: Some(String::new()),
            }),
            key: Some(text("key")),
            key_until: Some(at(8)),
            audit_level: AuditLevel::None,
            series: Some(SeriesDefinition {
                schedule: text("schedule"),
                anchor: at(-2),
                max_runs: Some(u32::MAX),
                run_until: Some(at(3)),
                ..SeriesDefinition::default()
            }),
        },
        generation: Generation(i64::MAX - 1),
        state: RowState {
            status: Status::ServiceStopped,
            owner: Some(process_id(u128::MAX)),
            available_at: Some(at(1)),
            wait_reason: Some(WaitReason::NoHandler),
            attempts: 1,
            interruptions: 2,
            on_probation: true,
            recovery_failures: 3,
            failure: Some(Failure::new(FailureKind::TimedOut, HOSTILE)),
            error_fingerprint: Some("1e5".to_owned()),
            last_execution_at: Some(at(2)),
            execution_time: Some(Duration::from_micros(u64::MAX >> 1)),
            active_key: Some(text("active key")),
            run_count: 7,
            failures_in_row: 11,
            next_run_at: Some(at(4)),
            start_by: Some(at(-4)),
            retry_delay: Some(Duration::ZERO),
            snoozes: 8,
            snooze_reason: Some(text("snooze")),
            result: Some(text("result")),
            progress: Some(Progress::new(0.5, HOSTILE, at(5))),
        },
    }
}

#[tokio::test]
async fn every_column_comes_back_as_it_was_stored() {
    let world = World::new();
    let storage = world.open(1).await;
    let definition = TaskDefinition {
        series_id: None,
        trace: None,
        ..full().definition
    };
    let empty = TaskRecord {
        definition: TaskDefinition {
            id: task_id(2),
            task: String::new(),
            ..definition
        },
        state: RowState {
            active_key: Some(String::new()),
            ..full().state
        },
        ..full()
    };
    let records = [full(), waiting(1, 5), empty];
    store(&storage, records.clone()).await;
    for record in records {
        let stored = storage.task(record.definition.id).await.unwrap().unwrap();
        assert_eq!(stored, record);
    }
    assert_eq!(storage.task(task_id(3)).await.unwrap(), None);
}

#[tokio::test]
async fn a_change_replaces_the_whole_state() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 5), waiting(2, 5)]).await;
    let set = full().state;
    let cleared = RowState {
        available_at: None,
        ..RowState::waiting(at(0))
    };
    for (expected, state) in [(0, set), (1, cleared)] {
        let mut change = change(1, expected, state.status, None);
        change.state = state.clone();
        apply(&storage, [Write::Change(Box::new(change))])
            .await
            .unwrap();
        assert_eq!(read(&storage, 1).await.state, state);
    }
    assert_eq!(read(&storage, 2).await, waiting(2, 5));
}

#[tokio::test]
async fn audit_and_attempts_come_back_oldest_first() {
    let world = World::new();
    let storage = world.open(1).await;
    let entry = |status, failure: Option<Failure>| AuditEntry {
        failure,
        actor: Some(HOSTILE.to_owned()),
        reason: Some(String::new()),
        ..AuditEntry::of(status, at(3))
    };
    let new = entry(Status::Queued, None);
    let failed = entry(
        Status::Failed,
        Some(Failure::new(FailureKind::Panicked, HOSTILE)),
    );
    let attempt = |number, started_at| AttemptRecord {
        id: AttemptId(Uuid::from_u128(u128::from(100 - number))),
        number,
        process: process_id(1),
        started_at: at(started_at),
        waited: Duration::from_micros(1),
        ran: Duration::from_micros(2),
        outcome: AttemptOutcome::ALL[number as usize],
        failure: (number > 1).then(|| Failure::new(FailureKind::Other, HOSTILE)),
        is_counted: number == 1,
    };
    let insert = Write::Insert(Box::new(NewTask {
        record: waiting(1, 0),
        audit: vec![new.clone()],
    }));
    let mut change = change(1, 0, Status::Failed, None);
    change.audit = vec![entry(Status::InProgress, None), failed.clone()];
    change.attempts = vec![attempt(1, 10), attempt(2, 20)];
    let expected = [vec![new], change.audit.clone()].concat();
    apply(&storage, [Write::Change(Box::new(change)), insert])
        .await
        .unwrap();
    assert_eq!(storage.audit(task_id(1)).await.unwrap(), expected);
    let attempts = storage.attempts(task_id(1)).await.unwrap();
    assert_eq!(attempts, [attempt(1, 10), attempt(2, 20)]);
}

#[tokio::test]
async fn what_belongs_to_a_task_goes_with_it() {
    let world = World::new();
    let storage = world.open(1).await;
    store(&storage, [waiting(1, 0)]).await;
    let change = change(1, 0, Status::Completed, None);
    apply(&storage, [Write::Change(Box::new(change))])
        .await
        .unwrap();
    world.execute("DELETE FROM evertask_tasks").await;
    assert_eq!(storage.audit(task_id(1)).await.unwrap(), []);
}
