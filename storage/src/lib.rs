//! Task storage of evertask in an SQL database, on `SeaORM`.
//!
//! [`SqlStorage`] says where the tasks are kept; the runtime opens it. This version knows `SQLite`,
//! `PostgreSQL`, `MariaDB` and `MySQL`.
//! Whole groups of writes go to the database as a few set-based statements with one JSON parameter
//! each, because sending rows one by one is what costs; reads go through the entities.
//!
//! What differs between databases is behind two seams: a `Dialect` writes, a
//! `Liveness` tells who is dead. Each database has a folder with both and with
//! how its connections are set up; everything else is shared.

mod address;
mod database_error;
mod dialect;
mod fields;
mod group;
mod insert_in;
mod liveness;
mod mysql;
mod postgres;
mod read;
mod record;
mod registry;
mod retention;
mod rows;
mod schema;
mod session;
mod sql_storage;
mod sqlite;
mod statement_counter;
mod transient;
mod write_connection;
mod writer;

pub use insert_in::InsertInError;
pub use sql_storage::{SqlStorage, Synchronous};
pub use statement_counter::StatementCounter;
pub use transient::transient_database;
