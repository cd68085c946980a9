//! When a failed attempt is followed by another one, and how long after.
//!
//! Three things have a say, and each is apart so that it can be tested alone:
//!
//! | what | where it comes from | says |
//! |---|---|---|
//! | [`RetryPolicy`] | a dispatch, a kind of task, a queue or the runtime; stored with a task | how often, how long after, which kinds of failure |
//! | [`FilterVerdict`] | closures of a kind of task, asked about the error itself | whether this error is worth it |
//! | [`Advice`] | the handler | how long after |
//!
//! [`Retries`] is a policy that is ready to decide: its name, if it has one, stands for a policy that
//! the application has registered.

mod custom;
mod error_class;
mod exponential;
mod policy;
mod refined;
mod retries;

pub use custom::{CustomRetries, CustomRetry};
pub use error_class::{ErrorClass, transient_network};
pub use exponential::{Exponential, Jitter};
pub use policy::{InvalidRetryPolicy, MAX_DELAY, RetryPolicy};
pub use refined::RefinedRetry;
pub use retries::{Advice, FilterVerdict, Retries};
