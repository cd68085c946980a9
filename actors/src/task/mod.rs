//! What an application writes: tasks and their handlers.

mod blocking;
mod catalog;
mod context;
mod data;
mod definition;
mod erased;
mod error;
mod filter;
mod function;
mod handler;
mod outcome;
mod payload;
mod result;
mod retries;

pub use blocking::BlockingHandler;
pub use catalog::{CatalogBuilder, CatalogError};
pub(crate) use catalog::{HandlerCatalog, RegisteredTask};
pub(crate) use context::DeliveryContext;
pub use context::{SeriesRun, TaskContext};
pub(crate) use data::AppData;
pub use data::{Data, Need};
pub use definition::{Task, TaskOptions};
pub(crate) use erased::{Body, BodyResult, Hook, Payload};
pub use error::{TaskError, TaskResult};
pub(crate) use filter::RetryFilter;
pub use function::{FromContext, HandlerFunction, TaskFunction};
pub use handler::TaskHandler;
pub use outcome::TaskOutcome;
pub use result::{IntoTaskResult, TaskOutput};
