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
    /// Nothing was stored or changed: the task was there already.
    Existing(KeptReason),
}

/// Why a dispatch left a task as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeptReason {
    /// It was dispatched before with this id: a repetition changes nothing.
    SameId,
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
