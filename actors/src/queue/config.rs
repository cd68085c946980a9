use std::time::Duration;

use evertask_core::limit::{InvalidRateLimit, RateLimit};
use evertask_core::retry::{InvalidRetryPolicy, RetryPolicy};
use evertask_core::task::InvalidName;
use thiserror::Error;

/// What happens to a task that is due now when the window of its queue is full.
///
/// It concerns what applications dispatch. A task that comes due, a series and what a handler
/// dispatches are stored and wait for their turn, whatever the queue says: nobody would be there to
/// wait for them, or a handler would wait for its own slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is stored and loaded when there is room; the caller does not wait. The default with a
    /// storage that is durable.
    Spill,
    /// It is stored, and the caller waits until it has its place. One who gives up leaves a task that
    /// runs all the same. The default with the storage in memory.
    Wait,
    /// It goes to the default queue, with the retry policy and the timeout of its own one. If that is
    /// full too, the caller waits for a place there.
    FallbackToDefault,
    /// It is refused and nothing is stored.
    Reject,
}

/// A named queue: how many handlers it runs at once and how much of it is held in memory.
///
/// What is not set is decided at the start. A queue of the application's runs one handler at a time and
/// holds 500 waiting tasks in memory. The [default queue](Self::DEFAULT) runs two handlers per core, at
/// least 4, and holds 200 tasks per core, at least 1000. The [recurring queue](Self::RECURRING) is as the
/// default one is then.
///
/// ```
/// use std::time::Duration;
/// use evertask_actors::Queue;
///
/// let mail = Queue::new("mail")
///     .parallelism(8)
///     .capacity(500)
///     .timeout(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    pub(super) name: String,
    pub(super) parallelism: Option<usize>,
    pub(super) capacity: Option<usize>,
    pub(super) when_full: Option<WhenFull>,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) timeout: Option<Duration>,
    pub(super) ageing: Option<Duration>,
    pub(super) rate: Option<RateLimit>,
}

/// A queue that can't be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum QueueError {
    /// A name that can't be stored.
    #[error("a queue name can't be used: {0}")]
    Name(#[from] InvalidName),
    /// No handler would ever run.
    #[error("queue {0:?} has parallelism 0; it must be at least 1")]
    NoParallelism(String),
    /// No task could ever wait in memory.
    #[error("queue {0:?} has capacity 0; it must be at least 1")]
    NoCapacity(String),
    /// More than a window can hold.
    #[error("queue {name:?} has room for {size} deliveries; at most {limit} fit")]
    TooLarge {
        /// The queue.
        name: String,
        /// Its capacity and parallelism together.
        size: usize,
        /// The largest sum.
        limit: usize,
    },
    /// The same name twice.
    #[error("queue {0:?} is configured twice")]
    Duplicate(String),
    /// A retry policy that makes no sense.
    #[error("the retry policy of queue {queue:?} can't be used: {source}")]
    Retry {
        /// The queue.
        queue: String,
        /// What is wrong with it.
        source: InvalidRetryPolicy,
    },
    /// A rate limit that makes no sense.
    #[error("the rate limit of queue {queue:?} can't be used: {source}")]
    Rate {
        /// The queue.
        queue: String,
        /// What is wrong with it.
        source: InvalidRateLimit,
    },
}

impl Queue {
    /// The queue that always exists, for tasks that name none.
    pub const DEFAULT: &'static str = "default";

    /// The queue that always exists, for series that name none.
    pub const RECURRING: &'static str = "recurring";

    /// Creates a queue of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parallelism: None,
            capacity: None,
            when_full: None,
            retry: None,
            timeout: None,
            ageing: None,
            rate: None,
        }
    }

    /// How many handlers run at once.
    #[must_use]
    pub fn parallelism(mut self, handlers: usize) -> Self {
        self.parallelism = Some(handlers);
        self
    }

    /// How many tasks wait in memory besides; a larger backlog stays stored.
    #[must_use]
    pub fn capacity(mut self, tasks: usize) -> Self {
        self.capacity = Some(tasks);
        self
    }

    /// What happens to a task that is due now when the window is full.
    #[must_use]
    pub fn when_full(mut self, behaviour: WhenFull) -> Self {
        self.when_full = Some(behaviour);
        self
    }

    /// How failures are retried, for tasks that don't say.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// How long an attempt may run, for tasks that don't say; zero means without limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often tasks of this queue start in a process; see
    /// [`TaskOptions::rate_limit`](crate::TaskOptions::rate_limit).
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate = Some(limit);
        self
    }

    /// How much waiting a step of priority is worth; like the default queue, and there five minutes, if
    /// not set.
    ///
    /// A task goes before those that became due up to that much earlier, for each step that its priority
    /// is higher; those that have waited longer still go before it, so nothing waits for ever. With zero,
    /// priorities make no difference. More than a year counts as a year, which is as good as strict.
    #[must_use]
    pub fn ageing(mut self, step: Duration) -> Self {
        self.ageing = Some(step);
        self
    }
}
