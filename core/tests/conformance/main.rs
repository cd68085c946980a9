//! The in-memory storage does what every storage has to do, and the suite finds those that don't.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends with what it did not expect, also in a function that tests share"
)]

mod faulty;
mod listing;
mod row;
mod wrong;

use evertask_core::storage::conformance::World;
use evertask_core::storage::{MemoryStorage, StorageBackend};

async fn world() -> impl World {
    Box::new(MemoryStorage::new()) as Box<dyn StorageBackend>
}

evertask_core::conformance_tests!(world);
