use std::time::Duration;

use uuid::Uuid;

use crate::schedule::Schedule;
use crate::storage::{ClaimAnswer, ClaimTasks, NewTask, QueueSelector, Write};
use crate::task::{
    AttemptId, AttemptOutcome, AttemptRecord, Failure, FailureKind, Generation, ProcessId,
    Progress, RowState, SeriesDefinition, TaskDefinition, TaskId, TaskRecord,
};
use crate::time::Timestamp;

/// Text in which a careless statement, encoding or collation would show.
pub(super) const HOSTILE: &str =
    "Caffè 日本語 🚀 'single' \"double\" `back` {\"a\":[1,2]} \\ %_ ?1 $1 :name -- ; \t\n end ";

/// The delay before a retry.
pub(super) const SOON: Duration = Duration::from_micros(1_500_001);

/// An instant, counted from the beginning of the case.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// Ids sort like their numbers.
pub(super) fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

pub(super) fn actor() -> String {
    "Zoë <zoe@example.org>".to_owned()
}

/// A task that waits, due at the beginning of the case.
pub(super) fn task(number: u128) -> TaskRecord {
    TaskRecord {
        definition: TaskDefinition::new(id(number), "mail.welcome", "{}", at(0)),
        generation: Generation(0),
        state: RowState::waiting(at(0)),
    }
}

pub(super) fn task_due(number: u128, available_at: Timestamp) -> TaskRecord {
    TaskRecord {
        state: RowState::waiting(available_at),
        ..task(number)
    }
}

pub(super) fn task_in(number: u128, queue: &str) -> TaskRecord {
    let mut record = task(number);
    queue.clone_into(&mut record.definition.queue);
    record
}

pub(super) fn task_named(number: u128, name: &str) -> TaskRecord {
    let mut record = task(number);
    name.clone_into(&mut record.definition.task);
    record
}

pub(super) fn task_of_series(number: u128, series: u128, occurrence: Timestamp) -> TaskRecord {
    let mut record = task(number);
    record.definition.series_id = Some(id(series));
    record.definition.occurrence_at = Some(occurrence);
    record
}

/// A task in a state that a case needs without the way there.
pub(super) fn task_with(number: u128, edit: impl FnOnce(&mut RowState)) -> TaskRecord {
    let mut record = task(number);
    edit(&mut record.state);
    record
}

/// The insert of a task, audited as the runtime does it.
pub(super) fn new_task(record: &TaskRecord) -> Write {
    Write::Insert(Box::new(NewTask::new(record.clone())))
}

/// A task that runs every minute from the beginning of the case on.
pub(super) fn series(number: u128, max_runs: Option<u32>) -> TaskRecord {
    let mut record = task(number);
    let schedule = Schedule::every(Duration::from_mins(1)).unwrap();
    record.definition.series = Some(SeriesDefinition {
        schedule: serde_json::to_string(&schedule).unwrap(),
        anchor: at(0),
        max_runs,
        run_until: None,
        ..SeriesDefinition::default()
    });
    record.state.next_run_at = Some(at(0));
    record
}

/// A task with a key, which it holds.
pub(super) fn keyed(number: u128, key: &str) -> TaskRecord {
    let mut record = task(number);
    record.definition.key = Some(key.to_owned());
    record.state.active_key = Some(key.to_owned());
    record
}

/// What a step of priority is worth in claims.
pub(super) const AGEING: Duration = Duration::from_mins(1);

/// A claim of everything that is due at `now`.
pub(super) fn everything(now: Timestamp) -> ClaimTasks {
    ClaimTasks {
        limit: 2_000,
        max_bytes: 1 << 30,
        ageing: AGEING,
        ..ClaimTasks::everything(QueueSelector::AllExcept(Vec::new()), now)
    }
}

pub(super) fn ids(claimed: &ClaimAnswer) -> Vec<TaskId> {
    let tasks = claimed.tasks.iter();
    tasks.map(|task| task.record.definition.id).collect()
}

pub(super) fn attempt(process: ProcessId, number: u32, outcome: AttemptOutcome) -> AttemptRecord {
    let has_failed = match outcome {
        AttemptOutcome::Succeeded | AttemptOutcome::Snoozed => false,
        AttemptOutcome::Failed | AttemptOutcome::Cancelled | AttemptOutcome::Stopped => true,
    };
    AttemptRecord {
        id: AttemptId(Uuid::now_v7()),
        number,
        process,
        started_at: at(10 * i64::from(number)) + Duration::from_micros(123_457),
        waited: Duration::from_micros(1_000_001),
        ran: Duration::from_micros(2_345_678),
        outcome,
        failure: has_failed.then(|| failure("attempt")),
        is_counted: !matches!(outcome, AttemptOutcome::Failed | AttemptOutcome::Snoozed),
    }
}

pub(super) fn failure(text: &str) -> Failure {
    Failure::new(FailureKind::TimedOut, format!("{text}: {HOSTILE}"))
}

/// What a task returned.
pub(super) fn result() -> String {
    serde_json::json!({ "text": HOSTILE, "list": [1, 2.5, null] }).to_string()
}

/// What a task says while it runs.
pub(super) fn progress(now: Timestamp) -> Progress {
    Progress::new(0.123_4, HOSTILE, now + Duration::from_micros(123_459))
}
