use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::clock::{Clock, Sleep, Timestamp, to_micros};

/// The longest single sleep while waiting for a wall-clock instant: a clock that was set is
/// noticed within it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The clock of the operating system, on tokio's timers.
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Creates the clock, ready to be shared.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system"
    )]
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self {
            origin: Instant::now(),
        })
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system"
    )]
    fn now(&self) -> Timestamp {
        to_micros(Utc::now())
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }

    fn sleep_until(&self, instant: Timestamp) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            while let Ok(left) = (instant - clock.now()).to_std() {
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
            }
        })
    }
}
