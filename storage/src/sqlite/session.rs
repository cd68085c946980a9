use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use evertask_core::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageError, StorageErrorKind, TaskStorage,
    WriteGroup,
};
use evertask_core::task::{AttemptRecord, Generation, ProcessId, TaskId, TaskRecord};
use evertask_entities::{attempt, status_audit, task, under};
use parking_lot::Mutex;
use sea_orm::{
    ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use uuid::Uuid;

use super::group::{Group, Setting};
use super::owners::{OwnerLock, OwnersDirectory};
use super::statements::Statements;
use super::{connection, registry, schema};
use crate::database_error::database_error;
use crate::record::{attempt_record, audit_entry, task_record};
use crate::sql_storage::SqlStorage;
use crate::statement_counter::StatementCounter;

/// A `SQLite` file, open for one start of a runtime.
#[derive(Debug)]
pub(crate) struct Session {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
    setting: Setting,
    start: ProcessStart,
    counter: StatementCounter,
    groups: tokio::sync::Mutex<Groups>,
    /// What tells others that this process lives; gone after an orderly close.
    lock: Mutex<Option<OwnerLock>>,
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

impl Session {
    pub(crate) async fn open(
        storage: &SqlStorage,
        start: ProcessStart,
    ) -> Result<Self, StorageError> {
        let path = storage.file.place()?;
        let directory = OwnersDirectory::beside(&path);
        let turn = directory.wait_for_turn().await?;
        let writer = connection::writer(storage, &path).await?;
        schema::prepare(storage, &writer).await?;
        // Before any row names this process, others must be able to see that it lives.
        let lock = directory.hold(&turn, start.id.0).await?;
        let statements = Statements::new(&storage.prefix);
        let transaction = begin(&writer, &storage.counter).await?;
        registry::note_group(&transaction, &statements, start, 0).await?;
        let me = start.id.0;
        let dead =
            registry::dead_owners(&transaction, &storage.prefix, &directory, &turn, me).await?;
        commit(transaction, &storage.counter)
            .await
            .map_err(|error| database_error("register this process", error))?;
        directory
            .forget_dead(&turn, [dead.as_slice(), &[me]].concat())
            .await?;
        Ok(Self {
            writer,
            readers: connection::readers(storage, &path).await?,
            setting: Setting {
                statements,
                prefix: storage.prefix.clone(),
                me,
                dead,
            },
            start,
            counter: storage.counter.clone(),
            groups: tokio::sync::Mutex::default(),
            lock: Mutex::new(Some(lock)),
        })
    }

    /// Applies a group up to its commit.
    async fn attempt(
        &self,
        number: i64,
        group: &WriteGroup,
    ) -> Result<(Vec<Answer>, DatabaseTransaction), StorageError> {
        let transaction = begin(&self.writer, &self.counter).await?;
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
        let transaction = begin(&self.writer, &self.counter).await?;
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

#[async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        if group.writes.is_empty() {
            return Ok(Vec::new());
        }
        let mut groups = self.groups.lock().await;
        if let Some(answers) = self.resolve(&mut groups, group).await? {
            return Ok(answers);
        }
        groups.last += 1;
        let (answers, transaction) = self.attempt(groups.last, group).await?;
        let committed = commit(transaction, &self.counter).await;
        self.settle(&mut groups, group, answers, committed).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        let query = task::Entity::find_by_id(id.0);
        let row = under(query, &self.setting.prefix.tasks())
            .one(&self.readers)
            .await
            .map_err(|error| database_error("read a task", error))?;
        Ok(row.map(task_record).transpose()?)
    }

    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError> {
        let query = attempt::Entity::find()
            .filter(attempt::Column::TaskId.eq(id.0))
            .order_by_asc(attempt::Column::StartedAt)
            .order_by_asc(attempt::Column::Id);
        let rows = under(query, &self.setting.prefix.attempts())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the attempts of a task", error))?;
        let records: Result<_, _> = rows.into_iter().map(attempt_record).collect();
        Ok(records?)
    }

    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError> {
        let query = status_audit::Entity::find()
            .filter(status_audit::Column::TaskId.eq(id.0))
            .order_by_asc(status_audit::Column::Id);
        let rows = under(query, &self.setting.prefix.status_audit())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the audit of a task", error))?;
        let entries: Result<_, _> = rows.into_iter().map(audit_entry).collect();
        Ok(entries?)
    }

    async fn owned(
        &self,
        owner: ProcessId,
        queues: &QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError> {
        let of_queues = match queues {
            QueueSelector::Only(queue) => task::Column::Queue.eq(queue),
            QueueSelector::AllExcept(queues) => task::Column::Queue.is_not_in(queues),
        };
        let query = task::Entity::find()
            .select_only()
            .columns([task::Column::Id, task::Column::Generation])
            .filter(task::Column::Owner.eq(owner.0))
            .filter(task::Column::AvailableAt.is_not_null())
            .filter(task::Column::WaitReason.is_null())
            .filter(of_queues);
        let rows: Vec<(Uuid, i64)> = under(query, &self.setting.prefix.tasks())
            .into_tuple()
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the tasks of an owner", error))?;
        Ok(rows
            .into_iter()
            .map(|(id, generation)| (TaskId(id), Generation(generation)))
            .collect())
    }

    async fn close(&self) -> Result<(), StorageError> {
        let Some(lock) = self.lock.lock().take() else {
            return Ok(());
        };
        let processes = self.setting.prefix.processes();
        let forgotten = registry::forget(&self.writer, &processes, vec![self.setting.me]).await;
        for connection in [&self.readers, &self.writer] {
            connection
                .close_by_ref()
                .await
                .map_err(|error| database_error("close a connection", error))?;
        }
        lock.remove().map_err(|error| {
            let doing = "delete the file of this process";
            StorageError::new(StorageErrorKind::Transient, doing).with_source(error)
        })?;
        forgotten
    }
}

/// Begins a transaction that has the write lock from the start: one that only gets it later could
/// find that another process has written meanwhile, and fail.
async fn begin(
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

async fn commit(transaction: DatabaseTransaction, counter: &StatementCounter) -> Result<(), DbErr> {
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
    use evertask_core::task::{RowState, TaskDefinition};
    use evertask_core::time::Timestamp;
    use sea_orm::{ConnectionTrait, Database, RuntimeErr};

    use super::*;

    struct World {
        session: Session,
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
            Self { session, directory }
        }

        /// Applies a group whose commit has an outcome but no answer; meanwhile somebody else may
        /// write, so that the outcome can't be looked for.
        async fn apply_unanswered(
            &self,
            group: &WriteGroup,
            is_committed: bool,
            is_blocked: bool,
        ) -> Result<Vec<Answer>, StorageError> {
            let mut groups = self.session.groups.lock().await;
            groups.last += 1;
            let (answers, transaction) = self.session.attempt(groups.last, group).await.unwrap();
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
            let settled = self.session.settle(&mut groups, group, answers, lost).await;
            drop(groups);
            if is_blocked {
                let repeated = self.session.apply(group).await.unwrap_err();
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
        assert_stored(world.session.apply(&insert(2)).await);
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
            assert_stored(world.session.apply(&insert(1)).await);
            let again = world.session.apply(&insert(1)).await.unwrap();
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
        let answers = world.session.apply(&other).await.unwrap();
        assert!(matches!(
            answers[..],
            [Answer::Cancel(CancelAnswer::Unknown)]
        ));
    }
}
