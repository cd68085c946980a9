//! Asking for work: the message, its options and its errors.

mod admission;
mod answer;
mod check;
mod error;
mod message;
mod prepared;
mod route;

pub(crate) use admission::{AdmissionDeps, Admitted, Inspected, admit, inspect};
pub use answer::{DispatchOutcome, Dispatched, KeptReason};
pub use error::{DispatchError, Stored};
pub use message::Dispatch;
pub use prepared::PreparedTask;
