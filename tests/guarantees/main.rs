//! What evertask promises, one file per promise.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::similar_names,
    clippy::wildcard_enum_match_arm,
    reason = "a test ends with what it did not expect, also in a function that tests share"
)]

mod child;
mod ground;
mod stage;

mod api;
mod backlog;
mod crashes;
mod idling;
mod kills;
mod one_shot;
mod races;
mod running;
