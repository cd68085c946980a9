use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use evertask_actors::runtime::{Settings, StartError, start};
use evertask_actors::{
    BlockingHandler, CatalogBuilder, Data, HandlerFunction, Queue, Task, TaskFunction, TaskHandler,
    TaskOutput,
};
use evertask_core::audit::AuditLevel;
use evertask_core::log::LogOptions;
use evertask_core::random::Randomness;
use evertask_core::retention::RetentionPolicy;
use evertask_core::retry::{CustomRetry, RetryPolicy};
use evertask_core::storage::StorageBackend;
use evertask_core::task::IdSource;
use evertask_core::time::Clock;
use evertask_storage::SqlStorage;

use crate::handle::EverTask;

/// Configures a runtime; everything is checked by [`start`](Self::start), before anything runs.
#[must_use]
#[derive(Debug, Default)]
pub struct Builder {
    storage: Option<Arc<dyn StorageBackend>>,
    sql: Option<SqlStorage>,
    catalog: CatalogBuilder,
    changes: Changes,
}

/// The settings that differ from their defaults.
#[derive(Debug, Default)]
struct Changes {
    queues: Vec<Queue>,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn IdSource>>,
    randomness: Option<Arc<dyn Randomness>>,
    retry: Option<RetryPolicy>,
    timeout: Option<Duration>,
    max_payload: Option<usize>,
    max_result: Option<usize>,
    max_dispatches: Option<usize>,
    patience: Option<Duration>,
    drain: Option<Duration>,
    grace: Option<Duration>,
    abort_after: Option<Duration>,
    quarantine_after: Option<u32>,
    probation: Option<Duration>,
    decode_failures: Option<u32>,
    max_snoozes: Option<u32>,
    audit_level: Option<AuditLevel>,
    logs: Option<LogOptions>,
    handler_threads: Option<usize>,
    round_trip_payloads: bool,
    retention: Option<RetentionPolicy>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Where tasks are kept: a [`SqlStorage`](crate::SqlStorage), or a
    /// [`MemoryStorage`](crate::MemoryStorage) in tests. Required.
    pub fn storage(mut self, storage: impl StorageBackend) -> Self {
        self.sql = (&storage as &dyn Any).downcast_ref().cloned();
        self.storage = Some(Arc::new(storage));
        self
    }

    /// Adds a queue, or configures the default one.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.changes.queues.push(queue);
        self
    }

    /// Adds the handler of one kind of task.
    ///
    /// If the value handles several kinds, the kind has to be named: see
    /// [`handler_for`](Self::handler_for).
    pub fn handler<T: Task, O: TaskOutput>(mut self, handler: impl TaskHandler<T, O>) -> Self {
        self.catalog.add(handler);
        self
    }

    /// Adds an async function as the handler of one kind of task. Its first argument is the task, the
    /// others are taken from the context: [`TaskContext`](crate::TaskContext), [`Data`], and whatever
    /// implements [`FromContext`](crate::FromContext). It returns nothing, or a `Result` with any
    /// error; a value is stored with the outcome.
    ///
    /// ```
    /// # use evertask::{Data, EverTask, Task};
    /// # use serde::{Deserialize, Serialize};
    /// # struct Prices;
    /// # impl Prices { fn of(&self, _: &str) -> Result<u64, std::fmt::Error> { Ok(7) } }
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Invoice { articles: Vec<String> }
    ///
    /// impl Task for Invoice { const NAME: &'static str = "invoice"; }
    ///
    /// async fn total(invoice: Invoice, prices: Data<Prices>) -> Result<u64, std::fmt::Error> {
    ///     invoice.articles.iter().map(|article| prices.of(article)).sum()
    /// }
    ///
    /// let builder = EverTask::builder().data(Prices).handler_fn(total);
    /// ```
    pub fn handler_fn<T: Task + Clone, Arguments: 'static>(
        mut self,
        function: impl HandlerFunction<T, Arguments>,
    ) -> Self {
        self.catalog.add_function(function);
        self
    }

    /// Adds a kind of task that brings its handler along: one that `#[evertask::task]` made of a
    /// function.
    pub fn task<T: TaskFunction>(mut self) -> Self {
        self.catalog.add_task::<T>();
        self
    }

    /// Registers something of the application that handlers use: a pool, a mailer, a client. One
    /// value of each type; a function takes it as an argument of the type [`Data`].
    ///
    /// A start is refused if a handler takes data that is not there.
    pub fn data<D: Send + Sync + 'static>(self, data: D) -> Self {
        self.shared_data(Arc::new(data))
    }

    /// Registers something that is shared already, or that handlers know as a trait object.
    pub fn shared_data<D: ?Sized + Send + Sync + 'static>(mut self, data: Arc<D>) -> Self {
        self.catalog.add_data(Data::from(data));
        self
    }

    /// Adds the handler of the tasks of type `T`; share one value between several kinds in an
    /// `Arc`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use evertask::{EverTask, Task, TaskContext, TaskHandler, TaskResult};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct Welcome;
    /// # #[derive(Serialize, Deserialize)] struct Goodbye;
    /// # impl Task for Welcome { const NAME: &'static str = "welcome"; }
    /// # impl Task for Goodbye { const NAME: &'static str = "goodbye"; }
    /// # struct Mailer;
    /// # impl TaskHandler<Welcome> for Mailer {
    /// #     async fn handle(&self, _: &Welcome, _: &TaskContext) -> TaskResult { Ok(()) }
    /// # }
    /// # impl TaskHandler<Goodbye> for Mailer {
    /// #     async fn handle(&self, _: &Goodbye, _: &TaskContext) -> TaskResult { Ok(()) }
    /// # }
    /// let mailer = Arc::new(Mailer);
    /// let builder = EverTask::builder()
    ///     .handler_for::<Welcome, _>(Arc::clone(&mailer))
    ///     .handler_for::<Goodbye, _>(mailer);
    /// ```
    pub fn handler_for<T: Task, O: TaskOutput>(self, handler: impl TaskHandler<T, O>) -> Self {
        self.handler(handler)
    }

    /// Adds the handler of one kind of task that blocks or computes; it runs on a thread of its own.
    pub fn blocking_handler<T: Task, O: TaskOutput>(
        mut self,
        handler: impl BlockingHandler<T, O>,
    ) -> Self {
        self.catalog.add_blocking(handler);
        self
    }

    /// Adds the blocking handler of the tasks of type `T`.
    pub fn blocking_handler_for<T: Task, O: TaskOutput>(
        self,
        handler: impl BlockingHandler<T, O>,
    ) -> Self {
        self.blocking_handler(handler)
    }

    /// The clock; the operating system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.changes.clock = Some(Arc::new(clock));
        self
    }

    /// What makes ids; random version 7 UUIDs by default.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.changes.ids = Some(Arc::new(ids));
        self
    }

    /// What is left to chance, which is the jitter of retries; different in every process by default.
    pub fn randomness(mut self, randomness: impl Randomness) -> Self {
        self.changes.randomness = Some(Arc::new(randomness));
        self
    }

    /// How failures are retried of tasks that don't say, and whose kind and queue don't either; three
    /// times after half a second each by default.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.changes.retry = Some(policy);
        self
    }

    /// Registers a retry policy of the application's own, to be named by
    /// [`RetryPolicy::Custom`].
    ///
    /// Tasks are stored with the name. One that is loaded where it stands for nothing is retried as
    /// its kind and its queue say.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evertask::{EverTask, Failure, FailureKind, RetryPolicy};
    /// let builder = EverTask::builder()
    ///     .retry_policy("patient", |failed: u32, failure: &Failure| {
    ///         let patience = if failure.kind == FailureKind::Panicked { 2 } else { 10 };
    ///         (failed < patience).then(|| Duration::from_secs(60) * failed)
    ///     })
    ///     .retry(RetryPolicy::Custom("patient".to_owned()));
    /// ```
    pub fn retry_policy(mut self, name: impl Into<String>, policy: impl CustomRetry) -> Self {
        self.catalog.add_retry(name, policy);
        self
    }

    /// How long an attempt may run of tasks that don't say, and whose kind and queue don't either;
    /// without limit by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.changes.timeout = Some(timeout);
        self
    }

    /// The largest payload in bytes of JSON; 1 MiB by default. A larger one is refused.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.changes.max_payload = Some(bytes);
        self
    }

    /// The largest value a handler may return, in bytes of JSON; 1 MiB by default. With a larger one
    /// the task fails as `UnstorableResult`, and is not retried: its work is done.
    pub fn max_result(mut self, bytes: usize) -> Self {
        self.changes.max_result = Some(bytes);
        self
    }

    /// How many dispatches may wait for their commit at once; 8192 by default. More are refused as
    /// overload.
    pub fn max_dispatches(mut self, dispatches: usize) -> Self {
        self.changes.max_dispatches = Some(dispatches);
        self
    }

    /// How long a dispatch or a cancel waits for a storage that can't be used; 30 seconds by
    /// default.
    pub fn patience(mut self, time: Duration) -> Self {
        self.changes.patience = Some(time);
        self
    }

    /// How long a shutdown lets running handlers finish undisturbed; 10 seconds by default.
    pub fn drain(mut self, time: Duration) -> Self {
        self.changes.drain = Some(time);
        self
    }

    /// How long a shutdown lets them stop after telling them to; 5 seconds by default.
    pub fn grace(mut self, time: Duration) -> Self {
        self.changes.grace = Some(time);
        self
    }

    /// How long a handler that was cancelled or ran into its timeout may take before it is aborted;
    /// 5 seconds by default.
    pub fn abort_after(mut self, time: Duration) -> Self {
        self.changes.abort_after = Some(time);
        self
    }

    /// How often in a row a task may be what its process died of before it is quarantined; 5 by
    /// default.
    ///
    /// The crash that finds it running among others is blamed on nobody: it counts from the next one
    /// on, when the interrupted tasks run one at a time.
    pub fn quarantine_after(mut self, crashes: u32) -> Self {
        self.changes.quarantine_after = Some(crashes);
        self
    }

    /// How long a task that a crash interrupted must live, when it is run again alone, to be found
    /// innocent; 250 milliseconds by default.
    ///
    /// A process that is killed from outside within this time counts against the task, and a task
    /// that takes longer than this to bring its process down is not found out.
    pub fn probation(mut self, time: Duration) -> Self {
        self.changes.probation = Some(time);
        self
    }

    /// In how many starts a stored payload may fail to decode before its task fails; 5 by default.
    pub fn decode_failures(mut self, starts: u32) -> Self {
        self.changes.decode_failures = Some(starts);
        self
    }

    /// How often in a row a handler may ask to be called again later
    /// ([`TaskError::snooze`](crate::TaskError::snooze)); 1000 by default. After that it has failed.
    pub fn max_snoozes(mut self, times: u32) -> Self {
        self.changes.max_snoozes = Some(times);
        self
    }

    /// How much of the history of tasks is kept whose dispatch and type don't say; everything by
    /// default.
    pub fn audit_level(mut self, level: AuditLevel) -> Self {
        self.changes.audit_level = Some(level);
        self
    }

    /// Which of the lines that tasks log are kept with them; none by default.
    ///
    /// [`LogCapture`](crate::LogCapture) has to be among the layers of the application's `tracing`
    /// subscriber: it is what sees the lines. A kind of task can have
    /// [its own options](crate::TaskOptions::logs).
    pub fn logs(mut self, options: LogOptions) -> Self {
        self.changes.logs = Some(options);
        self
    }

    /// How many threads run asynchronous handlers; one per core by default.
    pub fn handler_threads(mut self, threads: usize) -> Self {
        self.changes.handler_threads = Some(threads);
        self
    }

    /// Gives handlers what was stored instead of what was dispatched; for tests, to find payloads
    /// that don't survive being stored.
    pub fn round_trip_payloads(mut self, round_trip: bool) -> Self {
        self.changes.round_trip_payloads = round_trip;
        self
    }

    /// What is deleted after a time, and how often that is seen to; nothing is by default.
    ///
    /// ```
    /// # use evertask::{EverTask, EndedTasks, RetentionPolicy, RetentionRules, Window};
    /// let rules = RetentionRules::error_priority(Window::days(7), Window::days(30))
    ///     .purge(EndedTasks::Completed);
    /// let builder = EverTask::builder().retention(RetentionPolicy::new(rules));
    /// ```
    pub fn retention(mut self, policy: RetentionPolicy) -> Self {
        self.changes.retention = Some(policy);
        self
    }

    /// Checks the configuration, opens the storage and starts the runtime on a thread of its own.
    ///
    /// What is stored and due begins to run at once.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing runs and nothing is stored then.
    pub async fn start(self) -> Result<EverTask, StartError> {
        let storage = self.storage.ok_or(StartError::NoStorage)?;
        let mut settings = Settings::new(storage);
        settings.catalog = self.catalog;
        self.changes.apply(&mut settings);
        Ok(EverTask::new(start(settings).await?, self.sql))
    }
}

impl Changes {
    fn apply(self, settings: &mut Settings) {
        fn set<V>(setting: &mut V, change: Option<V>) {
            if let Some(value) = change {
                *setting = value;
            }
        }
        settings.queues = self.queues;
        set(&mut settings.clock, self.clock);
        set(&mut settings.ids, self.ids);
        set(&mut settings.randomness, self.randomness);
        set(&mut settings.retry, self.retry);
        settings.timeout = self.timeout;
        set(&mut settings.max_payload, self.max_payload);
        set(&mut settings.max_result, self.max_result);
        set(&mut settings.max_dispatches, self.max_dispatches);
        set(&mut settings.patience, self.patience);
        set(&mut settings.drain, self.drain);
        set(&mut settings.grace, self.grace);
        set(&mut settings.abort_after, self.abort_after);
        set(&mut settings.quarantine_after, self.quarantine_after);
        set(&mut settings.probation, self.probation);
        set(&mut settings.decode_failures, self.decode_failures);
        set(&mut settings.max_snoozes, self.max_snoozes);
        set(&mut settings.audit_level, self.audit_level);
        set(&mut settings.logs, self.logs);
        set(&mut settings.handler_threads, self.handler_threads);
        settings.round_trip_payloads = self.round_trip_payloads;
        settings.retention = self.retention;
    }
}
