//! Tasks in a `SQLite` file.
//!
//! One connection writes, a few read. `SQLite` has one writer at a time anyway; with a connection of
//! its own, a group never waits for a connection and finds its statements prepared.

mod cancel;
mod change;
mod claim;
mod connection;
mod group;
mod insert;
mod owners;
mod reconsider;
mod registry;
mod rows;
mod schema;
mod session;
mod statements;
mod writer;

pub(crate) use session::Session;
