//! What an application writes: tasks and their handlers.

mod blocking;
mod catalog;
mod context;
mod definition;
mod erased;
mod error;
mod filter;
mod handler;
mod outcome;
mod payload;
mod retries;

pub use blocking::BlockingHandler;
pub use catalog::{CatalogBuilder, CatalogError};
pub(crate) use catalog::{HandlerCatalog, RegisteredTask};
pub(crate) use context::DeliveryContext;
pub use context::TaskContext;
pub use definition::{Task, TaskOptions};
pub(crate) use erased::{Body, Hook, Payload};
pub use error::{TaskError, TaskResult};
pub(crate) use filter::RetryFilter;
pub use handler::TaskHandler;
pub use outcome::TaskOutcome;
