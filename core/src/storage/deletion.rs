use crate::task::{Generation, Status, TaskId, TaskRecord};
use crate::time::Timestamp;

/// Removes a task that is over, with everything kept about it.
///
/// It is applied only if the row still has the generation `expected`.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteTask {
    /// The generation the row must have.
    pub expected: Generation,
    /// What is kept in its place.
    pub deletion: Deletion,
}

/// What is kept of a task that somebody deleted, for good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deletion {
    /// The task.
    pub id: TaskId,
    /// The name of its type.
    pub task: String,
    /// The queue it ran in.
    pub queue: String,
    /// How it had ended.
    pub status: Status,
    /// When it was deleted.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Why, if said.
    pub reason: Option<String>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq)]
pub enum DeleteAnswer {
    /// The task is gone, because of this write or of an earlier one.
    Deleted,
    /// The row has another generation; it was left alone.
    Refused(Box<TaskRecord>),
    /// There is no such row, and nobody deleted one.
    Missing,
}
