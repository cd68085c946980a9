use std::sync::Arc;
use std::time::Duration;

use evertask::time::{Clock, Sleep, SystemClock, Timestamp};

/// How many seconds go by in one.
const HASTE: u32 = 50;

/// A clock for processes that come one after the other, in which seconds pass like milliseconds: a
/// series runs every second at most, and a test has no time for that.
#[derive(Clone, Debug)]
pub(super) struct HastyClock(Arc<dyn Clock>);

impl HastyClock {
    pub(super) fn new() -> Self {
        Self(SystemClock::shared())
    }
}

impl Clock for HastyClock {
    fn now(&self) -> Timestamp {
        // Some instant that has passed and is the same for all processes.
        let origin = Timestamp::from_timestamp(1_790_000_000, 0).unwrap();
        origin + (self.0.now() - origin) * HASTE.cast_signed()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed() * HASTE
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.0.sleep(span / HASTE)
    }

    fn sleep_until(&self, instant: Timestamp) -> Sleep {
        let left = (instant - self.now()).to_std().unwrap_or_default();
        self.0.sleep(left / HASTE)
    }
}
