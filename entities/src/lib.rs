//! `SeaORM` entities of evertask, one table a file.
//!
//! They are the reading side: a query selects an entity's columns and gets its `Model`. The tables
//! have a prefix that is chosen at run time, which an entity can't know; a query therefore reads
//! the prefixed table *under the entity's own name* (see [`under`]), and columns, filters and orders
//! stay typed. Writes of whole groups are set-based statements and live in the storage.

pub mod attempt;
pub mod deletion;
mod instant;
pub mod log_line;
pub mod process;
pub mod queue;
pub mod queue_audit;
pub mod run;
pub mod status_audit;
pub mod task;
mod under;

pub use instant::Instant;
pub use under::{under, under_in};
