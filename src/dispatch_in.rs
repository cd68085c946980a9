use evertask_actors::{Client, Dispatch, DispatchError, Dispatched};
use evertask_storage::{InsertInError, SqlStorage};
use sea_orm::ConnectionTrait;
use thiserror::Error;

/// A task that could not be stored in a transaction of the application's own.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DispatchInError {
    /// The dispatch itself is wrong, or its id belongs to another task. The transaction can go on.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// The tasks are not kept in an SQL database.
    #[error(
        "the tasks are not kept in an SQL database, so no transaction can hold them; use \
         `SqlStorage`, or dispatch after the commit"
    )]
    NoSql,
    /// The connection can't be used for it.
    #[error("the task was not stored: {0}")]
    Insert(#[from] InsertInError),
}

/// Stores a task in a transaction of the application's own: what
/// [`EverTask::dispatch_in`](crate::EverTask::dispatch_in) does, for code that has a client and no
/// handle, such as a handler.
///
/// `storage` says where the tasks are kept: a clone of what the builder was given.
///
/// # Errors
///
/// See [`DispatchInError`].
pub async fn dispatch_in<C: ConnectionTrait>(
    storage: &SqlStorage,
    client: &Client,
    connection: &C,
    dispatch: impl Into<Dispatch>,
) -> Result<Dispatched, DispatchInError> {
    let task = client.prepare(dispatch)?;
    let answer = storage.insert_in(connection, task.row()).await?;
    Ok(task.settle(answer)?)
}
