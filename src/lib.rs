#![doc = include_str!("../README.md")]

mod builder;
mod handle;

pub use builder::Builder;
pub use evertask_actors::runtime::StartError;
#[cfg(feature = "testing")]
pub use evertask_actors::runtime::{Phase, Provocation, Target};
pub use evertask_actors::{
    BlockingHandler, Cancel, CancelOutcome, CatalogError, Client, Dispatch, DispatchError,
    DispatchRequest, EventStream, GetTask, LeftBehind, Queue, QueueError, RequestError,
    RuntimeFault, Shutdown, ShutdownReport, Stored, Subscribe, Supervisor, Task, TaskContext,
    TaskError, TaskEvent, TaskEventKind, TaskHandler, TaskOptions, TaskResult, TaskView, WhenFull,
};
pub use evertask_core::retry::{InvalidRetryPolicy, RetryPolicy};
pub use evertask_core::storage::{self, MemoryStorage, StorageError, StorageErrorKind};
pub use evertask_core::task::{
    AttemptOutcome, AttemptRecord, Failure, FailureKind, Status, TaskId, TaskRecord, TraceContext,
    WaitReason,
};
pub use evertask_core::{task, time};
pub use evertask_storage::{SqlStorage, StatementCounter, Synchronous};
pub use handle::EverTask;
