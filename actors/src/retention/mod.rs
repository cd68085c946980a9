//! Deleting what nobody wants to keep any longer.
//!
//! A cycle does the steps of the policy's plan, batch after batch, and lets everything else have its
//! turn between two of them. The housekeeper begins one at its times, or when it is asked to. Without
//! a policy there is no housekeeper, and nothing here costs anything.

mod cycle;
mod housekeeper;
mod report;

pub(crate) use cycle::{Retention, RetentionDeps};
pub(crate) use housekeeper::{Housekeeper, HousekeeperDeps, PreviewCycle, RunCycle};
pub use report::{RetentionReport, RetentionStepReport};
