//! Named queues: how they are configured, and the shared account of their places and slots.

mod config;
mod gate;
mod turns;

pub use config::{Queue, QueueError, WhenFull};
pub(crate) use gate::{Gate, Place, Slot, Spill};
pub(crate) use turns::{AwaitsTurn, Turn, TurnKeeper};
