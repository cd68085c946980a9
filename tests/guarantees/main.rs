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
mod dice;
mod ground;
mod server;
mod stage;
mod subscriber;

// First, for the macro that the others use.
#[macro_use]
mod one_shot;

mod api;
mod audit;
mod backlog;
mod batches;
mod claims;
mod crashes;
mod cut_off;
mod dispatch_in;
mod evolution;
mod faults;
mod follow_ups;
mod horizon;
mod idling;
mod keys;
mod kills;
mod limits;
mod logs;
mod next_runs;
mod queues;
mod races;
mod readme;
mod results;
mod retention;
mod retries;
mod running;
mod series;
mod signals;
