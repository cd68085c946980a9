//! The storage on `PostgreSQL`.

mod concurrency;
mod conformance;
mod idling;
mod opening;
mod outage;
mod round_trip;
mod server;
