//! What the storage on `SQLite` does that a storage in memory can't be asked for: files, schema,
//! processes, and the columns as they are stored.

mod cancelling;
mod changing;
mod claiming;
mod conformance;
mod idling;
mod logging;
mod opening;
mod processes;
mod round_trip;
mod world;
