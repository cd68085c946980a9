use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use evertask_core::audit::AuditLevel;
use evertask_core::retry::RetryPolicy;
use evertask_core::task::{TaskId, TraceContext};
use evertask_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use super::answer::Dispatched;
use super::error::DispatchError;
use super::series::Series;
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
/// The answer is [`Dispatched`], once the task is as durable as the database can make it; if its queue
/// [waits](crate::WhenFull::Wait), once it has a place there. A dispatch that is dropped before it was
/// handled stores nothing; after that, everything.
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
    /// As soon as possible, or when the schedule of a series says, if it is not said.
    pub(super) when: Option<When>,
    pub(super) queue: Option<String>,
    pub(super) priority: Option<i32>,
    pub(super) tags: Vec<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) parent_id: Option<TaskId>,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Deadline>,
    pub(super) concurrency_key: Option<String>,
    pub(super) limit_key: Option<String>,
    pub(super) limit_cost: u32,
    pub(super) trace: Option<TraceContext>,
    pub(super) audit_level: Option<AuditLevel>,
    pub(super) series: Option<Series>,
    pub(super) key: Option<String>,
    pub(super) key_for: Option<Duration>,
    pub(super) caller: Caller,
}

/// Who asks, as far as a full queue is concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// It is a handler or a hook, which must not wait for a place: it may hold the very slot that its
    /// task would need.
    pub(super) is_handler: bool,
    /// Fires when the caller has gone; without one, nobody knows.
    pub(super) gone: Option<CancellationToken>,
}

impl Dispatch {
    /// Asks for `task` to run as soon as possible. It is encoded here, on the caller's thread.
    pub fn new<T: Task>(task: T) -> Self {
        let encoded = serde_json::to_string(&task);
        let key = task.key();
        Self {
            concurrency_key: task.concurrency_key(),
            limit_key: task.limit_key(),
            limit_cost: task.limit_cost(),
            task: T::NAME,
            version: T::VERSION,
            payload: Arc::new(task),
            encoded: encoded
                .map(Arc::from)
                .map_err(|error| error.to_string().into()),
            id: None,
            when: None,
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
            key,
            key_for: None,
            caller: Caller::default(),
        }
    }

    /// Gives the task an id of the caller's choice. Repeating a dispatch with the same id stores the
    /// task once, whatever became of the first.
    #[must_use]
    pub fn id(mut self, id: TaskId) -> Self {
        self.id = Some(id);
        self
    }

    /// Names the work, so that it is not asked for twice: as long as a task holds the key, a dispatch
    /// with the same key means that task. What it comes to is answered as
    /// [`DispatchOutcome`](crate::DispatchOutcome):
    ///
    /// | the task that holds the key | a dispatch that runs once | a series |
    /// |---|---|---|
    /// | waits, or was interrupted by a shutdown | it does the new work, at its new time | it becomes the series |
    /// | is in a window or runs, also between two attempts | left alone | left alone |
    /// | is a series that waits for its next run | left alone | it goes on with the new payload |
    /// | is a series whose occurrence is in a window or runs | left alone | left alone |
    /// | is a series that is over or was cancelled | left alone | it begins anew |
    ///
    /// A task that runs once gives its key up when it is over, unless it was told to
    /// [hold it](Self::key_for), and keeps its row and history; the next one with the key is a new task.
    /// A task that takes up new work keeps its id, its history and when it was created; how often the
    /// old payload failed is forgotten. A series with the same step keeps its instants, its count and
    /// the occurrence it waits for; another step counts from now.
    ///
    /// A task that is to [follow](crate::TaskContext::then) another one takes its key in the commit of that
    /// one's outcome, if it is free then. If not, it comes to terms with the holder right after the commit,
    /// as said above; a crash between the two leaves the holder as it was.
    ///
    /// So a handler that dispatches its own task under its own key gets that task back and nothing
    /// runs: use no key for that, or one that says which step it is.
    ///
    /// Keys are the same for all kinds of tasks and all processes on a database, are told apart exactly
    /// and have at most 200 characters; a blank one is none. Put the name of the task in front where
    /// two kinds may share a key by accident. This one replaces the [key](crate::Task::key) that the task
    /// itself gives.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Keeps the key taken for at least that long from now, also when the task is over by then: of
    /// what is dispatched with it meanwhile, nothing runs.
    ///
    /// It does nothing without a key, and nothing for a series, which keeps its key anyway.
    #[must_use]
    pub fn key_for(mut self, time: Duration) -> Self {
        self.key_for = Some(time);
        self
    }

    /// Runs the task as soon as possible, which is the default of a task that runs once. A series runs
    /// for the first time then, and after that when its schedule says.
    #[must_use]
    pub fn now(mut self) -> Self {
        self.when = Some(When::Now);
        self
    }

    /// Runs the task after that long, counted from when the supervisor handles the message.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.when = Some(When::After(delay));
        self
    }

    /// Runs the task at that instant; one that has passed means at once.
    #[must_use]
    pub fn at(mut self, instant: Timestamp) -> Self {
        self.when = Some(When::At(instant));
        self
    }

    /// Runs the task in that queue; one that is not configured means the default queue. A task that
    /// names none runs in the default queue, a series in the recurring one.
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

    /// Counts the task against the rate limit of that key, as
    /// [`TaskOptions::rate_limit_per_key`](crate::TaskOptions::rate_limit_per_key) of its type says; at
    /// most 200 bytes. A blank one counts against none.
    #[must_use]
    pub fn limit_key(mut self, key: impl Into<String>) -> Self {
        self.limit_key = Some(key.into());
        self
    }

    /// How much of its rate limits one start of the task costs; at least 1, and at most the burst of each.
    #[must_use]
    pub fn limit_cost(mut self, cost: u32) -> Self {
        self.limit_cost = cost;
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
    /// a shutdown goes on, however late. Of a series it is the first run that has to be: it is left out
    /// otherwise, and the series goes on.
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

    /// Stores the trace the task belongs to; each header at most 512 bytes.
    #[must_use]
    pub fn trace(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    pub(crate) fn known_id(&self) -> Option<TaskId> {
        self.id
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub(crate) fn has_parent(&self) -> bool {
        self.parent_id.is_some()
    }

    /// Says that a handler or a hook asks.
    pub(crate) fn by_handler(mut self) -> Self {
        self.caller.is_handler = true;
        self
    }

    /// Says how it is known that the caller has gone.
    pub(crate) fn until(mut self, gone: CancellationToken) -> Self {
        self.caller.gone = Some(gone);
        self
    }
}

/// A task that is to run as soon as possible.
impl<T: Task> From<T> for Dispatch {
    fn from(task: T) -> Self {
        Self::new(task)
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
