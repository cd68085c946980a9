//! What is stored is read back as it was, whatever it says.

use std::time::Duration;

use super::World;
use super::process::Process;
use super::sample::{HOSTILE, at, failure, id, progress, result, task, task_with};
use crate::audit::AuditLevel;
use crate::retry::{MAX_DELAY, RetryPolicy};
use crate::storage::{InsertAnswer, QueueSelector};
use crate::task::{
    MAX_RUN_COUNT, ProcessId, RowState, SeriesDefinition, Status, TaskDefinition, TaskRecord,
    TraceContext, WaitReason,
};
use crate::time::Timestamp;

async fn assert_round_trip(process: &Process<'_>, record: &TaskRecord) {
    process.store(std::slice::from_ref(record)).await;
    let read = process.record(record.definition.id).await;
    // One by one first: a difference is easier to see in half of the record.
    assert_eq!(read.definition, record.definition);
    assert_eq!(read.state, record.state);
    assert_eq!(&read, record);
}

/// A task with every field set to something that is easily mistaken.
pub(super) fn with_every_field(owner: ProcessId) -> TaskRecord {
    let micros = at(1) + Duration::from_micros(123_456);
    let definition = TaskDefinition {
        id: id(1),
        created_at: micros,
        task: format!("name {HOSTILE}"),
        payload_version: 7,
        payload: serde_json::json!({ "text": HOSTILE, "list": [1, 2.5, null] }).to_string(),
        queue: format!("queue {HOSTILE}"),
        scheduled_at: Some(micros + Duration::from_micros(1)),
        priority: -3,
        tags: vec![HOSTILE.to_owned(), String::new(), "a,b".to_owned()],
        correlation_id: Some(format!("correlation {HOSTILE}")),
        parent_id: Some(id(2)),
        series_id: Some(id(3)),
        occurrence_at: Some(micros + Duration::from_micros(2)),
        limit_key: Some(format!("limit {HOSTILE}")),
        limit_cost: 5,
        concurrency_key: Some(format!("tenant {HOSTILE}")),
        retry: Some(RetryPolicy::Linear {
            retries: 3,
            delay: Duration::from_micros(1_500_001),
        }),
        timeout: Some(Duration::from_micros(30_000_007)),
        deadline: Some(micros + Duration::from_micros(8)),
        trace: Some(TraceContext {
            parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
            state: Some(format!("vendor={HOSTILE}")),
        }),
        key: Some(format!("key {HOSTILE}")),
        key_until: Some(micros + Duration::from_micros(8)),
        audit_level: AuditLevel::ErrorsOnly,
        series: Some(SeriesDefinition {
            schedule: format!("schedule {HOSTILE}"),
            anchor: micros + Duration::from_micros(5),
            max_runs: Some(9),
            run_until: Some(micros + Duration::from_micros(6)),
            policy: Some(format!("policy {HOSTILE}")),
            registered: Some(format!("registered {HOSTILE}")),
            declared_in: Some(format!("set {HOSTILE}")),
        }),
    };
    let state = RowState {
        status: Status::InProgress,
        owner: Some(owner),
        available_at: Some(micros + Duration::from_micros(3)),
        wait_reason: Some(WaitReason::Undecodable),
        attempts: 2,
        interruptions: 4,
        on_probation: true,
        recovery_failures: 5,
        failure: Some(failure("failure")),
        error_fingerprint: Some("0123456789abcdef".to_owned()),
        last_execution_at: Some(micros + Duration::from_micros(4)),
        execution_time: Some(Duration::from_micros(1_234_567)),
        active_key: Some(format!("active key {HOSTILE}")),
        run_count: 6,
        failures_in_row: 10,
        next_run_at: Some(micros + Duration::from_micros(7)),
        start_by: Some(micros + Duration::from_micros(9)),
        retry_delay: Some(Duration::from_micros(1_500_001)),
        snoozes: 8,
        snooze_reason: Some(format!("snooze {HOSTILE}")),
        result: Some(result()),
        progress: Some(progress(micros)),
    };
    TaskRecord {
        definition,
        state,
        ..task(1)
    }
}

/// The core specification's edge case 60 asks for the special characters.
pub async fn a_task_with_every_field_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let record = with_every_field(process.id);
    assert_round_trip(&process, &record).await;
}

pub async fn what_is_absent_stays_absent(world: &dyn World) {
    let process = Process::start(world).await;
    let record = task_with(1, |state| state.available_at = None);
    assert_round_trip(&process, &record).await;
}

pub async fn what_is_empty_or_zero_is_not_absent(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task(1);
    record.definition.correlation_id = Some(String::new());
    record.definition.limit_key = Some(String::new());
    record.definition.concurrency_key = Some(String::new());
    record.definition.retry = Some(RetryPolicy::None);
    record.definition.timeout = Some(Duration::ZERO);
    record.state.retry_delay = Some(Duration::ZERO);
    record.state.snooze_reason = Some(String::new());
    record.definition.trace = Some(TraceContext {
        parent: String::new(),
        state: None,
    });
    record.state.execution_time = Some(Duration::ZERO);
    assert_round_trip(&process, &record).await;
}

pub async fn the_ends_of_every_range_are_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let last = "9999-12-31T23:59:59.999999Z".parse().unwrap();
    let mut largest = task(1);
    largest.definition.priority = i32::MAX;
    largest.definition.payload_version = u32::MAX;
    largest.definition.series = Some(SeriesDefinition {
        schedule: String::new(),
        anchor: last,
        max_runs: Some(u32::MAX),
        run_until: Some(last),
        ..SeriesDefinition::default()
    });
    largest.state.run_count = MAX_RUN_COUNT;
    largest.state.failures_in_row = u32::MAX;
    largest.state.next_run_at = Some(last);
    largest.definition.deadline = Some(last);
    largest.state.start_by = Some(last);
    largest.state.retry_delay = Some(MAX_DELAY);
    largest.state.snoozes = u32::MAX;
    largest.definition.scheduled_at = Some(last);
    largest.definition.key_until = Some(last);
    largest.definition.timeout = Some(Duration::from_hours(24 * 365 * 100));
    largest.state.attempts = u32::MAX;
    largest.state.interruptions = u32::MAX;
    largest.state.recovery_failures = u32::MAX;
    assert_round_trip(&process, &largest).await;
    let mut smallest = task(2);
    smallest.definition.priority = i32::MIN;
    smallest.definition.payload_version = 0;
    smallest.definition.scheduled_at = Some(Timestamp::UNIX_EPOCH);
    assert_round_trip(&process, &smallest).await;
}

pub async fn every_status_and_wait_reason_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let reasons = WaitReason::ALL.map(Some).into_iter().chain([None]);
    let mut number = 0;
    for reason in reasons {
        for status in Status::ALL {
            number += 1;
            let record = task_with(number, |state| {
                state.status = status;
                state.wait_reason = reason;
            });
            assert_round_trip(&process, &record).await;
        }
    }
}

pub async fn a_payload_of_a_mebibyte_is_read_back(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task(1);
    let text = HOSTILE.repeat((1 << 20) / HOSTILE.len() + 1);
    record.definition.payload = serde_json::Value::String(text).to_string();
    assert!(record.definition.payload.len() >= 1 << 20);
    assert_round_trip(&process, &record).await;
}

/// The payload is text that happens to be JSON: nobody may reorder, shorten or round it.
pub async fn a_payload_is_not_rewritten(world: &dyn World) {
    let process = Process::start(world).await;
    let mut record = task(1);
    let payload = r#"{ "b": 1.10, "a": 12345678901234567890123, "a": 2,  "c": "\u00e9" }"#;
    payload.clone_into(&mut record.definition.payload);
    assert_round_trip(&process, &record).await;
}

/// A collation that folds case, accents or trailing spaces would mix up queues.
pub async fn names_are_told_apart_exactly(world: &dyn World) {
    let process = Process::start(world).await;
    let names = ["mail", "Mail", "máil", "mail ", " mail", "ma\u{69}\u{301}l"];
    for (number, name) in (1..).zip(names) {
        let mut record = task(number);
        name.clone_into(&mut record.definition.queue);
        record.state.owner = Some(process.id);
        assert_eq!(process.insert(&record).await, InsertAnswer::Stored);
    }
    for (number, name) in (1..).zip(names) {
        let only = QueueSelector::Only(name.to_owned());
        let owned = process.owned(process.id, &only).await;
        let expected = process.record(id(number)).await.generation;
        assert_eq!(owned, [(id(number), expected)], "{name:?}");
    }
}
