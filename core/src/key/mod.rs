//! What a dispatch with a key comes to.
//!
//! A key names a piece of work: as long as a task holds it, a dispatch with the same key means that
//! task. [`decide`] is the table of what then happens, and [`redefine`] writes what the task is to be.
//! Nothing here is locked: the storage answers who holds a key, and takes a new definition only if the
//! row has not moved on since.

mod decide;
mod redefine;
mod revive;
mod text;

pub use decide::{DispatchKind, Holder, HolderKind, KeptReason, KeyDecision, Redefined, decide};
pub use redefine::{NothingLeft, redefine};
pub use revive::Revive;
pub use text::{InvalidKey, check_key};
