use evertask_core::task::Failure;

/// How a task ends, or a run of a series, as [`TaskHandler::follow_ups`](super::TaskHandler::follow_ups)
/// is told before it is stored.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum TaskOutcome<'a> {
    /// Its handler succeeded.
    Completed,
    /// It failed for good; this is the failure of its last attempt.
    Failed(&'a Failure),
}
