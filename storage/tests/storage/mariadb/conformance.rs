//! The contract of every storage, held against tables of a `MariaDB` database.

use evertask_core::storage::conformance::World;

use super::server::Place;

async fn world() -> Option<impl World> {
    Place::new().await
}

evertask_core::conformance_tests!(world);
