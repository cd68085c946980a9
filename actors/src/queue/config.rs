use std::time::Duration;

use evertask_core::rank::DEFAULT_AGEING;
use evertask_core::retry::{InvalidRetryPolicy, RetryPolicy};
use evertask_core::task::{InvalidName, check_name};
use thiserror::Error;

/// What happens to a task that is due now when the window of its queue is full.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is stored and loaded when there is room; the caller does not wait.
    #[default]
    Spill,
    /// It is refused and nothing is stored.
    Reject,
}

/// A named queue: how many handlers it runs at once and how much of it is held in memory.
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
    pub(crate) name: String,
    pub(crate) parallelism: usize,
    pub(crate) capacity: usize,
    pub(crate) when_full: WhenFull,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) ageing: Duration,
}

/// A queue that can't be used.
#[derive(Debug, Error)]
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
}

impl Queue {
    /// The queue that always exists, for tasks that name none.
    pub const DEFAULT: &'static str = "default";

    /// The largest sum of capacity and parallelism.
    const MAX_SIZE: usize = 1_000_000;

    /// Creates a queue that runs one handler at a time and holds 500 waiting tasks in memory.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parallelism: 1,
            capacity: 500,
            when_full: WhenFull::default(),
            retry: None,
            timeout: None,
            ageing: DEFAULT_AGEING,
        }
    }

    /// The default queue as it is if nobody configures it: at least 4 handlers at once and 1000
    /// waiting tasks, more on larger machines.
    pub(crate) fn default_queue(cores: usize) -> Self {
        Self::new(Self::DEFAULT)
            .parallelism(cores.saturating_mul(2).max(4))
            .capacity(cores.saturating_mul(200).max(1000))
    }

    /// How many handlers run at once.
    #[must_use]
    pub fn parallelism(mut self, handlers: usize) -> Self {
        self.parallelism = handlers;
        self
    }

    /// How many tasks wait in memory besides; a larger backlog stays stored.
    #[must_use]
    pub fn capacity(mut self, tasks: usize) -> Self {
        self.capacity = tasks;
        self
    }

    /// What happens to a task that is due now when the window is full.
    #[must_use]
    pub fn when_full(mut self, behaviour: WhenFull) -> Self {
        self.when_full = behaviour;
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

    /// How much waiting a step of priority is worth; five minutes if not set.
    ///
    /// A task goes before those that became due up to that much earlier, for each step that its priority
    /// is higher; those that have waited longer still go before it, so nothing waits for ever. With zero,
    /// priorities make no difference. More than a year counts as a year, which is as good as strict.
    #[must_use]
    pub fn ageing(mut self, step: Duration) -> Self {
        self.ageing = step;
        self
    }

    pub(crate) fn validate(&self) -> Result<(), QueueError> {
        check_name(&self.name)?;
        if self.parallelism == 0 {
            return Err(QueueError::NoParallelism(self.name.clone()));
        }
        if self.capacity == 0 {
            return Err(QueueError::NoCapacity(self.name.clone()));
        }
        let size = self.capacity.saturating_add(self.parallelism);
        if size > Self::MAX_SIZE {
            return Err(QueueError::TooLarge {
                name: self.name.clone(),
                size,
                limit: Self::MAX_SIZE,
            });
        }
        if let Some(retry) = &self.retry {
            retry.validate().map_err(|source| QueueError::Retry {
                queue: self.name.clone(),
                source,
            })?;
        }
        Ok(())
    }
}
