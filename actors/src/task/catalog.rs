use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use evertask_core::retry::InvalidRetryPolicy;
use evertask_core::task::{InvalidName, check_name};
use thiserror::Error;

use super::blocking::BlockingHandler;
use super::definition::{Task, TaskOptions};
use super::erased::{AnyHandler, AsyncAdapter, BlockingAdapter};
use super::handler::TaskHandler;

/// A kind of task with its handler, as registered.
#[derive(Clone)]
pub(crate) struct RegisteredTask {
    pub(crate) name: &'static str,
    pub(crate) options: TaskOptions,
    pub(crate) handler: Arc<dyn AnyHandler>,
}

/// Everything a runtime can run, by stable name.
pub(crate) struct HandlerCatalog {
    tasks: HashMap<&'static str, RegisteredTask>,
}

impl HandlerCatalog {
    pub(crate) fn get(&self, name: &str) -> Option<&RegisteredTask> {
        self.tasks.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.tasks.keys().copied()
    }

    pub(crate) fn tasks(&self) -> impl Iterator<Item = &RegisteredTask> {
        self.tasks.values()
    }
}

/// Collects handlers; what is wrong with them is said by `build`.
#[derive(Default)]
pub struct CatalogBuilder {
    tasks: Vec<Registration>,
}

struct Registration {
    task: RegisteredTask,
    /// How a task without a usable name is named.
    type_name: &'static str,
}

/// A registration that can't be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// Nothing could ever run.
    #[error("no handler is registered; add one with `.handler(…)`")]
    Empty,
    /// Two handlers for one name.
    #[error("two handlers are registered for the task {0:?}; each task name needs exactly one")]
    Duplicate(&'static str),
    /// A name that can't be stored.
    #[error("the task name of the type {type_name} can't be used: {source}")]
    Name {
        /// The Rust type of the handler's task.
        type_name: String,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// A retry policy that makes no sense.
    #[error("the retry policy of the task {task:?} can't be used: {source}")]
    Retry {
        /// The task.
        task: &'static str,
        /// What is wrong with it.
        source: InvalidRetryPolicy,
    },
}

impl CatalogBuilder {
    /// Registers an asynchronous handler for the tasks of type `T`.
    pub fn add<T: Task, H: TaskHandler<T>>(&mut self, handler: H) {
        self.push::<T>(Arc::new(AsyncAdapter::new(handler)));
    }

    /// Registers a blocking handler for the tasks of type `T`.
    pub fn add_blocking<T: Task, H: BlockingHandler<T>>(&mut self, handler: H) {
        self.push::<T>(Arc::new(BlockingAdapter::new(handler)));
    }

    fn push<T: Task>(&mut self, handler: Arc<dyn AnyHandler>) {
        let task = RegisteredTask {
            name: T::NAME,
            options: T::options(),
            handler,
        };
        self.tasks.push(Registration {
            task,
            type_name: std::any::type_name::<T>(),
        });
    }

    pub(crate) fn build(self) -> Result<HandlerCatalog, CatalogError> {
        if self.tasks.is_empty() {
            return Err(CatalogError::Empty);
        }
        let mut tasks = HashMap::new();
        for Registration { task, type_name } in self.tasks {
            let name = task.name;
            check_name(name).map_err(|source| CatalogError::Name {
                type_name: type_name.to_owned(),
                source,
            })?;
            if let Some(retry) = &task.options.retry {
                retry
                    .validate()
                    .map_err(|source| CatalogError::Retry { task: name, source })?;
            }
            if tasks.insert(name, task).is_some() {
                return Err(CatalogError::Duplicate(name));
            }
        }
        Ok(HandlerCatalog { tasks })
    }
}

impl fmt::Debug for CatalogBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.tasks.iter().map(|added| added.task.name).collect();
        formatter
            .debug_tuple("CatalogBuilder")
            .field(&names)
            .finish()
    }
}
