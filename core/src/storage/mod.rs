//! The contract between evertask and a database.
//!
//! A storage is designed around *groups* of writes: one call applies inserts, changes, cancels and
//! claims of many tasks in one transaction and answers each of them. Decisions are made before the
//! call, by pure functions; a storage stores what they decided and refuses what is out of date.

mod answer;
mod coalesce;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod deletion;
mod error;
#[cfg(feature = "conformance")]
pub mod faulty;
mod memory;
pub mod query;
mod queue;
mod write;

pub use answer::{
    Answer, AppendLogsAnswer, CancelAnswer, ChangeAnswer, ChangeQueueAnswer, ClaimAnswer,
    ClaimedTask, InsertAllAnswer, InsertAnswer,
};
pub use coalesce::coalesce;
pub use contract::{ProcessStart, StorageBackend, TaskStorage};
pub use deletion::{DeleteAnswer, DeleteTask, Deletion};
pub use error::{StorageError, StorageErrorKind};
pub use memory::MemoryStorage;
pub use queue::{
    ChangeQueue, QueueChange, QueueChangeId, QueueChangeRecord, QueueSettings, UnknownQueueChange,
};
pub use write::{
    AppendLogs, AuditEntry, CancelTask, ClaimTasks, NewTask, QueueSelector, ReconsiderWaiting,
    Redefinition, RowChange, Write, WriteGroup, WriteKind,
};
