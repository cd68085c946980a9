//! Keeping what tasks log.
//!
//! A [`DeliveryLog`] takes the lines of one delivery from whoever logs: the layer [`LogCapture`],
//! which sees the events of the handler and of the libraries it calls, and the handler itself
//! through its context. Lines are written while the delivery runs, and the last of them together
//! with its outcome. What is stored is told to the readers that follow a task.

mod capture;
mod delivery_log;
mod event_text;
mod tail;
mod write;

pub use capture::LogCapture;
pub(crate) use capture::span_captured_by;
pub(crate) use delivery_log::DeliveryLog;
pub(crate) use event_text::printed;
pub(crate) use tail::LogTails;
pub use tail::{LogTail, TailItem};
