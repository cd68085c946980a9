//! Wakes queues when something stored in them becomes due, and holds what is due soon.
//!
//! A task that is due later than the horizon is a stored row like any other; of those, one instant per
//! queue is kept here, the next at which a claim would find something. So a million tasks that are due
//! tomorrow cost one timer and no memory. What is due within the horizon is claimed before and waits
//! here, owned by this process, to be handed over at its very instant.

mod actor;
mod parked;
mod timetable;

pub(crate) use actor::{LookAgain, LookBy, Scheduler, SchedulerDeps, WakeAt, look_when_due};
pub(crate) use parked::{GiveBackAll, Hasten, MoveSlots, Park, recall};
