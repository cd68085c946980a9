//! Wakes queues at the earliest time something in them becomes due.
//!
//! It holds no tasks. A delayed task, or one that waits for its next attempt, is a stored row like
//! any other; what is kept here is one instant per queue, the next at which a claim would find
//! something. So a million tasks that are due tomorrow cost one timer and no memory.

mod actor;
mod timetable;

pub(crate) use actor::{Scheduler, SchedulerDeps, WakeAt, look_when_due};
