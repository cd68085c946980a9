//! Group after group, one transaction each, and what became of them.
//!
//! A commit whose answer is lost may have happened or not. Each group therefore writes its number to
//! the row of its process, in its own transaction. After a lost answer, that row is read under the
//! write lock before anything else is written.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use evertask_core::storage::{Answer, ProcessStart, StorageError, StorageErrorKind, WriteGroup};
use sea_orm::sea_query::DeleteStatement;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, TransactionTrait};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::database_error::database_error;
use crate::dialect::Dialect;
use crate::group::{Group, Setting};
use crate::registry;
use crate::statement_counter::StatementCounter;
use crate::write_connection::WriteConnection;

/// Applies groups on the connection that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: WriteConnection,
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
    pub(crate) fn new(
        connection: WriteConnection,
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
    pub(crate) async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        let mut groups = self.groups.lock().await;
        if let Some(answers) = self.resolve(&mut groups, group).await? {
            return Ok(answers);
        }
        groups.last += 1;
        let attempt = self.attempt(groups.last, group);
        let (answers, transaction) = self.connection.answered(attempt).await??;
        let committed = self.commit(transaction).await;
        self.settle(&mut groups, group, answers, committed).await
    }

    /// Deletes rows between two groups, in a transaction of its own, and answers how many.
    ///
    /// The tasks are locked first, in the order of their ids, as a group locks its own. It has no
    /// number, for it may be done again: an answer that is lost says nothing about a group.
    pub(crate) async fn delete(
        &self,
        doing: &str,
        tasks: &[Uuid],
        delete: &DeleteStatement,
    ) -> Result<u64, StorageError> {
        let _turn = self.groups.lock().await;
        let deletion = async {
            let transaction = self.begin().await?;
            if !tasks.is_empty() {
                self.setting.dialect.lock_tasks(&transaction, tasks).await?;
            }
            let deleted = transaction.execute(delete).await;
            let deleted = deleted.map_err(|error| database_error(doing, error))?;
            commit(transaction, &self.counter)
                .await
                .map_err(|error| database_error(doing, error))?;
            Ok(deleted.rows_affected())
        };
        self.connection.answered(deletion).await?
    }

    /// Takes this process out of the table and closes the connection.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        let processes = self.setting.prefix.processes();
        let me = vec![self.setting.me];
        let connection = self.connection.current();
        self.connection
            .answered(async {
                let forgotten = registry::forget(&connection, &processes, me).await;
                let closed = connection.close_by_ref().await;
                closed.map_err(|error| database_error("close a connection", error))?;
                forgotten
            })
            .await?
    }

    /// Lets others see that this process is no more; its connections are closed.
    pub(crate) async fn end_life(&self) -> Result<(), StorageError> {
        self.setting.liveness.end().await
    }

    async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        let connection = self.connection.current();
        begin(&connection, self.setting.dialect.as_ref(), &self.counter).await
    }

    async fn commit(&self, transaction: DatabaseTransaction) -> Result<(), StorageError> {
        let committed = commit(transaction, &self.counter);
        let committed = self.connection.answered(committed).await?;
        committed.map_err(|error| database_error("commit a group of writes", error))
    }

    /// Applies a group up to its commit.
    async fn attempt(
        &self,
        number: i64,
        group: &WriteGroup,
    ) -> Result<(Vec<Answer>, DatabaseTransaction), StorageError> {
        let transaction = self.begin().await?;
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
            let dialect = &self.setting.dialect;
            dialect.note_group(transaction, self.start, number).await?;
        }
        Ok(answers)
    }

    /// Decides what became of a group whose commit answered this.
    async fn settle(
        &self,
        groups: &mut Groups,
        group: &WriteGroup,
        answers: Vec<Answer>,
        committed: Result<(), StorageError>,
    ) -> Result<Vec<Answer>, StorageError> {
        let Err(error) = committed else {
            return Ok(answers);
        };
        match self.is_committed(groups.last).await {
            Ok(true) => Ok(answers),
            Ok(false) => Err(error),
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

    /// Reads under a lock of the row: no commit of this process can still be under way then.
    async fn is_committed(&self, number: i64) -> Result<bool, StorageError> {
        self.connection.answered(self.find(number)).await?
    }

    async fn find(&self, number: i64) -> Result<bool, StorageError> {
        let transaction = self.begin().await?;
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

pub(crate) async fn begin(
    writer: &DatabaseConnection,
    dialect: &dyn Dialect,
    counter: &StatementCounter,
) -> Result<DatabaseTransaction, StorageError> {
    counter.add_one();
    writer
        .begin_with_options(dialect.transaction())
        .await
        .map_err(|error| database_error("begin a group of writes", error))
}

pub(crate) async fn commit(
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
}
