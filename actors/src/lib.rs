//! The actors of evertask and their supervision.
//!
//! ```text
//! Supervisor  ── owns ──► Persistence   Scheduler   Monitor   WorkerPool("default")  WorkerPool("mail") …
//! ```
//!
//! An application uses the crate `evertask`, which offers what is public here. `ARCHITECTURE.md`
//! explains how the parts work together and what they promise.

#[cfg(not(panic = "unwind"))]
compile_error!(
    "evertask restarts crashed actors by catching their panics; with `panic = \"abort\"` any panic \
     would end the whole process. Remove `panic = \"abort\"` from the Cargo profile."
);

mod delivery;
mod dispatch;
mod log;
mod monitor;
mod persistence;
mod pool;
mod queue;
mod retention;
pub mod runtime;
mod scheduler;
pub mod supervision;
mod supervisor;
mod task;
mod throttle;
mod waiting;

pub use dispatch::{
    BatchError, Dispatch, DispatchAll, DispatchAllOrNothing, DispatchError, DispatchOutcome,
    Dispatched, PreparedTask, Stored,
};
pub use log::{LogCapture, LogTail, TailItem};
pub use monitor::{
    EventStream, LimitEvent, LimitEventKind, LimitEvents, QueueEvent, QueueEventKind, QueueEvents,
    TaskEvent, TaskEventKind,
};
pub use persistence::{HealthWatch, StorageHealth};
pub use queue::{Queue, QueueError, WhenFull};
pub use retention::{RetentionReport, RetentionStepReport};
pub use runtime::{
    Client, DispatchRequest, ManageRequest, QueueHandle, QueueRequest, RuntimeFault,
};
pub use supervisor::{
    Backfill, BackfillOutcome, Cancel, CancelAll, CancelByKey, CancelOutcome, CancelReport,
    CancelledTask, ControlQueue, DeclareError, DeclareSeries, Declared, GetDeletion, GetLogs,
    GetNextRuns, GetQueues, GetTask, LeftBehind, ManageAll, ManageOutcome, ManageReport,
    ManageTask, NoResult, PreviewRetention, QueueOutcome, QueueStatus, RequestError, RunRetention,
    Shutdown, ShutdownNow, ShutdownReport, Subscribe, Supervisor, TailLogs, TaskView,
};
pub use task::{
    BlockingHandler, CatalogBuilder, CatalogError, Data, FromContext, HandlerFunction,
    IntoTaskResult, Need, SeriesRun, Task, TaskContext, TaskError, TaskFunction, TaskHandler,
    TaskOptions, TaskOutcome, TaskOutput, TaskResult,
};
pub use throttle::{LimitError, Limits, LimitsOverview};
pub use waiting::WaitError;
