use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use evertask_core::audit::AuditLevel;
use evertask_core::limit::Limiter;
use evertask_core::log::LogOptions;
use evertask_core::random::{Randomness, SystemRandomness};
use evertask_core::retention::RetentionPolicy;
use evertask_core::retry::{InvalidRetryPolicy, RetryPolicy};
use evertask_core::storage::{StorageBackend, StorageError};
use evertask_core::task::{IdSource, RandomIds};
use evertask_core::time::{Clock, SystemClock};
use thiserror::Error;

use crate::queue::{Queue, QueueConfig, QueueError, Surroundings, resolve};
use crate::task::{CatalogBuilder, CatalogError};

/// Everything a runtime is told at its start.
#[derive(Debug)]
pub struct Settings {
    /// Where tasks are kept.
    pub storage: Arc<dyn StorageBackend>,
    /// What can run.
    pub catalog: CatalogBuilder,
    /// The configured queues; those that always exist are added if they are not among them.
    pub queues: Vec<Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The ids.
    pub ids: Arc<dyn IdSource>,
    /// What is left to chance.
    pub randomness: Arc<dyn Randomness>,
    /// How failures are retried of tasks whose kind and queue don't say.
    pub retry: RetryPolicy,
    /// How long an attempt may run of tasks whose kind and queue don't say; `None` or zero means
    /// without limit.
    pub timeout: Option<Duration>,
    /// The largest payload, in bytes of JSON.
    pub max_payload: usize,
    /// The largest value a handler may return, in bytes of JSON.
    pub max_result: usize,
    /// How many dispatches may wait for their commit at once.
    pub max_dispatches: usize,
    /// How long before they are due tasks are held in memory; zero leaves them in the storage until then.
    pub horizon: Duration,
    /// What decides about rate limits, if it is not the limiter in memory.
    pub limiter: Option<Arc<dyn Limiter>>,
    /// The file in which the limiter in memory keeps over a restart what was spent, if it does.
    pub limit_state: Option<PathBuf>,
    /// How many tasks may wait in memory for the slots of their rate limits.
    pub max_throttled: usize,
    /// How long a dispatch waits for a storage that can't be used.
    pub patience: Duration,
    /// How long a shutdown lets running handlers finish undisturbed.
    pub drain: Duration,
    /// How long it lets them stop after telling them to.
    pub grace: Duration,
    /// How long a handler that was cancelled or timed out may take before it is aborted.
    pub abort_after: Duration,
    /// How often in a row a task may be what its process died of.
    pub quarantine_after: u32,
    /// How long a task that runs alone after a crash must live to be found innocent.
    pub probation: Duration,
    /// In how many starts a stored payload may fail to decode.
    pub decode_failures: u32,
    /// How often in a row a handler may ask to be called again later.
    pub max_snoozes: u32,
    /// How much of the history of tasks is kept whose dispatch and type don't say.
    pub audit_level: AuditLevel,
    /// Which lines of tasks are kept.
    pub logs: LogOptions,
    /// How many threads run asynchronous handlers; 0 means one per core.
    pub handler_threads: usize,
    /// Whether handlers get what was stored instead of what was dispatched, to find payloads that
    /// don't survive being stored.
    pub round_trip_payloads: bool,
    /// What is deleted after a time; `None` keeps everything.
    pub retention: Option<RetentionPolicy>,
}

impl Settings {
    /// The defaults, for that storage.
    pub fn new(storage: Arc<dyn StorageBackend>) -> Self {
        Self {
            storage,
            catalog: CatalogBuilder::default(),
            queues: Vec::new(),
            clock: SystemClock::shared(),
            ids: Arc::new(RandomIds::new()),
            randomness: Arc::new(SystemRandomness::new()),
            retry: RetryPolicy::default(),
            timeout: None,
            max_payload: 1024 * 1024,
            max_result: 1024 * 1024,
            max_dispatches: 8_192,
            horizon: Duration::from_millis(100),
            limiter: None,
            limit_state: None,
            max_throttled: 10_000,
            patience: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            grace: Duration::from_secs(5),
            abort_after: Duration::from_secs(5),
            quarantine_after: 5,
            probation: Duration::from_millis(250),
            decode_failures: 5,
            max_snoozes: 1_000,
            audit_level: AuditLevel::default(),
            logs: LogOptions::off(),
            handler_threads: 0,
            round_trip_payloads: false,
            retention: None,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), StartError> {
        let at_least_one = [
            ("max_payload", self.max_payload),
            ("max_result", self.max_result),
            ("max_dispatches", self.max_dispatches),
            ("max_throttled", self.max_throttled),
            ("quarantine_after", self.quarantine_after as usize),
            ("decode_failures", self.decode_failures as usize),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(StartError::Setting {
                    setting,
                    problem: "it must be at least 1",
                });
            }
        }
        let above_zero = [
            ("patience", self.patience),
            ("abort_after", self.abort_after),
            ("probation", self.probation),
        ];
        for (setting, value) in above_zero {
            if value.is_zero() {
                return Err(StartError::Setting {
                    setting,
                    problem: "it must be longer than zero",
                });
            }
        }
        if self.limit_state.is_some() && self.limiter.is_some() {
            return Err(StartError::Setting {
                setting: "limit_state",
                problem: "a limiter of the application's own keeps its state itself",
            });
        }
        let interval = self.retention.as_ref().map(RetentionPolicy::cycle_interval);
        if interval.is_some_and(|interval| interval.is_zero()) {
            return Err(StartError::Setting {
                setting: "retention",
                problem: "its interval must be longer than zero",
            });
        }
        self.retry.validate()?;
        Ok(())
    }

    /// The queues as they are once everything is known.
    pub(crate) fn queues(&self) -> Result<Vec<QueueConfig>, QueueError> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let surroundings = Surroundings {
            cores,
            is_durable: self.storage.is_durable(),
            retry: Some(self.retry.clone()),
            timeout: self.timeout,
            horizon: self.horizon,
        };
        resolve(&self.queues, &surroundings)
    }
}

/// Why a runtime did not start. Nothing runs and nothing was stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A handler that can't be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A queue that can't be used.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The runtime's own retry policy can't be used.
    #[error("the retry policy of the runtime can't be used: {0}")]
    Retry(#[from] InvalidRetryPolicy),
    /// A setting that makes no sense.
    #[error("the setting `{setting}` can't be used: {problem}")]
    Setting {
        /// Its name on the builder.
        setting: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No storage was given.
    #[error("no storage is set; add one with `.storage(…)`")]
    NoStorage,
    /// The storage can't be opened.
    #[error("the storage can't be opened: {0}")]
    Storage(#[from] StorageError),
    /// The file with the state of the rate limits can't be read or written.
    #[error("the state of the rate limits can't be kept in {path:?}: {source}")]
    LimitState {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// The operating system gave no thread.
    #[error("a thread for the runtime can't be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread of the runtime ended before it was ready.
    #[error("the runtime ended while it was starting; its log says why")]
    Ended,
}
