use async_trait::async_trait;
use evertask_core::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageError, StorageErrorKind, TaskStorage,
    WriteGroup,
};
use evertask_core::task::{AttemptRecord, Generation, ProcessId, TaskId, TaskRecord};
use evertask_entities::{attempt, status_audit, task, under};
use evertask_migration::TablePrefix;
use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::group::Setting;
use super::owners::{OwnerLock, OwnersDirectory};
use super::statements::{CLAIMABLE, Statements};
use super::writer::{Writer, begin, commit};
use super::{connection, registry, schema};
use crate::database_error::database_error;
use crate::record::{attempt_record, audit_entry, task_record};
use crate::sql_storage::SqlStorage;

/// A `SQLite` file, open for one start of a runtime.
#[derive(Debug)]
pub(crate) struct Session {
    writer: Writer,
    readers: DatabaseConnection,
    prefix: TablePrefix,
    /// What tells others that this process lives; gone after an orderly close.
    lock: Mutex<Option<OwnerLock>>,
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
        let setting = Setting {
            statements,
            prefix: storage.prefix.clone(),
            me,
            dead,
        };
        Ok(Self {
            writer: Writer::new(writer, setting, start, storage.counter.clone()),
            readers: connection::readers(storage, &path).await?,
            prefix: storage.prefix.clone(),
            lock: Mutex::new(Some(lock)),
        })
    }

    #[cfg(test)]
    pub(super) fn into_writer(self) -> Writer {
        self.writer
    }
}

#[async_trait]
impl TaskStorage for Session {
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError> {
        if group.writes.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.apply(group).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError> {
        let query = task::Entity::find_by_id(id.0);
        let row = under(query, &self.prefix.tasks())
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
        let rows = under(query, &self.prefix.attempts())
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
        let rows = under(query, &self.prefix.status_audit())
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
            .filter(Expr::cust(CLAIMABLE))
            .filter(of_queues);
        let rows: Vec<(Uuid, i64)> = under(query, &self.prefix.tasks())
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
        let closed = self.writer.close().await;
        let readers = self.readers.close_by_ref().await;
        readers.map_err(|error| database_error("close the connections", error))?;
        lock.remove().map_err(|error| {
            let doing = "delete the file of this process";
            StorageError::new(StorageErrorKind::Transient, doing).with_source(error)
        })?;
        closed
    }
}
