use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::fmt;
use std::sync::Arc;

use evertask_core::task::TaskId;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Every delivery of this process: what makes two deliveries of one id impossible.
///
/// An id is in it from before its row is inserted or claimed until the very last act of its
/// delivery. It lives outside the actors, so that no crash of theirs forgets a running handler.
#[derive(Clone)]
pub(crate) struct DeliveryRegistry(Arc<Shared>);

struct Shared {
    entries: Mutex<HashMap<TaskId, Entry>>,
    running: watch::Sender<usize>,
}

struct Entry {
    cancelled: CancellationToken,
    cancellation: Option<Cancellation>,
    running: Option<String>,
}

/// Who cancelled a task, and why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancellation {
    pub(crate) actor: Option<String>,
    pub(crate) reason: Option<String>,
}

/// The entry of one delivery, removed when dropped.
#[must_use]
pub(crate) struct Registration {
    registry: Arc<Shared>,
    id: TaskId,
    cancelled: CancellationToken,
}

impl DeliveryRegistry {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            entries: Mutex::default(),
            running: watch::Sender::new(0),
        }))
    }

    /// Enters an id; `None` if a delivery of it is under way.
    pub(crate) fn register(&self, id: TaskId) -> Option<Registration> {
        let mut entries = self.0.entries.lock();
        let MapEntry::Vacant(vacant) = entries.entry(id) else {
            return None;
        };
        let cancelled = CancellationToken::new();
        vacant.insert(Entry {
            cancelled: cancelled.clone(),
            cancellation: None,
            running: None,
        });
        Some(Registration {
            registry: Arc::clone(&self.0),
            id,
            cancelled,
        })
    }

    pub(crate) fn contains(&self, id: TaskId) -> bool {
        self.0.entries.lock().contains_key(&id)
    }

    /// Marks a delivery as cancelled and fires its token; answers whether its handler runs, or
    /// `None` if no delivery of it is under way.
    pub(crate) fn cancel(&self, id: TaskId, cancellation: Cancellation) -> Option<bool> {
        let mut entries = self.0.entries.lock();
        let entry = entries.get_mut(&id)?;
        entry.cancellation.get_or_insert(cancellation);
        entry.cancelled.cancel();
        Some(entry.running.is_some())
    }

    /// Waits until no handler runs.
    pub(crate) async fn none_running(&self) {
        let mut running = self.0.running.subscribe();
        // The sender is in `self`, so there is always an answer.
        running.wait_for(|running| *running == 0).await.ok();
    }

    /// The handlers that run: ids with the names of their tasks.
    pub(crate) fn running(&self) -> Vec<(TaskId, String)> {
        let entries = self.0.entries.lock();
        let running = entries
            .iter()
            .filter_map(|(id, entry)| Some((*id, entry.running.clone()?)));
        running.collect()
    }
}

impl Registration {
    /// Fires when the task is cancelled.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Who cancelled it, if somebody did.
    pub(crate) fn cancellation(&self) -> Option<Cancellation> {
        let entries = self.registry.entries.lock();
        entries.get(&self.id)?.cancellation.clone()
    }

    /// The handler is about to be entered.
    pub(crate) fn begin(&self, task: &str) {
        let mut entries = self.registry.entries.lock();
        if let Some(entry) = entries.get_mut(&self.id)
            && entry.running.is_none()
        {
            entry.running = Some(task.to_owned());
            self.registry.running.send_modify(|running| *running += 1);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let removed = self.registry.entries.lock().remove(&self.id);
        if removed.is_some_and(|entry| entry.running.is_some()) {
            self.registry.running.send_modify(|running| *running -= 1);
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Registration")
            .field(&self.id)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ID: TaskId = TaskId(Uuid::nil());

    #[test]
    fn a_second_delivery_of_an_id_is_refused_until_the_first_is_over() {
        let registry = DeliveryRegistry::new();
        let first = registry.register(ID).expect("nothing is under way");
        assert!(registry.register(ID).is_none());
        drop(first);
        assert!(registry.register(ID).is_some());
    }

    #[test]
    fn a_cancel_reaches_the_delivery_and_keeps_the_first_reason() {
        let registry = DeliveryRegistry::new();
        let reason = |text: &str| Cancellation {
            actor: None,
            reason: Some(text.to_owned()),
        };
        assert_eq!(registry.cancel(ID, reason("nobody there")), None);
        let delivery = registry.register(ID).expect("nothing is under way");
        assert_eq!(registry.cancel(ID, reason("first")), Some(false));
        delivery.begin("task");
        assert_eq!(registry.cancel(ID, reason("second")), Some(true));
        assert!(delivery.cancelled().is_cancelled());
        let kept = delivery
            .cancellation()
            .and_then(|cancellation| cancellation.reason);
        assert_eq!(kept.as_deref(), Some("first"));
    }

    #[actix::test]
    async fn nobody_runs_once_every_running_delivery_is_dropped() {
        let registry = DeliveryRegistry::new();
        registry.none_running().await;
        let delivery = registry.register(ID).expect("nothing is under way");
        delivery.begin("task");
        assert_eq!(registry.running(), [(ID, "task".to_owned())]);
        drop(delivery);
        registry.none_running().await;
    }
}
