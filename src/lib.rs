#![doc = include_str!("../README.md")]

mod builder;
mod handle;

pub use builder::Builder;
pub use evertask_actors::runtime::StartError;
#[cfg(feature = "testing")]
pub use evertask_actors::runtime::{Phase, Provocation, Target};
pub use evertask_actors::{
    BlockingHandler, Cancel, CancelOutcome, CatalogError, Client, Data, Dispatch, DispatchError,
    DispatchOutcome, DispatchRequest, Dispatched, EventStream, FromContext, GetLogs, GetTask,
    HandlerFunction, HealthWatch, IntoTaskResult, KeptReason, LeftBehind, LogCapture, LogTail,
    Need, NoResult, PreviewRetention, Queue, QueueError, RequestError, RetentionReport,
    RetentionStepReport, RunRetention, RuntimeFault, Shutdown, ShutdownReport, StorageHealth,
    Stored, Subscribe, Supervisor, TailItem, TailLogs, Task, TaskContext, TaskError, TaskEvent,
    TaskEventKind, TaskFunction, TaskHandler, TaskOptions, TaskOutput, TaskResult, TaskView,
    WaitError, WhenFull,
};
pub use evertask_core::audit::AuditLevel;
pub use evertask_core::log::{
    LevelRange, LogCursor, LogLevel, LogLine, LogOptions, LogPage, LogSearch,
};
pub use evertask_core::retention::{
    self, EndedTasks, RetentionPolicy, RetentionRules, RetentionWarning, Window,
};
pub use evertask_core::retry::{
    CustomRetry, ErrorClass, Exponential, InvalidRetryPolicy, Jitter, RetryPolicy,
    transient_network,
};
pub use evertask_core::storage::{self, MemoryStorage, StorageError, StorageErrorKind};
pub use evertask_core::task::{
    AttemptOutcome, AttemptRecord, Failure, FailureKind, Progress, RunRecord, Status, TaskId,
    TaskRecord, TraceContext, WaitReason,
};
pub use evertask_core::{log, random, schedule, task, time};
pub use evertask_macros::{Task, task};
pub use evertask_storage::{SqlStorage, StatementCounter, Synchronous, transient_database};
pub use handle::EverTask;

/// What the macros write about.
#[doc(hidden)]
pub mod __private {
    pub use {serde, serde_json};
}
