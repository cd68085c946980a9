//! What every storage has to do, as tests.
//!
//! The contract of [`TaskStorage`](super::TaskStorage) is prose; these cases are that prose held
//! against a database. A storage runs them all with one line, each as a test of its own:
//!
//! ```
//! use evertask_core::storage::conformance::World;
//! use evertask_core::storage::{MemoryStorage, StorageBackend};
//!
//! async fn world() -> impl World {
//!     Box::new(MemoryStorage::new()) as Box<dyn StorageBackend>
//! }
//!
//! evertask_core::conformance_tests!(world);
//! # fn main() {}
//! ```
//!
//! `examples/metered_storage.rs` of this crate is a storage of somebody's own that passes them.
//!
//! What has to live as long as the storage, such as a temporary directory, comes beside it: a
//! [`World`] is also `(Box<dyn StorageBackend>, guard)`.
//!
//! [`CASES`] lists them for other uses. What a storage does when its database fails is tried with a
//! [`FaultyStorage`](super::faulty::FaultyStorage) around it.
//!
//! A case begins with an empty storage and gives every instant itself, so it needs no clock and
//! no wait, and all of them can run side by side. Processes that die do so before the process
//! that is to notice has started: when a storage looks for the dead is its own affair.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this module is tests: a case is named by what it says, and fails by a panic"
)]

mod cases;
mod cycle;
mod generated;
mod process;
mod sample;
mod world;

pub mod all_or_nothing;
pub mod audit_levels;
pub mod cancel;
pub mod change;
pub mod claim;
pub mod claim_limits;
pub mod concurrency;
pub mod counts;
pub mod delete;
pub mod follow_ups;
pub mod group;
pub mod history;
pub mod history_pages;
pub mod insert;
pub mod keys;
pub mod lease;
pub mod liveness;
pub mod logs;
pub mod paging;
pub mod policies;
pub mod priorities;
pub mod queues;
pub mod quotas;
pub mod reads;
pub mod reconsider;
pub mod redefine;
pub mod results;
pub mod retention;
pub mod retention_logs;
pub mod retention_purge;
pub mod retention_scope;
pub mod retention_series;
pub mod round_trip;
pub mod search;
pub mod series;
pub mod statistics;
pub mod throttled;
pub mod timing;

pub use cases::{CASES, Case};
pub use world::{Offer, World, block_on};
