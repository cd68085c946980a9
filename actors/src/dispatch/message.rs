use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use evertask_core::audit::AuditLevel;
use evertask_core::retry::RetryPolicy;
use evertask_core::task::{TaskId, TraceContext};
use evertask_core::time::Timestamp;

use super::answer::Dispatched;
use super::error::DispatchError;
use crate::task::{Payload, Task};

/// When a task is to run first.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Now,
    After(Duration),
    At(Timestamp),
}

/// By when a task has to be started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deadline {
    None,
    At(Timestamp),
    Within(Duration),
}

/// Asks for a task to be stored and run: the message an application sends to the supervisor.
///
/// The answer is [`Dispatched`], once the task is as durable as the database can make it. A dispatch that is
/// dropped before it was handled stores nothing; after that, everything.
///
/// ```no_run
/// # use std::time::Duration;
/// # use actix::Addr;
/// # use evertask_actors::{Dispatch, Supervisor, Task};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct WelcomeEmail { to: String }
/// # impl Task for WelcomeEmail { const NAME: &'static str = "email.welcome"; }
/// # async fn example(supervisor: Addr<Supervisor>) -> Result<(), Box<dyn std::error::Error>> {
/// let welcome = WelcomeEmail { to: "ada@example.org".into() };
/// let dispatched = supervisor
///     .send(Dispatch::new(welcome).after(Duration::from_secs(60)))
///     .await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Message)]
#[rtype(result = "Result<Dispatched, DispatchError>")]
pub struct Dispatch {
    pub(super) task: &'static str,
    pub(super) version: u32,
    pub(super) payload: Payload,
    pub(super) encoded: Result<Arc<str>, Arc<str>>,
    pub(super) id: Option<TaskId>,
    pub(super) when: When,
    pub(super) queue: Option<String>,
    pub(super) priority: Option<i32>,
    pub(super) tags: Vec<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) parent_id: Option<TaskId>,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Deadline>,
    pub(super) concurrency_key: Option<String>,
    pub(super) trace: Option<TraceContext>,
    pub(super) audit_level: Option<AuditLevel>,
    pub(super) series: Option<Series>,
}

/// How a task that runs again and again was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Series {
    pub(super) every: Option<Duration>,
    pub(super) max_runs: Option<u32>,
    pub(super) run_until: Option<Timestamp>,
}

impl Dispatch {
    /// Asks for `task` to run as soon as possible. It is encoded here, on the caller's thread.
    pub fn new<T: Task>(task: T) -> Self {
        let encoded = serde_json::to_string(&task);
        Self {
            concurrency_key: task.concurrency_key(),
            task: T::NAME,
            version: T::VERSION,
            payload: Arc::new(task),
            encoded: encoded
                .map(Arc::from)
                .map_err(|error| error.to_string().into()),
            id: None,
            when: When::Now,
            queue: None,
            priority: None,
            tags: Vec::new(),
            correlation_id: None,
            parent_id: None,
            retry: None,
            timeout: None,
            deadline: None,
            trace: None,
            audit_level: None,
            series: None,
        }
    }

    /// Gives the task an id of the caller's choice. Repeating a dispatch with the same id stores the
    /// task once, whatever became of the first.
    #[must_use]
    pub fn id(mut self, id: TaskId) -> Self {
        self.id = Some(id);
        self
    }

    /// Runs the task after that long, counted from when the supervisor handles the message.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.when = When::After(delay);
        self
    }

    /// Runs the task at that instant; one that has passed means at once.
    #[must_use]
    pub fn at(mut self, instant: Timestamp) -> Self {
        self.when = When::At(instant);
        self
    }

    /// Runs the task in that queue; one that is not configured means the default queue.
    #[must_use]
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = Some(name.into());
        self
    }

    /// Runs the task before those of a lower priority that wait in the same queue; from -10 to 10, and
    /// 0 if neither this nor the type of the task says otherwise.
    ///
    /// Who has waited longer than the queue's [`ageing`](crate::Queue::ageing) says goes first all the
    /// same.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Runs the task beside only so many others of its kind with the same key, as
    /// [`TaskOptions::max_running_per_key`](crate::TaskOptions::max_running_per_key) of its type says; at
    /// most 200 bytes, and no blank one.
    #[must_use]
    pub fn concurrency_key(mut self, key: impl Into<String>) -> Self {
        self.concurrency_key = Some(key.into());
        self
    }

    /// Adds a word to find the task by; at most 200 bytes.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Stores an id of the application's with the task; at most 200 bytes.
    #[must_use]
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// Names the task this one was dispatched by; set by itself within a handler.
    #[must_use]
    pub fn parent(mut self, id: impl Into<TaskId>) -> Self {
        self.parent_id = Some(id.into());
        self
    }

    /// Retries failures of this task so.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Limits each attempt of this task; zero means without limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Gives the task up if its handler is not entered by that instant.
    ///
    /// It ends `Failed` with the kind `expired`, when its turn comes and not before, and no hook is
    /// called. Only the first start has to be in time: what goes on after a retry, a snooze, a crash or
    /// a shutdown goes on, however late. Of a series it is the first run that has to be.
    #[must_use]
    pub fn deadline(mut self, instant: Timestamp) -> Self {
        self.deadline = Some(Deadline::At(instant));
        self
    }

    /// The same, counted from when the task is due.
    #[must_use]
    pub fn start_within(mut self, time: Duration) -> Self {
        self.deadline = Some(Deadline::Within(time));
        self
    }

    /// Starts the task however late, whatever its kind says.
    #[must_use]
    pub fn no_deadline(mut self) -> Self {
        self.deadline = Some(Deadline::None);
        self
    }

    /// Keeps that much of the task's history, whatever its type and the runtime say.
    #[must_use]
    pub fn audit(mut self, level: AuditLevel) -> Self {
        self.audit_level = Some(level);
        self
    }

    /// Runs the task again and again: first when it is due, and then every `step` after that.
    ///
    /// The occurrences are fixed by the first one, so nothing drifts. One that comes due while the
    /// run before it is still going on is skipped; one that came due while nothing ran is made up
    /// for unless the next one is due, too. A run that fails does not end the series.
    #[must_use]
    pub fn every(mut self, step: Duration) -> Self {
        self.series.get_or_insert_default().every = Some(step);
        self
    }

    /// Ends a series after that many runs; failed ones count, skipped and interrupted ones don't.
    #[must_use]
    pub fn max_runs(mut self, runs: u32) -> Self {
        self.series.get_or_insert_default().max_runs = Some(runs);
        self
    }

    /// Ends a series: no occurrence at or after that instant runs.
    #[must_use]
    pub fn run_until(mut self, instant: Timestamp) -> Self {
        self.series.get_or_insert_default().run_until = Some(instant);
        self
    }

    /// Stores the trace the task belongs to; each header at most 512 bytes.
    #[must_use]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    pub(crate) fn known_id(&self) -> Option<TaskId> {
        self.id
    }

    pub(crate) fn has_parent(&self) -> bool {
        self.parent_id.is_some()
    }
}

/// The payload is never shown: it may hold what does not belong in a log.
impl fmt::Debug for Dispatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dispatch")
            .field("task", &self.task)
            .field("id", &self.id)
            .field("when", &self.when)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
