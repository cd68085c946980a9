//! How late handlers are entered.

use std::sync::Arc;
use std::time::Duration;

use evertask::time::{Clock, SystemClock, Timestamp};
use evertask::{Task, TaskContext, TaskHandler, TaskResult};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A task that knows when it is due, in microseconds since 1970; a series is asked for its own instant.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Due(pub(crate) i64);

impl Task for Due {
    const NAME: &'static str = "bench.due";
}

/// Notes how late each task is that runs.
#[derive(Clone, Debug)]
pub(crate) struct Lateness {
    noted: Arc<Mutex<Vec<Duration>>>,
    count: Arc<watch::Sender<usize>>,
    clock: Arc<dyn Clock>,
}

/// Percentiles of what was noted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percentiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) most: Duration,
}

impl Lateness {
    pub(crate) fn new() -> Self {
        Self {
            noted: Arc::default(),
            count: Arc::default(),
            clock: SystemClock::shared(),
        }
    }

    /// Waits until that many tasks have run.
    pub(crate) async fn noted(&self, count: usize) {
        let mut noted = self.count.subscribe();
        // The sender is in `self`.
        noted.wait_for(|noted| *noted >= count).await.ok();
    }

    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Begins anew.
    pub(crate) fn forget(&self) {
        self.noted.lock().clear();
        self.count.send_replace(0);
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let mut noted = self.noted.lock().clone();
        noted.sort_unstable();
        let at = |percent: usize| {
            let place = (noted.len() * percent).div_ceil(100).saturating_sub(1);
            noted.get(place).copied().unwrap_or_default()
        };
        Percentiles {
            p50: at(50),
            p99: at(99),
            most: at(100),
        }
    }
}

impl Lateness {
    /// Notes how late it is for something that was due then.
    pub(crate) fn note(&self, due: Timestamp) {
        let late = (self.clock.now() - due).to_std().unwrap_or_default();
        self.noted.lock().push(late);
        self.count.send_modify(|count| *count += 1);
    }
}

impl TaskHandler<Due> for Lateness {
    async fn handle(&self, task: &Due, context: &TaskContext) -> TaskResult {
        let of_series = context.series_run().map(|run| run.scheduled_at);
        let due = of_series.or_else(|| Timestamp::from_timestamp_micros(task.0));
        self.note(due.unwrap_or_default());
        Ok(())
    }
}
