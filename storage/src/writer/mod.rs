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
mod tests;
