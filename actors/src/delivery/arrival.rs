use evertask_core::storage::ClaimedTask;
use evertask_core::task::TaskId;
use evertask_core::time::Timestamp;

use super::registry::Registration;
use crate::queue::AheadPlace;
use crate::task::Payload;

/// A task that is owned by this process and waits in its memory until it is due.
///
/// What its schedule says, and whether it has a turn, is asked when it is due, not before.
pub(crate) struct Arrival {
    pub(crate) claimed: ClaimedTask,
    /// The very value that was dispatched, unless it was claimed.
    pub(crate) live: Option<Payload>,
    // Dropped last and in this order: the id is free before its place is.
    pub(crate) registration: Registration,
    pub(crate) place: AheadPlace,
}

impl Arrival {
    pub(crate) fn id(&self) -> TaskId {
        self.claimed.record.id()
    }

    /// When it is due; what says nothing is due at once.
    pub(crate) fn due(&self) -> Timestamp {
        let available_at = self.claimed.record.state.available_at;
        available_at.unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
