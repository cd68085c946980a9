//! Named queues: how they are configured, and the shared account of their places and slots.

mod config;
mod gate;
mod gates;
mod line;
mod resolve;
mod turns;

pub use config::{Queue, QueueError, WhenFull};
pub(crate) use gate::{AheadPlace, Gate, Place, Slot, Spill};
pub(crate) use gates::Gates;
pub(crate) use line::Waiting;
pub(crate) use resolve::{QueueConfig, Surroundings, resolve};
pub(crate) use turns::{AwaitsTurn, Concerned, Turn, TurnKeeper};
