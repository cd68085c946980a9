use std::fmt;
use std::sync::Arc;

use evertask_core::storage::StorageError;
use evertask_core::time::Timestamp;
use tokio::sync::watch;

/// Whether the storage can be used, as the latest write found it.
///
/// An outage is no error of the tasks: what has to be written is repeated until it succeeds, and
/// dispatches wait for as long as the runtime was told to be patient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StorageHealth {
    /// The latest write was committed, or none has been made yet.
    Available,
    /// Writes fail and are being repeated.
    Unavailable {
        /// When the first of them failed.
        since: Timestamp,
        /// What the latest one failed with.
        reason: String,
    },
}

impl StorageHealth {
    /// Whether the storage can be used.
    pub fn is_available(&self) -> bool {
        matches!(self, Self::Available)
    }
}

impl fmt::Display for StorageHealth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available => formatter.write_str("available"),
            Self::Unavailable { since, reason } => {
                write!(formatter, "unavailable since {since}: {reason}")
            }
        }
    }
}

/// Tells when the health of a storage changes.
#[derive(Clone, Debug)]
pub struct HealthWatch(watch::Receiver<StorageHealth>);

impl HealthWatch {
    /// The health as it is now; later changes are seen by [`changed`](Self::changed).
    pub fn current(&mut self) -> StorageHealth {
        self.0.borrow_and_update().clone()
    }

    /// Waits for a change since the last look and answers what it is then; `None` once the runtime
    /// has ended.
    pub async fn changed(&mut self) -> Option<StorageHealth> {
        self.0.changed().await.ok()?;
        Some(self.current())
    }
}

/// Where the flush says how its writes go.
#[derive(Clone)]
pub(crate) struct HealthSignal(Arc<watch::Sender<StorageHealth>>);

impl HealthSignal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(StorageHealth::Available)))
    }

    pub(crate) fn watch(&self) -> HealthWatch {
        HealthWatch(self.0.subscribe())
    }

    pub(super) fn failed(&self, now: Timestamp, error: &StorageError) {
        self.0.send_modify(|health| {
            let since = match health {
                StorageHealth::Available => now,
                StorageHealth::Unavailable { since, .. } => *since,
            };
            let reason = error.to_string();
            *health = StorageHealth::Unavailable { since, reason };
        });
    }

    pub(super) fn succeeded(&self) {
        self.0.send_if_modified(|health| {
            let was = std::mem::replace(health, StorageHealth::Available);
            if let StorageHealth::Unavailable { since, .. } = &was {
                tracing::info!(%since, "the storage can be used again");
            }
            !was.is_available()
        });
    }
}
