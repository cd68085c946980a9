//! Asking for work: the message, its options and its errors.

mod admission;
mod check;
mod error;
mod message;

pub(crate) use admission::{
    AdmissionDeps, Admitted, Gates, Inspected, admit, hold_under_way, inspect, inspect_live,
};
pub use error::{DispatchError, Stored};
pub use message::Dispatch;
