use std::time::Duration;

use evertask_core::storage::{CancelAnswer, CancelTask, InsertAnswer, NewTask, Write};
use evertask_core::task::{Generation, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord};
use evertask_core::time::Timestamp;
use sea_orm::{ConnectionTrait, Database};
use uuid::Uuid;

use super::*;
use crate::SqlStorage;

struct World {
    writer: Writer,
    directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let storage = SqlStorage::sqlite(directory.path().join("jobs.db"))
            .busy_timeout(Duration::from_millis(20));
        let start = ProcessStart {
            id: ProcessId(Uuid::from_u128(1)),
            at: Timestamp::UNIX_EPOCH,
        };
        let session = storage.open_session(start).await.unwrap();
        Self {
            writer: session.into_writer(),
            directory,
        }
    }

    /// Applies a group whose commit has an outcome but no answer; meanwhile somebody else may
    /// write, so that the outcome can't be looked for.
    async fn apply_unanswered(
        &self,
        group: &WriteGroup,
        is_committed: bool,
        is_blocked: bool,
    ) -> Result<Vec<Answer>, StorageError> {
        let mut groups = self.writer.groups.lock().await;
        groups.last += 1;
        let (answers, transaction) = self.writer.attempt(groups.last, group).await.unwrap();
        let end = if is_committed {
            transaction.commit().await
        } else {
            transaction.rollback().await
        };
        end.unwrap();
        let outside = self.outside().await;
        if is_blocked {
            outside.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
        }
        let lost = Err(StorageError::new(StorageErrorKind::Transient, "lose it"));
        let settled = self.writer.settle(&mut groups, group, answers, lost).await;
        drop(groups);
        if is_blocked {
            let repeated = self.writer.apply(group).await.unwrap_err();
            assert_eq!(repeated.kind(), StorageErrorKind::OutcomeUnknown);
            outside.execute_unprepared("ROLLBACK").await.unwrap();
        }
        settled
    }

    async fn outside(&self) -> DatabaseConnection {
        let path = self.directory.path().join("jobs.db");
        let url = format!("sqlite://{}", path.display());
        Database::connect(url).await.unwrap()
    }
}

fn insert(id: u128) -> WriteGroup {
    let definition = TaskDefinition {
        queue: "mail".to_owned(),
        ..TaskDefinition::new(
            TaskId(Uuid::from_u128(id)),
            "mail.send",
            "{}",
            Timestamp::UNIX_EPOCH,
        )
    };
    let record = TaskRecord {
        definition,
        generation: Generation(0),
        state: RowState::waiting(Timestamp::UNIX_EPOCH),
    };
    let new = NewTask {
        record,
        audit: Vec::new(),
    };
    WriteGroup {
        writes: vec![Write::Insert(Box::new(new))],
    }
}

#[track_caller]
fn assert_stored(answers: Result<Vec<Answer>, StorageError>) {
    let answers = answers.unwrap();
    let is_stored = matches!(answers[..], [Answer::Insert(InsertAnswer::Stored)]);
    assert!(is_stored, "{answers:?}");
}

#[tokio::test]
async fn a_group_whose_answer_was_lost_is_answered_if_it_was_committed() {
    let world = World::new().await;
    assert_stored(world.apply_unanswered(&insert(1), true, false).await);
    let failed = world.apply_unanswered(&insert(2), false, false).await;
    assert_eq!(failed.unwrap_err().kind(), StorageErrorKind::Transient);
    assert_stored(world.writer.apply(&insert(2)).await);
}

#[tokio::test]
async fn a_group_of_unknown_outcome_is_not_applied_twice() {
    for is_committed in [true, false] {
        let world = World::new().await;
        let unknown = world.apply_unanswered(&insert(1), is_committed, true).await;
        assert_eq!(
            unknown.unwrap_err().kind(),
            StorageErrorKind::OutcomeUnknown
        );
        // Applied twice, it would find the task there already.
        assert_stored(world.writer.apply(&insert(1)).await);
        let again = world.writer.apply(&insert(1)).await.unwrap();
        assert!(matches!(
            again[..],
            [Answer::Insert(InsertAnswer::Exists(_))]
        ));
    }
}

#[tokio::test]
async fn the_answers_of_a_lost_group_are_not_given_to_another_one() {
    let world = World::new().await;
    let unknown = world.apply_unanswered(&insert(1), true, true).await;
    assert!(unknown.is_err());
    let cancel = Write::Cancel(CancelTask {
        id: TaskId(Uuid::from_u128(9)),
        at: Timestamp::UNIX_EPOCH,
        actor: None,
        reason: None,
    });
    let other = WriteGroup {
        writes: vec![cancel],
    };
    let answers = world.writer.apply(&other).await.unwrap();
    assert!(matches!(
        answers[..],
        [Answer::Cancel(CancelAnswer::Unknown)]
    ));
}
