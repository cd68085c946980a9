//! Vocabulary and pure decisions of evertask, and the contract of its storages.
//!
//! Nothing here knows actix, SQL or the time of day. What the actors decide, they decide with the
//! functions of this crate, so that every rule can be tested without a thread, a database or a
//! wait.

pub mod audit;
pub mod concurrency;
pub mod delay_queue;
pub mod key;
pub mod lease;
pub mod limit;
pub mod log;
pub mod manage;
pub mod outcome;
pub mod random;
pub mod rank;
pub mod retention;
pub mod retry;
pub mod schedule;
pub mod storage;
pub mod task;
pub mod time;
pub mod window;
