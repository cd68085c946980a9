use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::clock::{Clock, Sleep, Timestamp, to_micros};
use super::far_watch::FarWatch;

/// The longest time without a look at the clock while waiting for a wall-clock instant: a clock that
/// was set is noticed within it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The clock of the operating system, on tokio's timers.
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: Instant,
    far: FarWatch,
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
            far: FarWatch::new(LOOK_EVERY, now),
        })
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the system"
)]
fn now() -> Timestamp {
    to_micros(Utc::now())
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
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
                if left <= LOOK_EVERY {
                    tokio::time::sleep(left).await;
                } else {
                    clock.far.until_near(instant).await;
                }
            }
        })
    }
}
