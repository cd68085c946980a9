//! What a task is, independent of actors and storages.

mod attempt;
mod failure;
mod id;
mod id_source;
mod name;
mod progress;
mod record;
mod run;
mod series;
mod status;
mod wait_reason;

pub use attempt::{AttemptOutcome, AttemptRecord};
pub use failure::{Failure, FailureKind, fingerprint};
pub use id::{AttemptId, DeliveryId, Generation, ProcessId, TaskId};
pub use id_source::{IdSource, RandomIds, SeededIds};
pub use name::{InvalidName, MAX_NAME_LENGTH, check_name};
pub use progress::Progress;
pub use record::{RowState, TaskDefinition, TaskRecord, TraceContext};
pub use run::RunRecord;
pub use series::{MAX_RUN_COUNT, Registered, SeriesDefinition};
pub use status::{Status, UnknownStatus};
pub use wait_reason::{UnknownWaitReason, WaitReason};
