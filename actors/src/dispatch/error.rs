use evertask_core::key::InvalidKey;
use evertask_core::limit::InvalidDemand;
use evertask_core::rank::InvalidPriority;
use evertask_core::retry::InvalidRetryPolicy;
use evertask_core::task::TaskId;
use thiserror::Error;

/// Whether a dispatch that failed left a task behind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stored {
    /// Nothing is stored and nothing will run.
    No,
    /// The task is stored and will run, if only after the next start.
    Yes(TaskId),
    /// One or the other. Repeating the dispatch with this id is safe: it stores the task once.
    Unknown(TaskId),
}

/// Why a dispatch has no id to answer; [`stored`](Self::stored) says what became of the task.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// No handler is registered under the task's name.
    #[error("no handler is registered for the task {task:?}; register one on the builder")]
    UnknownTask {
        /// The name.
        task: String,
    },
    /// The task can't be written as JSON.
    #[error("the task {task:?} can't be encoded: {reason}")]
    Encoding {
        /// The name of the task.
        task: String,
        /// What the encoder said.
        reason: String,
    },
    /// The payload is over the limit of the runtime.
    #[error(
        "the payload of the task {task:?} has {size} bytes, the limit is {limit}; store the data \
         elsewhere and dispatch a reference to it, or raise `max_payload`"
    )]
    PayloadTooLarge {
        /// The name of the task.
        task: String,
        /// The length of the JSON in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The retry policy of this dispatch makes no sense.
    #[error("the retry policy can't be used: {0}")]
    Retry(#[from] InvalidRetryPolicy),
    /// The key of this dispatch can't be stored.
    #[error("{0}")]
    Key(#[from] InvalidKey),
    /// Other processes dispatched with the same key at the same time, again and again.
    #[error("the task that holds the key {key:?} was never left alone long enough; try again")]
    KeyContended {
        /// The key.
        key: String,
    },
    /// A task holds the key, and the tasks of a batch that is stored whole or not at all change no other
    /// one.
    #[error("the task {id} holds the key {key:?}")]
    KeyHeld {
        /// The task that holds it.
        id: TaskId,
        /// The key.
        key: String,
    },
    /// A batch is larger than one commit should be.
    #[error(
        "a batch can have {limit} tasks whose payloads have {bytes} bytes together; dispatch several"
    )]
    BatchTooLarge {
        /// How many tasks at most.
        limit: usize,
        /// How many bytes of payload at most.
        bytes: usize,
    },
    /// A concurrency key that says nothing.
    #[error("the concurrency key of the dispatch is blank; leave it out if there is none")]
    BlankKey,
    /// The task costs more of a rate limit than there ever is, or nothing.
    #[error(transparent)]
    Limit(InvalidDemand),
    /// A priority beyond the range.
    #[error(transparent)]
    Priority(#[from] InvalidPriority),
    /// An option of this dispatch can't be stored.
    #[error("the {option} of the dispatch has {length} bytes, the limit is {limit}")]
    OptionTooLong {
        /// Which option.
        option: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A series that makes no sense.
    #[error("the series can't be scheduled: {reason}")]
    Series {
        /// What is wrong with it.
        reason: String,
    },
    /// The id was given to another task before.
    #[error("the id {id} belongs to another task, {task:?}; use an id once")]
    IdTaken {
        /// The id.
        id: TaskId,
        /// The name of the task that has it.
        task: String,
    },
    /// The window of the queue is full, and the queue rejects what does not fit.
    #[error(
        "the queue {queue:?} is full and the task {id} is not stored; try again later or let it spill"
    )]
    QueueFull {
        /// The queue.
        queue: String,
        /// The id the task would have had.
        id: TaskId,
    },
    /// More dispatches are waiting for their commit, or for a place in a full queue, than allowed.
    #[error("{limit} dispatches are waiting already; try again later")]
    Overloaded {
        /// The limit.
        limit: usize,
    },
    /// The runtime has been shut down.
    #[error("the runtime is shutting down and takes no more tasks")]
    ShuttingDown,
    /// A follow-up was named when the outcome of its attempt was decided already.
    #[error(
        "the outcome of the attempt is decided already, nothing can be stored with it any more; \
         dispatch the task with the client of the context"
    )]
    OutcomeDecided,
    /// One outcome has more follow-ups than one commit should have.
    #[error(
        "an outcome can have {limit} follow-ups whose payloads have {bytes} bytes together; \
         dispatch a batch, or one follow-up that does"
    )]
    TooManyFollowUps {
        /// How many at most.
        limit: usize,
        /// How many bytes of payload at most.
        bytes: usize,
    },
    /// The storage could not be used, for as long as the runtime was told to wait for it.
    #[error("the task was not stored: {reason}")]
    Storage {
        /// What the storage said.
        reason: String,
    },
    /// The task is stored, but the runtime ended before its queue learned of it.
    #[error(
        "the task {id} is stored, but was not handed to its queue; it runs after the next start"
    )]
    NotHandedOver {
        /// The task.
        id: TaskId,
    },
    /// The answer was lost in a crash.
    #[error("the answer was lost, the task {id} may be stored; dispatch it again with the same id")]
    Unknown {
        /// The task.
        id: TaskId,
    },
}

impl DispatchError {
    /// Whether the dispatch left a task behind.
    pub fn stored(&self) -> Stored {
        match self {
            Self::UnknownTask { .. }
            | Self::Encoding { .. }
            | Self::PayloadTooLarge { .. }
            | Self::BlankKey
            | Self::Limit(_)
            | Self::Priority(_)
            | Self::Retry(_)
            | Self::Key(_)
            | Self::KeyContended { .. }
            | Self::KeyHeld { .. }
            | Self::BatchTooLarge { .. }
            | Self::OptionTooLong { .. }
            | Self::Series { .. }
            | Self::IdTaken { .. }
            | Self::QueueFull { .. }
            | Self::Overloaded { .. }
            | Self::ShuttingDown
            | Self::OutcomeDecided
            | Self::TooManyFollowUps { .. }
            | Self::Storage { .. } => Stored::No,
            Self::NotHandedOver { id } => Stored::Yes(*id),
            Self::Unknown { id } => Stored::Unknown(*id),
        }
    }
}
