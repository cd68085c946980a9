//! The contract of every storage, held against a `SQLite` file.

use evertask_core::storage::StorageBackend;
use evertask_core::storage::conformance::World;
use evertask_storage::SqlStorage;

#[cfg(test)]
async fn world() -> impl World {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqlStorage::sqlite(directory.path().join("jobs.db"));
    (Box::new(storage) as Box<dyn StorageBackend>, directory)
}

evertask_core::conformance_tests!(world);
