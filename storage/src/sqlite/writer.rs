//! Group after group, one transaction each, and what became of them.
//!
//! A commit whose answer is lost may have happened or not. Each group therefore writes its number to
//! the row of its process, in its own transaction. After a lost answer, that row is read under the
//! write lock before anything else is written.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use evertask_core::storage::{Answer, ProcessStart, StorageError, StorageErrorKind, WriteGroup};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tokio::sync::Mutex;

use super::group::{Group, Setting};
use super::registry;
use crate::database_error::database_error;
use crate::statement_counter::StatementCounter;

/// Applies groups on the connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    connection: DatabaseConnection,
    setting: Setting,
    start: ProcessStart,
    counter: StatementCounter,
    groups: Mutex<Groups>,
}

/// What is known of the groups applied so far.
#[derive(Debug, Default)]
struct Groups {
    last: i64,
    unresolved: Option<Unresolved>,
}

/// A group of which it is not known whether it was committed.
#[derive(Debug)]
struct Unresolved {
    number: i64,
    /// Tells the group from any other.
    group: u64,
    /// What its caller gets if it was.
    answers: Vec<Answer>,
}

impl Writer {
    pub(super) fn new(
        connection: DatabaseConnection,
        setting: Setting,
        start: ProcessStart,
        counter: StatementCounter,
    ) -> Self {
        Self {
            connection,
            setting,
            start,
            counter,
            groups: Mutex::default(),
        }
    }

    /// Applies a group; one at a time.
    pub(super) async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let mut groups = self.groups.lock().await;
        if let Some(answers) = self.resolve(&mut groups, group).await? {
            return Ok(answers);
        }
        groups.last += 1;
        let (answers, transaction) = self.attempt(groups.last, group).await?;
        let committed = commit(transaction, &self.counter).await;
        self.settle(&mut groups, group, answers, committed).await
    }

    /// Takes this process out of the table and closes the connection.
    pub(super) async fn close(&self) -> Result<(), StorageError> {
        let processes = self.setting.prefix.processes();
        let me = vec![self.setting.me];
        let forgotten = registry::forget(&self.connection, &processes, me).await;
        let closed = self.connection.close_by_ref().await;
        closed.map_err(|error| database_error("close a connection", error))?;
        forgotten
    }

    /// Applies a group up to its commit.
    async fn attempt(
        &self,
        number: i64,
        group: &WriteGroup,
    ) -> Result<(Vec<Answer>, DatabaseTransaction), StorageError> {
        let transaction = begin(&self.connection, &self.counter).await?;
        let answers = self.write(&transaction, number, group).await;
        match answers {
            Ok(answers) => Ok((answers, transaction)),
            Err(error) => {
                self.counter.add_one();
                // Some errors have rolled back already, and then there is nothing to roll back.
                transaction.rollback().await.ok();
                Err(error)
            }
        }
    }

    async fn write(
        &self,
        transaction: &DatabaseTransaction,
        number: i64,
        group: &WriteGroup,
    ) -> Result<Vec<Answer>, StorageError> {
        let mut applied = Group::new(&self.setting, transaction);
        let answers = applied.apply(group).await?;
        // A group that changed nothing may be applied again, so it needs no number; without one,
        // its commit has nothing to write.
        if applied.has_written {
            let statements = &self.setting.statements;
            registry::note_group(transaction, statements, self.start, number).await?;
        }
        Ok(answers)
    }

    /// Decides what became of a group whose commit answered this.
    async fn settle(
        &self,
        groups: &mut Groups,
        group: &WriteGroup,
        answers: Vec<Answer>,
        committed: Result<(), DbErr>,
    ) -> Result<Vec<Answer>, StorageError> {
        let Err(error) = committed else {
            return Ok(answers);
        };
        match self.is_committed(groups.last).await {
            Ok(true) => Ok(answers),
            Ok(false) => Err(database_error("commit a group of writes", error)),
            Err(lost) => {
                tracing::warn!(%error, %lost, "the answer to a commit was lost");
                groups.unresolved = Some(Unresolved {
                    number: groups.last,
                    group: fingerprint(group),
                    answers,
                });
                Err(outcome_unknown(lost))
            }
        }
    }

    /// Finds out about the last group, if that is still open, and answers it if this is it.
    async fn resolve(
        &self,
        groups: &mut Groups,
        group: &WriteGroup,
    ) -> Result<Option<Vec<Answer>>, StorageError> {
        let Some(unresolved) = groups.unresolved.take() else {
            return Ok(None);
        };
        match self.is_committed(unresolved.number).await {
            Ok(is_committed) => {
                let is_same = unresolved.group == fingerprint(group);
                Ok((is_committed && is_same).then_some(unresolved.answers))
            }
            Err(error) => {
                groups.unresolved = Some(unresolved);
                Err(outcome_unknown(error))
            }
        }
    }

    /// Reads under the write lock: no commit of this process can still be under way then.
    async fn is_committed(&self, number: i64) -> Result<bool, StorageError> {
        let transaction = begin(&self.connection, &self.counter).await?;
        let last =
            registry::last_group(&transaction, &self.setting.prefix, self.setting.me).await?;
        self.counter.add_one();
        transaction
            .rollback()
            .await
            .map_err(|error| database_error("end the look for a group", error))?;
        Ok(last == Some(number))
    }
}

/// Begins a transaction that has the write lock from the start: one that only gets it later could
/// find that another process has written meanwhile, and fail.
pub(super) async fn begin(
    writer: &DatabaseConnection,
    counter: &StatementCounter,
) -> Result<DatabaseTransaction, StorageError> {
    counter.add_one();
    writer
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await
        .map_err(|error| database_error("begin a group of writes", error))
}

pub(super) async fn commit(
    transaction: DatabaseTransaction,
    counter: &StatementCounter,
) -> Result<(), DbErr> {
    counter.add_one();
    transaction.commit().await
}

fn outcome_unknown(error: StorageError) -> StorageError {
    StorageError::new(
        StorageErrorKind::OutcomeUnknown,
        "find out whether a group of writes was committed",
    )
    .with_source(error)
}

/// Two groups that print alike are the same group. Computed only after a lost answer.
fn fingerprint(group: &WriteGroup) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{group:?}").hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use evertask_core::storage::{CancelAnswer, CancelTask, InsertAnswer, NewTask, Write};
    use evertask_core::task::{
        Generation, ProcessId, RowState, TaskDefinition, TaskId, TaskRecord,
    };
    use evertask_core::time::Timestamp;
    use sea_orm::{ConnectionTrait, Database, RuntimeErr};
    use uuid::Uuid;

    use super::super::session::Session;
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
            let session = Session::open(&storage, start).await.unwrap();
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
            let lost = Err(DbErr::Conn(RuntimeErr::Internal("gone".to_owned())));
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
            id: TaskId(Uuid::from_u128(id)),
            created_at: Timestamp::UNIX_EPOCH,
            task: "mail.send".to_owned(),
            payload_version: 1,
            payload: "{}".to_owned(),
            queue: "mail".to_owned(),
            scheduled_at: None,
            priority: 0,
            tags: Vec::new(),
            correlation_id: None,
            parent_id: None,
            series_id: None,
            occurrence_at: None,
            limit_key: None,
            retry: None,
            timeout: None,
            trace: None,
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
}
