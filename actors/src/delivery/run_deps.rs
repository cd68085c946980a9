use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use evertask_core::log::LogOptions;
use evertask_core::random::Randomness;
use evertask_core::storage::TaskStorage;
use evertask_core::task::{IdSource, ProcessId};
use evertask_core::time::Clock;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::persistence::PersistenceClient;
use crate::runtime::Client;
use crate::scheduler::Scheduler;
use crate::supervisor::LeftBehind;
use crate::task::AppData;
use crate::throttle::RateLimits;

/// What every running delivery needs.
pub(crate) struct RunDeps {
    pub(crate) process: ProcessId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) storage: Arc<dyn TaskStorage>,
    pub(crate) persistence: PersistenceClient,
    pub(crate) scheduler: Addr<Scheduler>,
    pub(crate) handlers: Handle,
    pub(crate) client: Client,
    pub(crate) signals: StopSignals,
    pub(crate) limits: RateLimits,
    /// How long a body that was told to stop may take before it is aborted.
    pub(crate) abort_after: Duration,
    /// How long a task that runs alone must live to be found innocent of a crash.
    pub(crate) probation: Duration,
    /// In how many starts a payload may fail to decode.
    pub(crate) decode_failures: u32,
    /// How often in a row a handler may ask to be called later.
    pub(crate) max_snoozes: u32,
    /// How many bytes of JSON a handler may return.
    pub(crate) max_result: usize,
    /// What handlers use of the application.
    pub(crate) data: AppData,
    /// Which lines of tasks are kept, unless the kind of task says otherwise.
    pub(crate) logs: LogOptions,
}

/// The phases of a shutdown, as running deliveries see them.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopSignals {
    /// The time to drain is over: handlers are told to stop.
    pub(crate) stop: CancellationToken,
    /// The time of grace is over: bodies are aborted, or left behind.
    pub(crate) abort: CancellationToken,
    /// Bodies that could not be aborted and were left behind.
    pub(crate) left_behind: Arc<Mutex<Vec<LeftBehind>>>,
}
