//! The actor an application knows.
//!
//! It takes dispatches, cancels, subscriptions, queries and the order to shut down, hands each to
//! whoever does it, and answers when it is done. It keeps no task in its state, so a crash of it
//! loses the message it was handling and nothing else.

mod actor;
mod cancel;
mod cancelling;
mod manage;
mod managing;
mod messages;
mod pages;
mod queues;
mod scheduling;
mod series;
mod shutdown;
mod view;

pub use actor::Supervisor;
pub(crate) use actor::SupervisorDeps;
pub use cancel::{Cancel, CancelAll, CancelByKey, CancelOutcome, CancelReport, CancelledTask};
pub use manage::{GetDeletion, ManageAll, ManageOutcome, ManageReport, ManageTask};
pub use messages::{
    GetLogs, GetTask, PreviewRetention, RequestError, RunRetention, Shutdown, ShutdownNow,
    Subscribe, TailLogs,
};
pub use queues::{ControlQueue, GetQueues, QueueOutcome, QueueStatus};
pub use series::{Backfill, BackfillOutcome, DeclareError, DeclareSeries, Declared, GetNextRuns};
pub use shutdown::{LeftBehind, ShutdownReport};
pub(crate) use shutdown::{ShutdownDeps, ShutdownTimes, Shutdowns};
pub use view::{NoResult, TaskView};
