//! The only actor that writes to the storage.
//!
//! Everybody posts writes here; they commit in groups. A group is flushed when no other is being
//! flushed, and everything that arrives meanwhile makes the next one, so the groups grow with the
//! load and a lone write waits for nobody.
//!
//! The writes that wait and the flush that runs live outside the actor's state: a crash of the
//! actor loses the message it was handling and nothing else. Whoever sent that message sees its
//! reply dropped and sends the write again, which conditional writes make harmless.

mod actor;
mod chain;
mod client;
mod flush;
mod group;
mod health;
mod outcome_events;

pub(crate) use actor::{Persistence, PersistenceDeps};
pub(crate) use chain::{ChangeChain, Settled};
pub(crate) use client::{Patience, PersistenceClient, Posted, WriteError};
pub(crate) use group::WriteQueue;
pub(crate) use health::HealthSignal;
pub use health::{HealthWatch, StorageHealth};
