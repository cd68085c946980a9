//! The storage on `MariaDB` and `MySQL`.

mod conformance;
mod connections;
mod groups;
mod liveness;
mod opening;
mod outage;
mod server;
mod texts;
