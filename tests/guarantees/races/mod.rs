//! Interleavings that could lose a task, run it twice or spin, each forced step by step.

mod claims;
mod generations;
mod panics;
mod parking;
mod sweeps;
pub(crate) mod world;
