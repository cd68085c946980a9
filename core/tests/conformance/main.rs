//! The in-memory storage does what every storage has to do.

mod listing;

use evertask_core::storage::conformance::World;
use evertask_core::storage::{MemoryStorage, StorageBackend};

async fn world() -> impl World {
    Box::new(MemoryStorage::new()) as Box<dyn StorageBackend>
}

evertask_core::conformance_tests!(world);
