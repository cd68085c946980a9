use std::sync::Arc;

use evertask_core::task::TaskId;

use super::{DeliveryRegistry, Shared};

/// Keeps deliveries of an id from beginning until it is dropped.
#[must_use]
pub(crate) struct Bar {
    registry: Arc<Shared>,
    id: TaskId,
}

impl DeliveryRegistry {
    /// Bars an id; `None` if a delivery of it is under way.
    pub(crate) fn bar(&self, id: TaskId) -> Option<Bar> {
        let mut book = self.0.book.lock();
        let is_free = !book.entries.contains_key(&id) && book.barred.insert(id);
        is_free.then(|| Bar {
            registry: Arc::clone(&self.0),
            id,
        })
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.registry.book.lock().barred.remove(&self.id);
    }
}
