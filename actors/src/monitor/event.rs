use actix::Message;
use evertask_core::task::{Failure, Progress, TaskId, WaitReason};
use evertask_core::time::Timestamp;

/// Something that happened to a task and is committed.
///
/// Events of one task come in the order they happened. Numbers rise by one with each event of a
/// runtime and begin anew when it starts; they have no gaps, so a subscriber can also tell from them
/// what it missed.
#[derive(Clone, Debug, Message, PartialEq)]
#[rtype(result = "()")]
pub struct TaskEvent {
    /// Its number in this runtime, from 1.
    pub number: u64,
    /// How many events this subscriber missed just before this one, because it was too slow.
    pub missed: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The task it happened to.
    pub id: TaskId,
    /// What happened.
    pub kind: TaskEventKind,
}

/// What happened to a task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TaskEventKind {
    /// It was stored.
    Dispatched,
    /// A dispatch with its key gave it other work, or somebody had it begin anew or at another time, or
    /// resumed it.
    Updated,
    /// It has a place in the window of its queue.
    Queued,
    /// Its handler was entered for the first time in this delivery.
    Started,
    /// It said how far it has come; of what it says within a second, the last is told.
    Progressed(Progress),
    /// An attempt failed and another one follows.
    AttemptFailed {
        /// Which attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// Its handler asked to be called again later; no attempt is counted.
    Snoozed {
        /// When that is.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// It succeeded.
    Completed,
    /// It failed for good.
    Failed(Failure),
    /// Somebody cancelled it.
    Cancelled,
    /// A shutdown interrupted it; it runs again after the next start.
    Stopped,
    /// It can't run here and waits for the next start, or somebody paused it.
    Waiting(WaitReason),
    /// Occurrences of the series were left out: nothing ran when they were due, or the run before them
    /// still did.
    Missed {
        /// How many; ten thousand also stands for more, unless they are steps.
        count: u64,
    },
    /// Somebody deleted it.
    Deleted,
}

/// An event that has no number yet.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) id: TaskId,
    pub(crate) at: Timestamp,
    pub(crate) kind: TaskEventKind,
}
