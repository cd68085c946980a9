#![doc = include_str!("../README.md")]

mod builder;
mod dispatch_in;
mod handle;

pub use builder::Builder;
pub use dispatch_in::{DispatchInError, dispatch_in};
pub use evertask_actors::runtime::StartError;
#[cfg(feature = "testing")]
pub use evertask_actors::runtime::{Phase, Provocation, Target};
pub use evertask_actors::{
    BlockingHandler, Cancel, CancelOutcome, CatalogError, Client, ControlQueue, Dispatch,
    DispatchError, DispatchOutcome, DispatchRequest, Dispatched, EventStream, GetLogs, GetQueues,
    GetTask, HealthWatch, KeptReason, LeftBehind, LogCapture, LogTail, PreparedTask,
    PreviewRetention, Queue, QueueError, QueueEvent, QueueEventKind, QueueEvents, QueueHandle,
    QueueOutcome, QueueRequest, QueueStatus, RequestError, RetentionReport, RetentionStepReport,
    RunRetention, RuntimeFault, Shutdown, ShutdownReport, StorageHealth, Stored, Subscribe,
    Supervisor, TailItem, TailLogs, Task, TaskContext, TaskError, TaskEvent, TaskEventKind,
    TaskHandler, TaskOptions, TaskOutcome, TaskResult, TaskView, WhenFull,
};
pub use evertask_core::audit::AuditLevel;
pub use evertask_core::log::{
    LevelRange, LogCursor, LogLevel, LogLine, LogOptions, LogPage, LogSearch,
};
pub use evertask_core::rank::{HIGHEST_PRIORITY, InvalidPriority, LOWEST_PRIORITY};
pub use evertask_core::retention::{
    self, EndedTasks, RetentionPolicy, RetentionRules, RetentionWarning, Window,
};
pub use evertask_core::retry::{
    CustomRetry, ErrorClass, Exponential, InvalidRetryPolicy, Jitter, RetryPolicy,
    transient_network,
};
pub use evertask_core::storage::{self, MemoryStorage, StorageError, StorageErrorKind};
pub use evertask_core::task::{
    AttemptOutcome, AttemptRecord, Failure, FailureKind, RunRecord, Status, TaskId, TaskRecord,
    TraceContext, WaitReason,
};
pub use evertask_core::{log, random, schedule, task, time};
pub use evertask_storage::{
    InsertInError, SqlStorage, StatementCounter, Synchronous, transient_database,
};
pub use handle::EverTask;
