use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use evertask_actors::runtime::Runtime;
use evertask_actors::{Client, Dispatch, Dispatched};
use evertask_storage::SqlStorage;
use sea_orm::ConnectionTrait;

use crate::builder::Builder;
use crate::dispatch_in::{DispatchInError, dispatch_in};

/// A running runtime: the handle that keeps it running.
///
/// It is cheap to clone, `Send` and `Sync`, and fits in `actix_web::web::Data`. What it can do is
/// what its [`Client`] can do. End it with [`shutdown`](Client::shutdown): dropping the last clone
/// without that is like a crash of the process, and says so in the log. Nothing stored is lost
/// either way.
///
/// Several runtimes can live in one process; nothing is global.
#[derive(Clone)]
pub struct EverTask {
    runtime: Arc<Runtime>,
    /// Where the tasks are kept, if that is an SQL database.
    sql: Option<Arc<SqlStorage>>,
}

impl EverTask {
    /// Begins to configure a runtime.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(runtime: Runtime, sql: Option<SqlStorage>) -> Self {
        Self {
            runtime: Arc::new(runtime),
            sql: sql.map(Arc::new),
        }
    }

    /// Stores a task in a transaction of the application's own, on any connection or transaction of
    /// `SeaORM` to the database that the tasks are kept in.
    ///
    /// What the transaction does otherwise and the task are committed together, or neither is. After
    /// the commit, [`nudge`](Client::nudge) has the task start at once; without it, it starts when its
    /// queue looks for stored tasks the next time, which is the next start at the latest. A queue that
    /// rejects what does not fit takes it, as it waits outside of every window.
    ///
    /// A transaction that has written holds others up until it ends, so it should be short: a `SQLite`
    /// file has one writer at a time.
    ///
    /// ```no_run
    /// use evertask::{EverTask, Task};
    /// use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
    /// # use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct SendReceipt { order: i64 }
    ///
    /// impl Task for SendReceipt {
    ///     const NAME: &'static str = "receipt.send";
    /// }
    ///
    /// /// The body of an actix-web handler that has both in its application data.
    /// async fn place_order(
    ///     database: &DatabaseConnection,
    ///     evertask: &EverTask,
    /// ) -> Result<(), Box<dyn std::error::Error>> {
    ///     let transaction = database.begin().await?;
    ///     transaction.execute_unprepared("INSERT INTO orders (id) VALUES (7)").await?;
    ///     evertask.dispatch_in(&transaction, SendReceipt { order: 7 }).await?;
    ///     transaction.commit().await?;
    ///     evertask.nudge();
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`DispatchInError`]. Tasks that are not kept in an SQL database can't be stored so; neither
    /// can they if the builder was given a storage that only wraps one: then
    /// [`dispatch_in`](crate::dispatch_in()) does it.
    pub async fn dispatch_in<C: ConnectionTrait>(
        &self,
        connection: &C,
        dispatch: impl Into<Dispatch>,
    ) -> Result<Dispatched, DispatchInError> {
        let storage = self.sql.as_deref().ok_or(DispatchInError::NoSql)?;
        dispatch_in(storage, self.client(), connection, dispatch).await
    }

    /// The client, for code that should not keep the runtime running.
    pub fn client(&self) -> &Client {
        self.runtime.client()
    }

    /// Makes one of the runtime's own actors crash.
    #[cfg(feature = "testing")]
    pub fn provoke(&self, provocation: evertask_actors::runtime::Provocation) {
        self.runtime.provoke(provocation);
    }

    /// How many provoked crashes at a step, in `started` or in `restarting` are still to come.
    #[cfg(feature = "testing")]
    pub fn armed(&self) -> u32 {
        self.runtime.armed()
    }

    /// Waits until actors have crashed that often since the start.
    #[cfg(feature = "testing")]
    pub async fn crashed(&self, times: u64) {
        self.runtime.crashed(times).await;
    }

    /// Counts what is kept in memory at this moment about tasks that are under way.
    #[cfg(feature = "testing")]
    pub fn in_memory(&self) -> evertask_actors::runtime::InMemory {
        self.runtime.in_memory()
    }

    /// How often actors have crashed since the start.
    #[cfg(feature = "testing")]
    pub fn crashes(&self) -> u64 {
        self.runtime.crashes()
    }
}

impl Deref for EverTask {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client()
    }
}

impl fmt::Debug for EverTask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EverTask")
    }
}
