//! Waiting for the end of a task, wherever it runs.
//!
//! What ends in this process is told by the flush that committed it. What another process does is not
//! told, so a task that has no delivery here is looked at now and then: ever less often, and one task
//! at a time, however many are waited for.

mod end;
mod ends;
mod error;

pub(crate) use end::wait_for;
pub(crate) use ends::Ends;
pub use error::WaitError;
