use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use evertask_actors::Client;
use evertask_actors::runtime::Runtime;

use crate::builder::Builder;

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
}

impl EverTask {
    /// Begins to configure a runtime.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(runtime: Runtime) -> Self {
        Self {
            runtime: Arc::new(runtime),
        }
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
