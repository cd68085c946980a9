//! How long what is stored is kept.
//!
//! A [`RetentionPolicy`] says it in windows of time; [`plan`] turns it, at one instant, into the
//! [`RetentionStep`]s of a cycle, in the order in which they have to be done. A storage does them
//! batch by batch and decides nothing. Everything is opt-in: without a window nothing is deleted,
//! and a window that is not positive is off and warned about, never "delete everything".

mod plan;
mod policy;
mod rules;
mod scope;
mod step;
mod window;

pub use plan::{RetentionPlan, RetentionWarning, plan};
pub use policy::RetentionPolicy;
pub use rules::RetentionRules;
pub use scope::RetentionScope;
pub use step::{
    EndedTasks, HistoryCutoffs, LogAge, LogGuard, PurgeTasks, RetentionBatch, RetentionCursor,
    RetentionStep, RetentionTarget,
};
pub use window::Window;
