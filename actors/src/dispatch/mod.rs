//! Asking for work: the message, its options and its errors.

mod admission;
mod admitted;
mod answer;
mod batch;
mod check;
mod error;
mod keyed;
mod message;
mod prepared;
mod route;
mod series;
mod turns;

pub(crate) use admission::{AdmissionDeps, Inspected, admit, inspect};
pub(crate) use admitted::Admitted;
pub use answer::{DispatchOutcome, Dispatched};
pub use batch::{BatchError, DispatchAll, DispatchAllOrNothing};
pub(crate) use batch::{dispatch_all, dispatch_all_or_nothing};
pub use error::{DispatchError, Stored};
pub use message::Dispatch;
pub use prepared::PreparedTask;
pub(crate) use turns::KeyTurns;
