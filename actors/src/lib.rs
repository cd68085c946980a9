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
mod monitor;
mod persistence;
mod pool;
mod queue;
pub mod runtime;
mod scheduler;
pub mod supervision;
mod supervisor;
mod task;

pub use dispatch::{Dispatch, DispatchError, Stored};
pub use monitor::{EventStream, TaskEvent, TaskEventKind};
pub use queue::{Queue, QueueError, WhenFull};
pub use runtime::{Client, DispatchRequest, RuntimeFault};
pub use supervisor::{
    Cancel, CancelOutcome, GetTask, LeftBehind, RequestError, Shutdown, ShutdownReport, Subscribe,
    Supervisor, TaskView,
};
pub use task::{
    BlockingHandler, CatalogBuilder, CatalogError, Task, TaskContext, TaskError, TaskHandler,
    TaskOptions, TaskResult,
};
