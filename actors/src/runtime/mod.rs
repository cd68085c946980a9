//! One runtime: its settings, its thread, its life, and the client that talks to it.

mod assembly;
mod batch;
mod cancel;
mod client;
mod faults;
#[cfg(feature = "testing")]
mod in_memory;
mod lifecycle;
mod manage;
#[cfg(feature = "testing")]
mod provoke;
mod queue_handle;
mod request;
mod series;
mod settings;
mod start;

pub use client::Client;
pub(crate) use faults::{FaultPoint, FaultSwitch};
#[cfg(feature = "testing")]
pub use faults::{Phase, Provocation, Target};
#[cfg(feature = "testing")]
pub use in_memory::InMemory;
pub(crate) use lifecycle::Lifecycle;
pub use lifecycle::RuntimeFault;
pub use manage::ManageRequest;
pub use queue_handle::{QueueHandle, QueueRequest};
pub use request::DispatchRequest;
pub use settings::{Settings, StartError};
pub use start::{Runtime, start};
