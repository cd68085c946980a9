use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::answer::Answer;
use super::error::StorageError;
use super::query::TaskQueries;
use super::write::{AuditEntry, WriteGroup};
use crate::retention::{RetentionBatch, RetentionCursor, RetentionStep};
use crate::task::{AttemptRecord, Generation, ProcessId, RunRecord, TaskId, TaskRecord};
use crate::time::Timestamp;

/// One start of a runtime, as the storage learns of it.
#[derive(Clone, Copy, Debug)]
pub struct ProcessStart {
    /// New at every start.
    pub id: ProcessId,
    /// When it started.
    pub at: Timestamp,
}

/// A place to keep tasks, before it is opened.
///
/// It is opened by the runtime, on the runtime's own thread, because connections belong to the
/// reactor they were made on.
#[async_trait]
pub trait StorageBackend: Debug + Send + Sync + 'static {
    /// Opens the storage for one start of a runtime.
    ///
    /// From here until the returned storage is dropped, the process counts as alive: its rows can't
    /// be claimed by others. If the process dies, that ends without anybody's doing.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be reached or is not one this version can use.
    async fn open(&self, start: ProcessStart) -> Result<Arc<dyn TaskStorage>, StorageError>;

    /// Whether tasks outlive the process; it decides what a full queue does if nobody says.
    fn is_durable(&self) -> bool {
        true
    }
}

/// An open storage: the contract every database behind evertask fulfils.
///
/// # Atomicity
///
/// A group commits as a whole or not at all. A row's change, its audit, its attempts and its
/// follow-ups are in the same commit, and what is refused leaves none of them. When a call returns an answer, it is as durable as the database can make it.
///
/// # Concurrency
///
/// One group is applied at a time by a caller; reads may run beside it and see committed rows
/// only. Several processes may use one database.
///
/// # Time
///
/// A storage has no clock: every instant is given by the caller.
#[async_trait]
pub trait TaskStorage: Debug + Send + Sync + 'static {
    /// Applies a group of writes in one transaction and answers each in order.
    ///
    /// # Errors
    ///
    /// After an error nothing of the group is stored, unless its kind is
    /// [`OutcomeUnknown`](super::StorageErrorKind::OutcomeUnknown).
    async fn apply(&self, group: &WriteGroup) -> Result<Vec<Answer>, StorageError>;

    /// Reads one task.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn task(&self, id: TaskId) -> Result<Option<TaskRecord>, StorageError>;

    /// Reads the attempts of a task, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn attempts(&self, id: TaskId) -> Result<Vec<AttemptRecord>, StorageError>;

    /// Reads the status audit of a task, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn audit(&self, id: TaskId) -> Result<Vec<AuditEntry>, StorageError>;

    /// Reads the runs of a series, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn runs(&self, id: TaskId) -> Result<Vec<RunRecord>, StorageError>;

    /// Reads the open rows of `queue` that `owner` owns and that are not waiting for a reason.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn owned(
        &self,
        owner: ProcessId,
        queues: &super::QueueSelector,
    ) -> Result<Vec<(TaskId, Generation)>, StorageError>;

    /// Does the next batch of a step of retention: at most `limit` rows, in one short transaction.
    ///
    /// A step begins with no cursor and goes on with the one the batch before it answered, until
    /// there is none. What has been looked at is not looked at again, and a batch that finds little
    /// ends all the same after a bounded look around. Writes that come in meanwhile wait for one
    /// batch at most. The statement that deletes asks once more whether it may: a task that was
    /// brought back to life since stays. After any error the batch may be done again; it has no part
    /// in what is promised about groups.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be used; batches before it stay done.
    async fn retain(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
        limit: u32,
    ) -> Result<RetentionBatch, StorageError>;

    /// Counts what a step would let go of if those before it in its plan were done, part by part
    /// like [`retain`](Self::retain), and changes nothing.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be read.
    async fn preview(
        &self,
        step: &RetentionStep,
        from: Option<RetentionCursor>,
    ) -> Result<RetentionBatch, StorageError>;

    /// Answers the questions of pages and programs; the runtime itself asks for pages of attempts.
    fn queries(&self) -> &dyn TaskQueries;

    /// Ends the use of the storage after an orderly shutdown and closes its connections.
    ///
    /// # Errors
    ///
    /// Fails if the database can't be told; nothing depends on it.
    async fn close(&self) -> Result<(), StorageError>;
}
