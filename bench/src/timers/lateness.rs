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
pub(super) struct Due(pub(super) i64);

impl Task for Due {
    const NAME: &'static str = "bench.due";
}

/// Notes how late each task is that runs.
#[derive(Clone, Debug)]
pub(super) struct Lateness {
    noted: Arc<Mutex<Vec<Duration>>>,
    count: Arc<watch::Sender<usize>>,
    clock: Arc<dyn Clock>,
}

/// Percentiles of what was noted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percentiles {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) most: Duration,
}

impl Lateness {
    pub(super) fn new() -> Self {
        Self {
            noted: Arc::default(),
            count: Arc::default(),
            clock: SystemClock::shared(),
        }
    }

    /// Waits until that many tasks have run.
    pub(super) async fn noted(&self, count: usize) {
        let mut noted = self.count.subscribe();
        // The sender is in `self`.
        noted.wait_for(|noted| *noted >= count).await.ok();
    }

    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    pub(super) fn percentiles(&self) -> Percentiles {
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

impl TaskHandler<Due> for Lateness {
    async fn handle(&self, task: &Due, context: &TaskContext) -> TaskResult {
        let now = self.clock.now();
        let of_series = context.series_run().map(|run| run.scheduled_at);
        let due = of_series.or_else(|| Timestamp::from_timestamp_micros(task.0));
        if let Some(due) = due {
            self.noted
                .lock()
                .push((now - due).to_std().unwrap_or_default());
        }
        self.count.send_modify(|count| *count += 1);
        Ok(())
    }
}
