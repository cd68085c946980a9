use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the statements that one [`SqlStorage`](crate::SqlStorage) sends to its database.
///
/// It counts where they are handed to the driver, the beginning and the end of a transaction
/// included, so that "idle means no statement" can be measured. Clones share the count. Migrations
/// and what a new connection sets up are not counted.
#[derive(Clone, Debug, Default)]
pub struct StatementCounter(Arc<AtomicU64>);

impl StatementCounter {
    /// How many statements have been sent so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
