//! One runtime: its settings, its thread, its life, and the client that talks to it.

mod assembly;
mod client;
mod faults;
mod lifecycle;
#[cfg(feature = "testing")]
mod provoke;
mod queue_handle;
mod settings;
mod start;

pub use client::{Client, DispatchRequest};
pub(crate) use faults::{FaultPoint, FaultSwitch};
#[cfg(feature = "testing")]
pub use faults::{Phase, Provocation, Target};
pub(crate) use lifecycle::Lifecycle;
pub use lifecycle::RuntimeFault;
pub use queue_handle::{QueueHandle, QueueRequest};
pub use settings::{Settings, StartError};
pub use start::{Runtime, start};
