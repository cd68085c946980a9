use evertask_core::key::{KeptReason, Redefined};
use evertask_core::task::TaskId;

/// What a dispatch answers: the task that does the work, and how it came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Dispatched {
    /// The task. With a key, it may be one that was there before.
    pub id: TaskId,
    /// What became of the dispatch.
    pub outcome: DispatchOutcome,
}

/// What became of a dispatch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DispatchOutcome {
    /// A new task is stored.
    Created,
    /// The task that holds the key waited, and does this work instead of what it was to do.
    Updated,
    /// The task that holds the key waited to run once, and is the series now that was dispatched.
    Converted,
    /// The series that holds the key was over, and begins anew.
    Revived,
    /// Nothing was stored or changed: the task was there already, and the payload of this dispatch
    /// is not run.
    Existing(KeptReason),
}

impl Dispatched {
    pub(crate) fn new(id: TaskId, outcome: DispatchOutcome) -> Self {
        Self { id, outcome }
    }

    /// Whether the dispatch stored a new task.
    pub fn is_new(&self) -> bool {
        self.outcome == DispatchOutcome::Created
    }
}

impl From<Dispatched> for TaskId {
    fn from(dispatched: Dispatched) -> Self {
        dispatched.id
    }
}

impl From<Redefined> for DispatchOutcome {
    fn from(redefined: Redefined) -> Self {
        match redefined {
            Redefined::Updated => Self::Updated,
            Redefined::Converted => Self::Converted,
            Redefined::Revived => Self::Revived,
        }
    }
}
