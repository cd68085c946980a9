//! What a task that was attempted in another delivery has failed with before.

use evertask_core::storage::StorageError;
use evertask_core::storage::query::{HistorySearch, PageLimit, TaskQueries};
use evertask_core::task::{AttemptOutcome, Failure, TaskId};

/// Reads the failures of a run with that many failed `attempts`, oldest first, as far as the audit
/// level keeps them.
///
/// They are read from the newest on and no further than the run goes back: a series has as many
/// attempts as it ever had runs. They are not asked for by their outcome either, because the search
/// for one line more would walk past every success of the runs before.
pub(super) async fn failures_of_run(
    queries: &dyn TaskQueries,
    id: TaskId,
    attempts: u32,
) -> Result<Vec<Failure>, StorageError> {
    let limit = PageLimit::new(attempts.clamp(1, PageLimit::MAX)).unwrap_or_default();
    let mut search = HistorySearch::attempts(id).limit(limit);
    let mut failures = Vec::new();
    'pages: loop {
        let page = queries.attempts_page(&search).await?;
        for attempt in page.lines {
            if failures.len() >= attempts as usize {
                break 'pages;
            }
            match attempt.outcome {
                AttemptOutcome::Failed => failures.extend(attempt.failure),
                // It was interrupted, or nothing had failed, and is not counted.
                AttemptOutcome::Stopped | AttemptOutcome::Snoozed => {}
                // It ended the run before.
                AttemptOutcome::Succeeded | AttemptOutcome::Cancelled => break 'pages,
            }
        }
        let next = page.next.filter(|_| failures.len() < attempts as usize);
        let Some(Ok(next)) = next.map(|cursor| search.clone().after(cursor)) else {
            break;
        };
        search = next;
    }
    failures.reverse();
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use AttemptOutcome::{Failed, Snoozed, Stopped, Succeeded};
    use evertask_core::lease::RowLease;
    use evertask_core::storage::{
        MemoryStorage, NewTask, ProcessStart, StorageBackend, TaskStorage, Write, WriteGroup,
    };
    use evertask_core::task::{
        AttemptId, AttemptRecord, FailureKind, Generation, ProcessId, RowState, TaskDefinition,
        TaskRecord,
    };
    use evertask_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    const ID: TaskId = TaskId(Uuid::nil());
    const PROCESS: ProcessId = ProcessId(Uuid::max());

    /// The attempt at that place of the history, which failed with the place as its text.
    fn attempt(place: u32, outcome: AttemptOutcome) -> AttemptRecord {
        let failure = Failure::new(FailureKind::Other, place.to_string());
        AttemptRecord {
            id: AttemptId(Uuid::from_u128(place.into())),
            number: 1,
            process: PROCESS,
            started_at: Timestamp::UNIX_EPOCH + Duration::from_secs(place.into()),
            waited: Duration::ZERO,
            ran: Duration::ZERO,
            outcome,
            failure: (outcome != Succeeded).then_some(failure),
            is_counted: false,
        }
    }

    /// A storage with a task that has this history.
    async fn stored(history: impl IntoIterator<Item = AttemptOutcome>) -> Arc<dyn TaskStorage> {
        let at = Timestamp::UNIX_EPOCH;
        let record = TaskRecord {
            definition: TaskDefinition::new(ID, "task", "{}", at),
            generation: Generation(0),
            state: RowState::waiting(at),
        };
        let mut lease = RowLease::new(&record);
        let audit = Vec::new();
        let mut writes = vec![Write::Insert(Box::new(NewTask { record, audit }))];
        for (place, outcome) in (1..).zip(history) {
            let noted = lease.note(attempt(place, outcome));
            writes.push(Write::Change(Box::new(noted)));
        }
        let start = ProcessStart { id: PROCESS, at };
        let storage = MemoryStorage::new().open(start).await.unwrap();
        storage.apply(&WriteGroup { writes }).await.unwrap();
        storage
    }

    async fn recalled(storage: &Arc<dyn TaskStorage>, attempts: u32) -> Vec<String> {
        let failures = failures_of_run(storage.queries(), ID, attempts).await;
        let failures = failures.unwrap().into_iter();
        failures.map(|failure| failure.text).collect()
    }

    #[actix::test]
    async fn a_run_has_its_own_failures_and_no_earlier_ones() {
        let storage = stored([Failed, Succeeded, Failed, Failed, Failed]).await;
        assert_eq!(recalled(&storage, 3).await, ["3", "4", "5"]);
        assert_eq!(recalled(&storage, 2).await, ["4", "5"]);
        assert_eq!(recalled(&storage, 4).await, ["3", "4", "5"], "one is lost");
    }

    #[actix::test]
    async fn attempts_that_were_interrupted_are_passed_over() {
        let storage = stored([Failed, Stopped, Snoozed, Failed, Stopped, Snoozed]).await;
        assert_eq!(recalled(&storage, 2).await, ["1", "4"]);
    }

    #[actix::test]
    async fn a_run_of_more_attempts_than_a_page_holds_is_read_whole() {
        let storage = stored([Failed; 2 * PageLimit::MAX as usize + 50]).await;
        let places = |range: std::ops::RangeInclusive<u32>| {
            let places = range.map(|place| place.to_string());
            places.collect::<Vec<_>>()
        };
        assert_eq!(recalled(&storage, 450).await, places(1..=450));
        assert_eq!(recalled(&storage, 300).await, places(151..=450));
    }
}
