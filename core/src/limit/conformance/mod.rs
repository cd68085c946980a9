//! What every limiter has to do, as tests.
//!
//! The contract of [`Limiter`](super::Limiter) is prose; these cases are that prose held against an
//! implementation. One line runs them all, each as a test of its own:
//!
//! ```
//! use evertask_core::limit::{Limiter, SharedLimiter};
//!
//! fn limiter(max_keys: usize) -> Box<dyn Limiter> {
//!     Box::new(SharedLimiter::new(max_keys))
//! }
//!
//! evertask_core::limiter_conformance_tests!(limiter);
//! # fn main() {}
//! ```
//!
//! [`CASES`] lists them for other uses. A case begins with a new limiter and gives every instant
//! itself, so it needs no clock and no wait.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this module is tests: a case is named by what it says, and fails by a panic"
)]

mod cases;
mod world;

pub mod allowance;
pub mod bounds;
pub mod change;
pub mod figures;
pub mod refusal;
pub mod scopes;
pub mod several;
pub mod slots;

pub use cases::{CASES, Case};
pub use world::Make;
