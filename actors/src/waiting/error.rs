use thiserror::Error;

use crate::dispatch::DispatchError;
use crate::runtime::RuntimeFault;
use crate::supervisor::RequestError;

/// Why the end of a task was not awaited to its end.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The task was not stored, so there is nothing to wait for.
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    /// There is no such task, or it was deleted meanwhile.
    #[error("there is no such task")]
    Unknown,
    /// The task can't be read.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The runtime was shut down before the end was seen. The task is stored; after the next start it
    /// can be waited for again.
    #[error("the runtime was shut down before the end of the task was seen")]
    ShutDown,
    /// The runtime ended by itself, likewise.
    #[error("the runtime ended before the end of the task was seen: {0}")]
    Fault(#[from] RuntimeFault),
}
