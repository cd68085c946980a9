//! Asking for work: the message, its options and its errors.

mod admission;
mod answer;
mod check;
mod error;
mod keyed;
mod message;
mod route;
mod turns;

pub(crate) use admission::{AdmissionDeps, admit};
pub use answer::{DispatchOutcome, Dispatched};
pub use error::{DispatchError, Stored};
pub use message::Dispatch;
pub(crate) use turns::KeyTurns;
