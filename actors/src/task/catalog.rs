use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use evertask_core::concurrency::RunningLimit;
use evertask_core::limit::InvalidRateLimit;
use evertask_core::rank::{InvalidPriority, check_priority};
use evertask_core::retry::{CustomRetries, CustomRetry, InvalidRetryPolicy, Retries, RetryPolicy};
use evertask_core::task::{InvalidName, check_name};
use thiserror::Error;

use super::blocking::BlockingHandler;
use super::data::{AppData, AppDataBuilder, Data, Need};
use super::definition::{Task, TaskOptions};
use super::erased::{AnyHandler, AsyncAdapter, BlockingAdapter};
use super::function::{FunctionHandler, HandlerFunction, OwnHandler, TaskFunction};
use super::handler::TaskHandler;
use super::result::TaskOutput;
use super::retries::RetryRegistrations;
use crate::throttle::{KeyRate, TypeRates};

/// A kind of task with its handler, as registered.
#[derive(Clone)]
pub(crate) struct RegisteredTask {
    pub(crate) name: &'static str,
    pub(crate) options: TaskOptions,
    pub(crate) handler: Arc<dyn AnyHandler>,
    /// What the names of retry policies stand for.
    pub(crate) customs: Arc<CustomRetries>,
}

/// Everything a runtime can run, by stable name.
pub(crate) struct HandlerCatalog {
    tasks: HashMap<&'static str, RegisteredTask>,
    /// The present names of tasks that were stored under another one.
    aliases: HashMap<&'static str, &'static str>,
    data: AppData,
    customs: Arc<CustomRetries>,
}

impl HandlerCatalog {
    /// What handlers use of the application.
    pub(crate) fn data(&self) -> &AppData {
        &self.data
    }

    /// The task that is dispatched under that name.
    pub(crate) fn get(&self, name: &str) -> Option<&RegisteredTask> {
        self.tasks.get(name)
    }

    /// The task that rows of that name are: by its own name or by one it had before.
    pub(crate) fn stored_as(&self, name: &str) -> Option<&RegisteredTask> {
        let present = self.aliases.get(name).copied().unwrap_or(name);
        self.tasks.get(present)
    }

    /// Every name under which a row can be run.
    pub(crate) fn stored_names(&self) -> impl Iterator<Item = &'static str> {
        self.tasks.keys().chain(self.aliases.keys()).copied()
    }

    /// Answers whether a retry policy can be used here.
    pub(crate) fn check_retry(&self, policy: &RetryPolicy) -> Result<(), InvalidRetryPolicy> {
        Retries::resolve(policy, &self.customs).map(drop)
    }

    /// The limits on how many run at once, of each type under all its names.
    pub(crate) fn limits(&self) -> impl Iterator<Item = (Vec<String>, RunningLimit)> {
        let tasks = self.tasks.values();
        tasks.map(|task| {
            let names = self.names_of(task.name).map(str::to_owned);
            (names.collect(), task.options.running)
        })
    }

    /// Every name under which rows of a type may be stored.
    pub(crate) fn names_of<'a>(&'a self, task: &'a str) -> impl Iterator<Item = &'a str> {
        let aliases = self.aliases.iter();
        let aliases = aliases.filter(move |(_, present)| **present == task);
        std::iter::once(task).chain(aliases.map(|(alias, _)| *alias))
    }

    /// The rate limits of each type.
    pub(crate) fn rates(&self) -> impl Iterator<Item = (&'static str, TypeRates)> {
        let tasks = self.tasks.values();
        tasks.map(|task| (task.name, task.options.rates.clone()))
    }

    pub(crate) fn tasks(&self) -> impl Iterator<Item = &RegisteredTask> {
        self.tasks.values()
    }
}

/// Collects handlers; what is wrong with them is said by `build`.
#[derive(Default)]
pub struct CatalogBuilder {
    tasks: Vec<Registration>,
    data: AppDataBuilder,
    retries: RetryRegistrations,
}

struct Registration {
    task: RegisteredTask,
    aliases: &'static [&'static str],
    needs: Vec<Need>,
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
    /// An alias under which rows could be two kinds of tasks, or the same one twice.
    #[error(
        "the alias {alias:?} of the task {task:?} is a name or an alias of {other:?} already; \
         remove it from one of them"
    )]
    AliasTaken {
        /// The alias.
        alias: &'static str,
        /// The task that names it.
        task: &'static str,
        /// The task that has it; the same one if it names it twice.
        other: &'static str,
    },
    /// A name or an alias that can't be stored.
    #[error("the task name of the type {type_name} can't be used: {source}")]
    Name {
        /// The Rust type of the handler's task.
        type_name: String,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// A limit under which nothing would ever run.
    #[error("the task {0:?} may run no handler at once; the limit must be at least 1")]
    NoneRunning(&'static str),
    /// A priority beyond the range.
    #[error("the options of the task {task:?} can't be used: {source}")]
    Priority {
        /// The task.
        task: &'static str,
        /// What is wrong with it.
        source: InvalidPriority,
    },
    /// A retry policy that makes no sense.
    #[error("the retry policy of the task {task:?} can't be used: {source}")]
    Retry {
        /// The task.
        task: &'static str,
        /// What is wrong with it.
        source: InvalidRetryPolicy,
    },
    /// A rate limit that makes no sense.
    #[error("the rate limit of the task {task:?} can't be used: {source}")]
    Rate {
        /// The task.
        task: &'static str,
        /// What is wrong with it.
        source: InvalidRateLimit,
    },
    /// A handler takes data that is not there.
    #[error(
        "the handler of the task {task:?} takes data of the type {data}, and there is none; add it \
         with `.data(…)`"
    )]
    MissingData {
        /// The task.
        task: &'static str,
        /// The Rust type of the data.
        data: &'static str,
    },
    /// Two values of one type, of which a handler could get either.
    #[error("there are two values of data of the type {0}; wrap one of them in a type of its own")]
    DuplicateData(&'static str),
    /// A list of errors that are retried beside one of errors that are not.
    #[error(
        "the options of the task {0:?} say both which errors are retried and which are not; use one \
         list"
    )]
    MixedFilters(&'static str),
    /// A name that no retry policy can be registered under.
    #[error("a retry policy can't be registered under its name: {0}")]
    RetryName(InvalidName),
    /// Two retry policies for one name.
    #[error("two retry policies are registered as {0:?}")]
    DuplicateRetry(String),
}

impl CatalogBuilder {
    /// Registers an asynchronous handler for the tasks of type `T`.
    pub fn add<T: Task, O: TaskOutput>(&mut self, handler: impl TaskHandler<T, O>) {
        let needs = handler.needs();
        self.push::<T>(Arc::new(AsyncAdapter::new(handler)), needs);
    }

    /// Registers a blocking handler for the tasks of type `T`.
    pub fn add_blocking<T: Task, O: TaskOutput>(&mut self, handler: impl BlockingHandler<T, O>) {
        let needs = handler.needs();
        self.push::<T>(Arc::new(BlockingAdapter::new(handler)), needs);
    }

    /// Registers an async function that handles the tasks of type `T`.
    pub fn add_function<T: Task + Clone, Arguments: 'static>(
        &mut self,
        function: impl HandlerFunction<T, Arguments>,
    ) {
        self.add(FunctionHandler::new(function));
    }

    /// Registers a kind of task that brings its handler along.
    pub fn add_task<T: TaskFunction>(&mut self) {
        self.add::<T, T::Output>(OwnHandler);
    }

    /// Registers something of the application that handlers use.
    pub fn add_data<D: ?Sized + Send + Sync + 'static>(&mut self, data: Data<D>) {
        self.data.add(data);
    }

    /// Registers a retry policy by name.
    pub fn add_retry(&mut self, name: impl Into<String>, policy: impl CustomRetry) {
        self.retries.add(name.into(), policy);
    }

    fn push<T: Task>(&mut self, handler: Arc<dyn AnyHandler>, needs: Vec<Need>) {
        let task = RegisteredTask {
            name: T::NAME,
            options: T::options(),
            handler,
            customs: Arc::default(),
        };
        self.tasks.push(Registration {
            task,
            aliases: T::ALIASES,
            needs,
            type_name: std::any::type_name::<T>(),
        });
    }

    pub(crate) fn build(self) -> Result<HandlerCatalog, CatalogError> {
        if self.tasks.is_empty() {
            return Err(CatalogError::Empty);
        }
        let data = self.data.build().map_err(CatalogError::DuplicateData)?;
        let customs = Arc::new(self.retries.build()?);
        let mut tasks = HashMap::new();
        let mut aliases = Vec::new();
        for mut registration in self.tasks {
            registration.task.customs = Arc::clone(&customs);
            registration.check()?;
            registration.check_needs(&data)?;
            let Registration { task, .. } = registration;
            let name = task.name;
            aliases.extend(registration.aliases.iter().map(|alias| (*alias, name)));
            if tasks.insert(name, task).is_some() {
                return Err(CatalogError::Duplicate(name));
            }
        }
        let aliases = present_names(&tasks, aliases)?;
        Ok(HandlerCatalog {
            tasks,
            aliases,
            data,
            customs,
        })
    }
}

impl Registration {
    fn check_needs(&self, data: &AppData) -> Result<(), CatalogError> {
        match self.needs.iter().find(|need| !data.meets(need)) {
            None => Ok(()),
            Some(need) => Err(CatalogError::MissingData {
                task: self.task.name,
                data: need.type_name(),
            }),
        }
    }

    fn check(&self) -> Result<(), CatalogError> {
        let task = self.task.name;
        for name in std::iter::once(&task).chain(self.aliases) {
            check_name(name).map_err(|source| CatalogError::Name {
                type_name: self.type_name.to_owned(),
                source,
            })?;
        }
        let limit = self.task.options.running;
        if [limit.running, limit.running_per_key].contains(&Some(0)) {
            return Err(CatalogError::NoneRunning(task));
        }
        self.check_rates()?;
        check_priority(self.task.options.priority)
            .map_err(|source| CatalogError::Priority { task, source })?;
        self.check_retry()
    }

    fn check_rates(&self) -> Result<(), CatalogError> {
        let task = self.task.name;
        let rates = &self.task.options.rates;
        let per_key = match &rates.per_key {
            Some(KeyRate::Same(limit)) => Some(limit),
            Some(KeyRate::By(_)) | None => None,
        };
        for limit in rates.all.iter().chain(per_key) {
            let validated = limit.validate();
            validated.map_err(|source| CatalogError::Rate { task, source })?;
        }
        Ok(())
    }

    fn check_retry(&self) -> Result<(), CatalogError> {
        let RegisteredTask {
            name: task,
            options,
            customs,
            ..
        } = &self.task;
        let (mut allows, mut denies) = (
            !options.filter.only.is_empty(),
            !options.filter.except.is_empty(),
        );
        if let Some(retry) = &options.retry {
            Retries::resolve(retry, customs)
                .map_err(|source| CatalogError::Retry { task, source })?;
            if let RetryPolicy::Refined(refined) = retry {
                allows |= refined.allows();
                denies |= refined.denies();
            }
        }
        if allows && denies {
            return Err(CatalogError::MixedFilters(task));
        }
        Ok(())
    }
}

/// Answers the task of each alias, if there is exactly one.
fn present_names(
    tasks: &HashMap<&'static str, RegisteredTask>,
    aliases: Vec<(&'static str, &'static str)>,
) -> Result<HashMap<&'static str, &'static str>, CatalogError> {
    let mut present = HashMap::new();
    for (alias, task) in aliases {
        let named = tasks.get(alias).map(|other| other.name);
        if let Some(other) = named.or_else(|| present.insert(alias, task)) {
            return Err(CatalogError::AliasTaken { alias, task, other });
        }
    }
    Ok(present)
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
