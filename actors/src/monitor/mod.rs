//! Tells the world what happened to tasks, after it was committed.
//!
//! Events are numbered here. Each subscriber has a bounded outbox of its own: one that is slow or
//! gone costs nobody else anything, and it learns how many events it missed.

mod actor;
mod broadcast;
mod event;
mod limit_event;
mod queue_event;
mod stream;

pub(crate) use actor::{Monitor, MonitorDeps, Publisher, Subscribers};
pub(crate) use event::Happening;
pub use event::{TaskEvent, TaskEventKind};
pub use limit_event::{LimitEvent, LimitEventKind, LimitEvents};
pub use queue_event::{QueueEvent, QueueEventKind, QueueEvents};
pub use stream::EventStream;
