mod handlers;
mod settings;

use std::any::Any;
use std::sync::Arc;

use evertask_actors::runtime::{Settings, StartError, start};
use evertask_actors::{CatalogBuilder, Queue};
use evertask_core::storage::StorageBackend;
use evertask_storage::SqlStorage;

use self::settings::Changes;
use crate::handle::EverTask;

/// Configures a runtime; everything is checked by [`start`](Self::start), before anything runs.
#[must_use]
#[derive(Debug, Default)]
pub struct Builder {
    storage: Option<Arc<dyn StorageBackend>>,
    sql: Option<SqlStorage>,
    catalog: CatalogBuilder,
    changes: Changes,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Where tasks are kept: a [`SqlStorage`](crate::SqlStorage), or a
    /// [`MemoryStorage`](crate::MemoryStorage) in tests. Required.
    pub fn storage(mut self, storage: impl StorageBackend) -> Self {
        self.sql = (&storage as &dyn Any).downcast_ref().cloned();
        self.storage = Some(Arc::new(storage));
        self
    }

    /// Adds a queue, or configures the default one.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.changes.queues.push(queue);
        self
    }

    /// Checks the configuration, opens the storage and starts the runtime on a thread of its own.
    ///
    /// What is stored and due begins to run at once.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; nothing runs and nothing is stored then.
    pub async fn start(self) -> Result<EverTask, StartError> {
        let storage = self.storage.ok_or(StartError::NoStorage)?;
        let mut settings = Settings::new(storage);
        settings.catalog = self.catalog;
        self.changes.apply(&mut settings);
        Ok(EverTask::new(start(settings).await?, self.sql))
    }
}
