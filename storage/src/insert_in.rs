//! Storing a task on a connection of the application's: in its own transaction.
//!
//! The statement is the one that groups use, for the same tables; what the session of the application
//! is set up with does not matter to it.

use evertask_core::key::{DispatchKind, Holder, KeyDecision, decide};
use evertask_core::storage::{InsertAnswer, NewTask, StorageError, StorageErrorKind};
use evertask_core::task::TaskRecord;
use evertask_entities::{task, under, under_in};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, Select,
};
use thiserror::Error;

use crate::address::Address;
use crate::database_error::database_error;
use crate::dialect::query_ids;
use crate::record::task_record;
use crate::rows::{self, Encoding, Row, json};
use crate::sql_storage::SqlStorage;
use crate::{mysql, postgres, sqlite};

/// A task that could not be stored on a connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InsertInError {
    /// The connection is to another kind of database than the tasks are kept in.
    #[error(
        "the tasks are kept in {tasks:?} and the connection is to {connection:?}; use a connection \
         to the database of the tasks"
    )]
    OtherDatabase {
        /// Where the tasks are kept.
        tasks: DbBackend,
        /// What the connection is to.
        connection: DbBackend,
    },
    /// The database did not take the task. Whether the transaction can go on is up to the database:
    /// one of `PostgreSQL` can't.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SqlStorage {
    /// Stores a task on a connection or transaction of the application's, which has to be to the
    /// database of the tasks; it is there once that transaction is committed.
    ///
    /// An id or a key that is taken is answered and no error, so the transaction can go on. The tables
    /// have to be there: they are made when the storage is opened first. This is what the
    /// `dispatch_in` of the crate `evertask` is made of.
    ///
    /// # Errors
    ///
    /// See [`InsertInError`].
    pub async fn insert_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        task: &NewTask,
    ) -> Result<InsertAnswer, InsertInError> {
        let (tasks, found) = (self.backend(), connection.get_database_backend());
        if tasks != found {
            return Err(InsertInError::OtherDatabase {
                tasks,
                connection: found,
            });
        }
        // Between the two looks, somebody may let go of what was taken.
        for _ in 0..ATTEMPTS {
            if self.is_inserted(connection, task).await? {
                return Ok(InsertAnswer::Stored);
            }
            match self.in_the_way(connection, task).await? {
                Some(InsertAnswer::KeyTaken(holder)) if has_no_right(&holder, task) => {
                    self.release_key(connection, &holder).await?;
                }
                Some(answer) => return Ok(answer),
                None => {}
            }
        }
        let doing = "store a task whose key is taken and let go of again and again";
        Err(StorageError::new(StorageErrorKind::Transient, doing).into())
    }

    fn backend(&self) -> DbBackend {
        match &self.address {
            Address::File(_) => DbBackend::Sqlite,
            Address::Postgres(_) => DbBackend::Postgres,
            Address::MySql(_) => DbBackend::MySql,
        }
    }

    async fn is_inserted<C: ConnectionTrait>(
        &self,
        connection: &C,
        task: &NewTask,
    ) -> Result<bool, StorageError> {
        let rows = [rows::task(&task.record)?];
        let inserted = match &self.address {
            Address::File(_) => {
                let sql = sqlite::insert_tasks(&self.prefix.tasks());
                set_based(connection, &sql, Encoding::Sqlite, &rows).await?
            }
            Address::Postgres(_) => {
                let tasks = format!("{}.{}", self.schema, self.prefix.tasks());
                let sql = postgres::insert_tasks(&tasks);
                set_based(connection, &sql, Encoding::Postgres, &rows).await?
            }
            Address::MySql(_) => mysql::insert_tasks(&self.prefix, connection, &rows).await?,
        };
        Ok(!inserted.is_empty())
    }

    /// Answers who has the id or the key of a task.
    async fn in_the_way<C: ConnectionTrait>(
        &self,
        connection: &C,
        task: &NewTask,
    ) -> Result<Option<InsertAnswer>, StorageError> {
        let id = task.record.id();
        let of_key = task.record.state.active_key.as_deref();
        let of_key = of_key.map(|key| task::Column::ActiveKey.eq(key));
        let wanted = Condition::any()
            .add(task::Column::Id.eq(id.0))
            .add_option(of_key);
        let query = self.of_tasks(task::Entity::find().filter(wanted));
        let found = query.all(connection).await;
        let found = found.map_err(|error| database_error("read tasks", error))?;
        let mut found = found
            .into_iter()
            .map(task_record)
            .collect::<Result<Vec<TaskRecord>, _>>()?;
        if let Some(place) = found.iter().position(|record| record.id() == id) {
            let record = found.swap_remove(place);
            return Ok(Some(InsertAnswer::Exists(Box::new(record))));
        }
        Ok(found
            .pop()
            .map(|holder| InsertAnswer::KeyTaken(Box::new(holder))))
    }

    /// Has a task that is over give up its key.
    async fn release_key<C: ConnectionTrait>(
        &self,
        connection: &C,
        holder: &TaskRecord,
    ) -> Result<(), StorageError> {
        let tasks = Alias::new(self.prefix.tasks());
        let mut update = Query::update();
        match &self.address {
            Address::Postgres(_) => update.table((Alias::new(self.schema.to_string()), tasks)),
            Address::File(_) | Address::MySql(_) => update.table(tasks),
        };
        let key = holder.state.active_key.clone();
        update
            .value(task::Column::ActiveKey, Option::<String>::None)
            .and_where(Expr::col(task::Column::Id).eq(holder.id().0))
            .and_where(Expr::col(task::Column::ActiveKey).eq(key));
        let released = connection.execute(&update).await;
        released.map_err(|error| database_error("release the key of a task", error))?;
        Ok(())
    }

    fn of_tasks(&self, query: Select<task::Entity>) -> Select<task::Entity> {
        let tasks = self.prefix.tasks();
        match &self.address {
            Address::Postgres(_) => under_in(query, &self.schema.to_string(), &tasks),
            Address::File(_) | Address::MySql(_) => under(query, &tasks),
        }
    }
}

/// Whether the time is over for which a task holds its key though it is over.
fn has_no_right(holder: &TaskRecord, task: &NewTask) -> bool {
    let now = task.record.definition.created_at;
    let decision = decide(
        Some(&Holder::of(holder, false)),
        DispatchKind::Immediate,
        now,
    );
    decision == KeyDecision::ReleaseAndInsert
}

/// How often a task is tried whose key somebody else lets go of at this very moment.
const ATTEMPTS: usize = 3;

async fn set_based<C: ConnectionTrait>(
    connection: &C,
    sql: &str,
    encoding: Encoding,
    rows: &[Row<'_>],
) -> Result<Vec<uuid::Uuid>, StorageError> {
    let values = [json(rows, encoding)?.into()];
    query_ids(connection, "insert a task", sql, values).await
}
