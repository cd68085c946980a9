//! `SeaORM` migrations of evertask.
//!
//! A migration says in its own words what it creates and never imports the entities: an entity that
//! changes later must not change what an old migration did. The tables share a prefix that is
//! chosen at run time, so the migrations are values that hold it, and so is the table that records
//! which of them were applied: evertask never touches the application's `seaql_migrations`.

mod column;
mod m20261121_000001_initial;
mod m20261122_000002_series;
mod m20261122_000003_logs;
mod m20261122_000004_search;
mod m20261122_000005_deadline;
mod m20261122_000006_keys;
mod m20261122_000007_queues;
mod m20261122_000008_claims;
mod m20261122_000009_concurrency;
mod m20261122_000010_results;
mod m20261122_000011_deletions;
mod m20261122_000012_schedules;
mod m20261122_000013_limits;
mod migrator;
mod prefix;
mod table;

pub use migrator::Migrator;
pub use prefix::{InvalidTablePrefix, TablePrefix};
