//! The thread of a runtime, from its start to its end.

use std::fmt;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::assembly::{Ready, assemble};
use super::client::Client;
use super::lifecycle::{Lifecycle, RuntimeFault};
use super::settings::{Settings, StartError};
use crate::queue::QueueConfig;

/// A running runtime.
///
/// Dropping it without a shutdown is like a crash of the process: nothing more is stored, and the
/// next start picks the tasks up.
pub struct Runtime {
    client: Client,
    #[cfg(feature = "testing")]
    provoker: super::provoke::Provoker,
}

/// Starts a runtime and waits until it takes tasks.
///
/// # Errors
///
/// See [`StartError`]; nothing runs and nothing is stored then.
pub async fn start(settings: Settings) -> Result<Runtime, StartError> {
    settings.validate()?;
    let queues = settings.queues()?;
    let (ready, wait) = oneshot::channel();
    let lifecycle = Lifecycle::new();
    let ended = EndOnDrop(lifecycle.clone());
    thread::Builder::new()
        .name("evertask".to_owned())
        .spawn(move || {
            let _ended = ended;
            live(settings, queues, lifecycle, ready);
        })?;
    let ready = wait.await.unwrap_or(Err(StartError::Ended))?;
    Ok(Runtime {
        client: ready.client,
        #[cfg(feature = "testing")]
        provoker: ready.provoker,
    })
}

/// The life of the thread.
fn live(
    settings: Settings,
    queues: Vec<QueueConfig>,
    lifecycle: Lifecycle,
    ready: oneshot::Sender<Result<Ready, StartError>>,
) {
    let handlers = match handler_runtime(&settings, &queues) {
        Ok(handlers) => handlers,
        Err(error) => {
            ready.send(Err(error.into())).ok();
            return;
        }
    };
    let handle = handlers.handle().clone();
    let patience = settings.abort_after;
    {
        // What is dropped with the system may have to spawn then: a connection in use, for one, goes
        // back to its pool.
        let _context = handlers.enter();
        actix_rt::System::new().block_on(async move {
            match assemble(settings, queues, handle, lifecycle.clone()).await {
                Ok(started) => {
                    if ready.send(Ok(started)).is_ok() {
                        lifecycle.closed().await;
                    }
                }
                Err(error) => {
                    ready.send(Err(error)).ok();
                }
            }
        });
    }
    // What a handler does between two awaits ends first, and with it the use of the storage: each
    // delivery and each body holds it, so that nobody takes a task for dead that still runs. What takes
    // longer is left to itself: a blocking body, which holds nothing, may never end.
    handlers.shutdown_timeout(patience);
}

fn handler_runtime(
    settings: &Settings,
    queues: &[QueueConfig],
) -> std::io::Result<tokio::runtime::Runtime> {
    let parallelism: usize = queues.iter().map(|queue| queue.parallelism).sum();
    let mut builder = Builder::new_multi_thread();
    if settings.handler_threads > 0 {
        builder.worker_threads(settings.handler_threads);
    }
    // Every slot may run a blocking body, and handlers may want some for themselves.
    builder.max_blocking_threads(parallelism.saturating_add(512));
    builder.thread_name("evertask-handler").enable_all().build()
}

/// Marks the runtime as ended when its thread ends, for whatever reason.
struct EndOnDrop(Lifecycle);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.released();
    }
}

impl Runtime {
    /// The client of this runtime.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let lifecycle = &self.client.lifecycle;
        if !lifecycle.has_ended() {
            tracing::warn!(
                "the last handle was dropped without a shutdown; running tasks are interrupted as \
                 by a crash and run again after the next start"
            );
            lifecycle.end(Err(RuntimeFault::Abandoned));
        }
        lifecycle.close();
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Runtime").finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl Runtime {
    /// Makes one of the runtime's own actors crash.
    pub fn provoke(&self, provocation: super::faults::Provocation) {
        self.provoker.provoke(provocation);
    }

    /// How many provoked crashes have not come to pass yet, the ones in a message, a timer or a
    /// future left aside.
    pub fn armed(&self) -> u32 {
        self.provoker.faults.armed()
    }

    /// Waits until actors have crashed that often since the start.
    pub async fn crashed(&self, times: u64) {
        let mut crashes = self.client.lifecycle.crashes();
        // The sender is in `self`, so there is always an answer.
        crashes.wait_for(|crashes| *crashes >= times).await.ok();
    }

    /// Counts what is kept in memory at this moment.
    pub fn in_memory(&self) -> super::in_memory::InMemory {
        self.client.in_memory()
    }

    /// How often actors have crashed since the start.
    pub fn crashes(&self) -> u64 {
        *self.client.lifecycle.crashes().borrow()
    }
}
