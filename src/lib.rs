#![doc = include_str!("../README.md")]

mod builder;
mod dispatch_in;
mod handle;
mod signals;

pub use builder::Builder;
pub use dispatch_in::{DispatchInError, dispatch_in};
pub use evertask_actors::runtime::StartError;
#[cfg(feature = "testing")]
pub use evertask_actors::runtime::{InMemory, Phase, Provocation, Target};
pub use evertask_actors::{
    Backfill, BackfillOutcome, BatchError, BlockingHandler, Cancel, CancelAll, CancelByKey,
    CancelOutcome, CancelReport, CancelledTask, CatalogError, Client, ControlQueue, Data,
    DeclareError, DeclareSeries, Declared, Dispatch, DispatchAll, DispatchAllOrNothing,
    DispatchError, DispatchOutcome, DispatchRequest, Dispatched, EventStream, FromContext,
    GetDeletion, GetLogs, GetNextRuns, GetQueues, GetTask, HandlerFunction, HealthWatch,
    IntoTaskResult, LeftBehind, LimitError, LimitEvent, LimitEventKind, LimitEvents, Limits,
    LimitsOverview, LogCapture, LogTail, ManageAll, ManageOutcome, ManageReport, ManageRequest,
    ManageTask, Need, NoResult, PreparedTask, PreviewRetention, Queue, QueueError, QueueEvent,
    QueueEventKind, QueueEvents, QueueHandle, QueueOutcome, QueueRequest, QueueStatus,
    RequestError, RetentionReport, RetentionStepReport, RunRetention, RuntimeFault, SeriesRun,
    Shutdown, ShutdownNow, ShutdownReport, StorageHealth, Stored, Subscribe, Supervisor, TailItem,
    TailLogs, Task, TaskContext, TaskError, TaskEvent, TaskEventKind, TaskFunction, TaskHandler,
    TaskOptions, TaskOutcome, TaskOutput, TaskResult, TaskView, WaitError, WhenFull,
};
pub use evertask_core::audit::AuditLevel;
pub use evertask_core::key::{InvalidKey, KeptReason, Revive};
pub use evertask_core::limit::{self, RateLimit, Scope};
pub use evertask_core::log::{
    LevelRange, LogCursor, LogLevel, LogLine, LogOptions, LogPage, LogSearch,
};
pub use evertask_core::manage::Refusal;
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
    AttemptOutcome, AttemptRecord, Failure, FailureKind, Progress, RunRecord, Status, TaskId,
    TaskRecord, TraceContext, WaitReason,
};
pub use evertask_core::{log, random, schedule, task, time};
pub use evertask_macros::{Task, task};
pub use evertask_storage::{
    InsertInError, SqlStorage, StatementCounter, Synchronous, transient_database,
};
pub use handle::EverTask;
pub use signals::SignalError;

/// What the macros write about.
#[doc(hidden)]
pub mod __private {
    pub use {serde, serde_json};
}
