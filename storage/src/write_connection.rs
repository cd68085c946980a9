use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::{StorageError, StorageErrorKind};
use parking_lot::Mutex;
use sea_orm::DatabaseConnection;

/// The connection that writes.
///
/// One to a server is given up when it does not answer in time: a network that fails in silence
/// would otherwise hold it until the operating system gives up, a quarter of an hour later.
pub(crate) struct WriteConnection {
    current: Arc<Mutex<DatabaseConnection>>,
    renewal: Option<Renewal>,
}

/// How a connection to a server is made anew.
pub(crate) struct Renewal {
    /// How long it may take to answer.
    pub(crate) patience: Duration,
    pub(crate) make: Arc<dyn Fn() -> DatabaseConnection + Send + Sync>,
}

impl WriteConnection {
    /// A connection that always answers.
    pub(crate) fn to_file(connection: DatabaseConnection) -> Self {
        Self {
            current: Arc::new(Mutex::new(connection)),
            renewal: None,
        }
    }

    /// A connection that may fall silent.
    pub(crate) fn to_server(renewal: Renewal) -> Self {
        Self {
            current: Arc::new(Mutex::new((renewal.make)())),
            renewal: Some(renewal),
        }
    }

    /// The present connection, as it is renewed.
    pub(crate) fn shared(&self) -> Arc<Mutex<DatabaseConnection>> {
        Arc::clone(&self.current)
    }

    pub(crate) fn current(&self) -> DatabaseConnection {
        self.current.lock().clone()
    }

    /// Does some of the work of a group on the connection. Without an answer in time, what the
    /// server did of it is not known, and the next work is done on a new connection.
    pub(crate) async fn answered<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, StorageError> {
        let Some(renewal) = &self.renewal else {
            return Ok(work.await);
        };
        if let Ok(done) = tokio::time::timeout(renewal.patience, work).await {
            return Ok(done);
        }
        *self.current.lock() = (renewal.make)();
        let doing = format!(
            "wait for the server, which was silent for {:?}",
            renewal.patience
        );
        Err(StorageError::new(StorageErrorKind::Transient, doing))
    }
}

impl fmt::Debug for WriteConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WriteConnection")
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}
