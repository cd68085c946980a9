use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::audit::AuditLevel;
use evertask_core::concurrency::RunningLimit;
use evertask_core::limit::RateLimit;
use evertask_core::log::LogOptions;
use evertask_core::retry::{ErrorClass, RetryPolicy};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::TaskError;
use super::filter::RetryFilter;
use crate::throttle::{KeyRate, TypeRates};

/// A kind of work: plain data that says what is to be done.
///
/// The value is stored as JSON, so it must hold everything its handler needs to know and nothing
/// that dies with the process.
///
/// ```
/// use evertask_actors::{Task, TaskOptions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct WelcomeEmail {
///     to: String,
/// }
///
/// impl Task for WelcomeEmail {
///     const NAME: &'static str = "email.welcome";
///
///     fn options() -> TaskOptions {
///         TaskOptions::new().queue("mail")
///     }
/// }
/// ```
///
/// # Changing a payload
///
/// Tasks that are stored outlive the program that stored them, so a change of the type has to be one
/// that their payloads survive. What is stored is never rewritten; it is adapted when it is decoded.
///
/// | change | what to do |
/// |---|---|
/// | the Rust type is renamed or moved | nothing |
/// | a field is added | `#[serde(default)]` on it |
/// | a field is dropped | nothing: what is not known is ignored |
/// | a field is renamed | `#[serde(alias = "…")]` on it |
/// | the task is renamed | the old name into [`ALIASES`](Self::ALIASES) |
/// | anything else | raise [`VERSION`](Self::VERSION), implement [`upcast`](Self::upcast) |
///
/// A payload that can't be decoded all the same, and one of a version that only a newer program
/// knows, waits visibly for the next start, and fails after as many starts as the builder's
/// `decode_failures` says.
///
/// ```
/// use std::error::Error;
///
/// use evertask_actors::Task;
/// use serde::{Deserialize, Serialize};
/// use serde_json::{Value, json};
///
/// /// Was `mail.greet` until it could greet several people.
/// #[derive(Serialize, Deserialize)]
/// struct WelcomeEmail {
///     to: Vec<String>,
///     #[serde(default)]
///     language: Option<String>,
/// }
///
/// impl Task for WelcomeEmail {
///     const NAME: &'static str = "email.welcome";
///     const ALIASES: &'static [&'static str] = &["mail.greet"];
///     const VERSION: u32 = 2;
///
///     fn upcast(version: u32, payload: Value) -> Result<Value, Box<dyn Error + Send + Sync>> {
///         match version {
///             1 => Ok(json!({ "to": [payload.get("to").ok_or("it names nobody")?] })),
///             other => Err(format!("there was no version {other}").into()),
///         }
///     }
/// }
/// ```
pub trait Task: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name under which tasks of this kind are stored; unique in a runtime, not blank,
    /// at most 200 bytes. Renaming the Rust type does not change it.
    const NAME: &'static str;

    /// The names under which tasks of this kind were stored before; none by default.
    ///
    /// Rows of these names are run by the handler of this task. Names and aliases are unique in a
    /// runtime, and new tasks are stored under [`NAME`](Self::NAME) only.
    const ALIASES: &'static [&'static str] = &[];

    /// The version of the payload's shape, stored with each task; 1 by default.
    ///
    /// It has to rise only with a change that stored payloads don't survive by themselves.
    const VERSION: u32 = 1;

    /// Where and how tasks of this kind run; read once at start.
    fn options() -> TaskOptions {
        TaskOptions::new()
    }

    /// The key of this task, made from its payload: tasks of which one is enough have the same. None by
    /// default; see [`Dispatch::key`](crate::Dispatch::key) for what a key does.
    ///
    /// ```
    /// # use evertask_actors::Task;
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize)]
    /// struct Reindex {
    ///     shop: u64,
    ///     reason: String,
    /// }
    ///
    /// impl Task for Reindex {
    ///     const NAME: &'static str = "reindex";
    ///
    ///     fn key(&self) -> Option<String> {
    ///         Some(format!("{}/{}", Self::NAME, self.shop))
    ///     }
    /// }
    /// ```
    fn key(&self) -> Option<String> {
        None
    }

    /// What this task shares with others of its kind of which only so many run at once, such as the
    /// customer it is for; see [`TaskOptions::max_running_per_key`]. None by default; a dispatch can say
    /// otherwise.
    fn concurrency_key(&self) -> Option<String> {
        None
    }

    /// What this task shares its rate limit with, such as the tenant it calls for; see
    /// [`TaskOptions::rate_limit_per_key`]. None by default; a dispatch can say otherwise. One that is
    /// blank is none.
    ///
    /// It is stored with the task, so what it says counts that was said at the dispatch.
    fn limit_key(&self) -> Option<String> {
        None
    }

    /// How much of its rate limits one start of this task costs; 1 by default, and at most the burst of
    /// each limit. A dispatch can say otherwise.
    fn limit_cost(&self) -> u32 {
        1
    }

    /// Brings a stored payload of `version` to the shape of the version after it.
    ///
    /// It is called for each version from the stored one up to the present one. The payload is one
    /// that some older program stored, so its shape is not certain; numbers beyond 64 bits have lost
    /// digits.
    ///
    /// # Errors
    ///
    /// By default every payload is refused. One that is refused counts as one that can't be decoded.
    fn upcast(
        version: u32,
        _payload: serde_json::Value,
    ) -> Result<serde_json::Value, Box<dyn Error + Send + Sync>> {
        Err(format!(
            "the task {:?} does not say how; implement `Task::upcast` for version {version}",
            Self::NAME
        )
        .into())
    }
}

/// Where and how the tasks of one kind run, unless a dispatch says otherwise.
///
/// What is not set is taken from the queue, and from the runtime's defaults after that.
#[derive(Clone, Debug, Default)]
pub struct TaskOptions {
    pub(crate) queue: Option<String>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) filter: RetryFilter,
    pub(crate) timeout: Option<Duration>,
    pub(crate) start_within: Option<Duration>,
    pub(crate) audit_level: Option<AuditLevel>,
    pub(crate) logs: Option<LogOptions>,
    pub(crate) priority: Option<i32>,
    pub(crate) running: RunningLimit,
    pub(crate) rates: TypeRates,
}

impl TaskOptions {
    /// Creates options that set nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The queue to run in; `default` if not set.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// Who goes first in a queue; see [`Dispatch::priority`](crate::Dispatch::priority).
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// How many of these tasks run at once in a process, in whatever queues; those beyond stay stored
    /// and hold up nobody.
    ///
    /// Who waits between two attempts in its slot counts as running. With several processes on one
    /// database, each runs as many.
    #[must_use]
    pub fn max_running(mut self, tasks: usize) -> Self {
        self.running.running = Some(tasks);
        self
    }

    /// How many of these tasks with the same [concurrency key](Task::concurrency_key) run at once in a
    /// process; those without a key don't count.
    #[must_use]
    pub fn max_running_per_key(mut self, tasks: usize) -> Self {
        self.running.running_per_key = Some(tasks);
        self
    }

    /// How often these tasks start in a process, all keys together and in whatever queues.
    ///
    /// A task without budget waits for its slot in memory: it holds no worker, delays no other task and
    /// costs no write. See [`RateLimit`] for the two kinds of limits.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rates.all = Some(limit);
        self
    }

    /// How often these tasks start in a process for each [limit key](Task::limit_key); those without a
    /// key are not limited by it.
    ///
    /// ```
    /// use evertask_actors::{Task, TaskOptions};
    /// use evertask_core::limit::RateLimit;
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize)]
    /// struct CallPartner {
    ///     tenant: String,
    /// }
    ///
    /// impl Task for CallPartner {
    ///     const NAME: &'static str = "partner.call";
    ///
    ///     fn options() -> TaskOptions {
    ///         TaskOptions::new().rate_limit_per_key(RateLimit::per_minute(15))
    ///     }
    ///
    ///     fn limit_key(&self) -> Option<String> {
    ///         Some(self.tenant.clone())
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn rate_limit_per_key(mut self, limit: RateLimit) -> Self {
        self.rates.per_key = Some(KeyRate::Same(limit));
        self
    }

    /// As [`rate_limit_per_key`](Self::rate_limit_per_key), with a limit for each key of its own, such as
    /// that of the tenant's plan; `None` does not limit the key.
    ///
    /// It is asked each time a task is about to start, on the thread of the actors: it has to answer at
    /// once, from memory. What it says from now on counts from now on. If it panics, or says what makes no
    /// sense, the task is not limited by it, with a warning.
    #[must_use]
    pub fn rate_limit_by(
        mut self,
        limit: impl Fn(&str) -> Option<RateLimit> + Send + Sync + 'static,
    ) -> Self {
        self.rates.per_key = Some(KeyRate::By(Arc::new(limit)));
        self
    }

    /// How failures are retried.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Retries the failures of which that is true, as often as the policy says, and no others.
    ///
    /// It sees the very error that a handler returned; a panic is an error of its own kind. It is
    /// asked before any list and its answer stands. It is not asked about what is never retried:
    /// permanent failures, cancellations, and timeouts unless the policy
    /// [retries them](RetryPolicy::and_timeouts).
    ///
    /// ```
    /// use evertask_actors::TaskOptions;
    ///
    /// # #[derive(Debug)] struct Refusal(u16);
    /// # impl std::fmt::Display for Refusal {
    /// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
    /// # }
    /// # impl std::error::Error for Refusal {}
    /// TaskOptions::new().retry_if(|error| {
    ///     let refusal = error.source().downcast_ref::<Refusal>();
    ///     refusal.is_none_or(|Refusal(status)| *status == 503)
    /// });
    /// ```
    #[must_use]
    pub fn retry_if(
        mut self,
        predicate: impl Fn(&TaskError) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.filter.predicate = Some(Arc::new(predicate));
        self
    }

    /// Retries only errors of these kinds; said again, the classes add up.
    ///
    /// An error is found behind those that wrap it. What is to be told by the kind of a failure
    /// instead of the type of an error is said in the [policy](RetryPolicy::only).
    ///
    /// ```
    /// use evertask_actors::TaskOptions;
    /// use evertask_core::retry::{ErrorClass, transient_network};
    ///
    /// TaskOptions::new()
    ///     .retry_only(transient_network())
    ///     .retry_only(ErrorClass::of::<std::fmt::Error>());
    /// ```
    #[must_use]
    pub fn retry_only(mut self, errors: ErrorClass) -> Self {
        self.filter.only.push(errors);
        self
    }

    /// Retries all errors but these. Beside [`retry_only`](Self::retry_only), or a policy with such a
    /// list, it is refused at start.
    #[must_use]
    pub fn retry_except(mut self, errors: ErrorClass) -> Self {
        self.filter.except.push(errors);
        self
    }

    /// Gives up what is not started that long after it was due; see
    /// [`Dispatch::start_within`](crate::Dispatch::start_within).
    #[must_use]
    pub fn start_within(mut self, time: Duration) -> Self {
        self.start_within = Some(time);
        self
    }

    /// How much of their history is kept; what the runtime says if not set.
    #[must_use]
    pub fn audit(mut self, level: AuditLevel) -> Self {
        self.audit_level = Some(level);
        self
    }

    /// Which of the lines that these tasks log are kept.
    #[must_use]
    pub fn logs(mut self, options: LogOptions) -> Self {
        self.logs = Some(options);
        self
    }

    /// How long one attempt may run; zero means without limit, whatever the queue says.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
