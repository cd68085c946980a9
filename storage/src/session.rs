use async_trait::async_trait;
use evertask_core::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use evertask_core::storage::query::TaskQueries;
use evertask_core::storage::{
    Answer, AuditEntry, ProcessStart, QueueSelector, StorageError, TaskStorage, WriteGroup,
};
use evertask_core::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskId, TaskRecord};
use evertask_entities::{attempt, run, status_audit, task, under};
use evertask_migration::TablePrefix;
use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::database_error::database_error;
use crate::dialect::{CLAIMABLE, Dialect};
use crate::group::Setting;
use crate::liveness::Liveness;
use crate::read::Reads;
use crate::record::{attempt_record, audit_entry, run_record, task_record};
use crate::registry;
use crate::retention::Retention;
use crate::sql_storage::SqlStorage;
use crate::write_connection::WriteConnection;
use crate::writer::{Writer, begin, commit};

/// A database whose connections are open and whose tables are up to date; no other process opens it
/// until [`Liveness::opened`].
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) writer: WriteConnection,
    pub(crate) readers: DatabaseConnection,
    pub(crate) dialect: Box<dyn Dialect>,
    /// Others can see by now that this process lives.
    pub(crate) liveness: Box<dyn Liveness>,
}

/// A database, open for one start of a runtime.
#[derive(Debug)]
pub(crate) struct Session {
    writer: Writer,
    readers: DatabaseConnection,
    prefix: TablePrefix,
    reads: Reads,
    is_closed: Mutex<bool>,
}

impl Session {
    /// Registers this process, and finds out who is dead.
    pub(crate) async fn start(
        storage: &SqlStorage,
        opening: Opening,
        start: ProcessStart,
    ) -> Result<Self, StorageError> {
        let Opening {
            writer,
            readers,
            dialect,
            liveness,
        } = opening;
        let me = start.id.0;
        let prefix = storage.prefix.clone();
        let connection = writer.current();
        let transaction = begin(&connection, dialect.as_ref(), &storage.counter).await?;
        dialect.note_group(&transaction, start, 0).await?;
        let dead = registry::dead_owners(&transaction, &prefix, liveness.as_ref(), me).await?;
        commit(transaction, &storage.counter)
            .await
            .map_err(|error| database_error("register this process", error))?;
        liveness.opened(&[dead.as_slice(), &[me]].concat()).await?;
        let setting = Setting {
            dialect,
            liveness,
            prefix: prefix.clone(),
            me,
            dead,
        };
        Ok(Self {
            writer: Writer::new(writer, setting, start, storage.counter.clone()),
            reads: Reads::new(readers.clone(), prefix.clone()),
            readers,
            prefix,
            is_closed: Mutex::default(),
        })
    }

    fn retention(&self) -> Retention<'_> {
        Retention {
            writer: &self.writer,
            readers: &self.readers,
            prefix: &self.prefix,
        }
    }

    #[cfg(test)]
    pub(crate) fn into_writer(self) -> Writer {
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

    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError> {
        let query = run::Entity::find()
            .filter(run::Column::TaskId.eq(id.0))
            .order_by_asc(run::Column::At)
            .order_by_asc(run::Column::Id);
        let rows = under(query, &self.prefix.runs())
            .all(&self.readers)
            .await
            .map_err(|error| database_error("read the runs of a series", error))?;
        let records: Result<_, _> = rows.into_iter().map(run_record).collect();
        Ok(records?)
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

    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError> {
        self.retention().retain(step, from, limit).await
    }

    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError> {
        self.retention().preview(step, from).await
    }

    fn queries(&self) -> &dyn TaskQueries {
        &self.reads
    }

    async fn close(&self) -> Result<(), StorageError> {
        if std::mem::replace(&mut *self.is_closed.lock(), true) {
            return Ok(());
        }
        let closed = self.writer.close().await;
        let readers = self.readers.close_by_ref().await;
        readers.map_err(|error| database_error("close the connections", error))?;
        self.writer.end_life().await?;
        closed
    }
}
