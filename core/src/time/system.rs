use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::clock::{Clock, Sleep, Timestamp, to_micros};
use super::far_watch::FarWatch;
use super::near_watch::NearWatch;

/// The longest time without a look at the clock while waiting for a wall-clock instant: a clock that
/// was set is noticed within it.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// The clock of the operating system, on tokio's timers, and finer ones for the last stretch before an
/// instant.
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: Instant,
    far: FarWatch,
    near: NearWatch,
}

impl SystemClock {
    /// Creates the clock, ready to be shared.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system"
    )]
    pub fn shared() -> Arc<dyn Clock> {
        let origin = Instant::now();
        Arc::new(Self {
            origin,
            far: FarWatch::new(LOOK_EVERY, now),
            near: NearWatch::new(move || origin.elapsed()),
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
                if left <= NearWatch::MOST {
                    clock.near.wait(left).await;
                } else if left <= LOOK_EVERY {
                    tokio::time::sleep(left.saturating_sub(NearWatch::MOST)).await;
                } else {
                    clock.far.until_near(instant).await;
                }
            }
        })
    }
}
