use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evertask_actors::Queue;
use evertask_actors::runtime::Settings;
use evertask_core::audit::AuditLevel;
use evertask_core::limit::Limiter;
use evertask_core::log::LogOptions;
use evertask_core::random::Randomness;
use evertask_core::retention::RetentionPolicy;
use evertask_core::retry::{CustomRetry, RetryPolicy};
use evertask_core::task::IdSource;
use evertask_core::time::Clock;

use super::Builder;

/// The settings that differ from their defaults.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) queues: Vec<Queue>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) ids: Option<Arc<dyn IdSource>>,
    pub(super) randomness: Option<Arc<dyn Randomness>>,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout: Option<Duration>,
    pub(super) max_payload: Option<usize>,
    pub(super) max_result: Option<usize>,
    pub(super) max_dispatches: Option<usize>,
    pub(super) horizon: Option<Duration>,
    pub(super) limiter: Option<Arc<dyn Limiter>>,
    pub(super) limit_state: Option<PathBuf>,
    pub(super) max_throttled: Option<usize>,
    pub(super) patience: Option<Duration>,
    pub(super) drain: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) abort_after: Option<Duration>,
    pub(super) quarantine_after: Option<u32>,
    pub(super) probation: Option<Duration>,
    pub(super) decode_failures: Option<u32>,
    pub(super) max_snoozes: Option<u32>,
    pub(super) audit_level: Option<AuditLevel>,
    pub(super) logs: Option<LogOptions>,
    pub(super) handler_threads: Option<usize>,
    pub(super) round_trip_payloads: bool,
    pub(super) retention: Option<RetentionPolicy>,
}

/// How it does it: everything that has a default.
impl Builder {
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

    /// How long before they are due tasks are taken into memory, to be handed over at their very instant;
    /// 100 milliseconds by default, and zero leaves them in the storage until then.
    ///
    /// As many are held as the window of their queue has capacity, beside what is in the window; what is
    /// due later costs no memory. They are owned by this process meanwhile, so another one neither runs
    /// them nor does anything with them but cancel them.
    pub fn horizon(mut self, horizon: Duration) -> Self {
        self.changes.horizon = Some(horizon);
        self
    }

    /// How many tasks wait in memory for the slots of their [rate limits](crate::limit); 10,000 by
    /// default.
    ///
    /// What is beyond stays stored, or goes back to the storage, until its limit lets more of it start;
    /// tasks without limits and those of other limits are not held up.
    pub fn max_throttled(mut self, tasks: usize) -> Self {
        self.changes.max_throttled = Some(tasks);
        self
    }

    /// What decides about rate limits, for example one that shares budgets between processes.
    ///
    /// By default it is a [`SharedLimiter`](crate::limit::SharedLimiter), which decides within this
    /// process and tracks 100,000 scopes.
    pub fn limiter(mut self, limiter: impl Limiter) -> Self {
        self.changes.limiter = Some(Arc::new(limiter));
        self
    }

    /// Keeps in this file what was spent of rate limits, so that a restart gives no key its burst twice.
    ///
    /// It is written when the runtime ends. After a crash nobody knows what was spent: then every key
    /// begins with nothing, so that no service is called more often than its limit says, around the crash
    /// either. Without the file each start begins with full budgets. Each process needs a file of its own.
    pub fn limit_state(mut self, path: impl Into<PathBuf>) -> Self {
        self.changes.limit_state = Some(path.into());
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
}

impl Changes {
    pub(super) fn apply(self, settings: &mut Settings) {
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
        set(&mut settings.horizon, self.horizon);
        settings.limiter = self.limiter;
        settings.limit_state = self.limit_state;
        set(&mut settings.max_throttled, self.max_throttled);
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
