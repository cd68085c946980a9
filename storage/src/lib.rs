//! Task storage of evertask in an SQL database, on `SeaORM`.
//!
//! [`SqlStorage`] says where the tasks are kept; the runtime opens it. This version knows `SQLite`.
//! Whole groups of writes go to the database as a few set-based statements with one JSON parameter
//! each, because sending rows one by one is what costs; reads go through the entities.

mod address;
mod database_error;
mod record;
mod sql_storage;
mod sqlite;
mod statement_counter;

pub use sql_storage::{SqlStorage, Synchronous};
pub use statement_counter::StatementCounter;
