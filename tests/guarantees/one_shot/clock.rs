//! A clock that stands still, and tells the test what is being waited for.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeZone;
use evertask::time::{Clock, ManualClock, Sleep, Timestamp};
use tokio::sync::watch;

use crate::stage::soon;

/// A [`ManualClock`] whose test need not guess whether a wait has begun.
#[derive(Clone, Debug)]
pub(crate) struct StagedClock {
    manual: ManualClock,
    asked: Arc<watch::Sender<Vec<Duration>>>,
}

impl StagedClock {
    pub(crate) fn new() -> Self {
        let start = chrono::Utc.with_ymd_and_hms(2026, 1, 5, 9, 0, 0);
        Self::starting_at(start.single().expect("an instant"))
    }

    pub(crate) fn starting_at(start: Timestamp) -> Self {
        Self {
            manual: ManualClock::starting_at(start),
            asked: Arc::default(),
        }
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.manual.advance(span);
    }

    /// Waits until somebody waits for exactly that long; each such wait counts once.
    pub(crate) async fn asked_for(&self, span: Duration) {
        let mut asked = self.asked.subscribe();
        let wanted = asked.wait_for(|asked| asked.contains(&span));
        drop(soon(wanted).await.expect("the clock exists"));
        self.asked.send_modify(|asked| {
            if let Some(place) = asked.iter().position(|other| *other == span) {
                asked.remove(place);
            }
        });
    }

    /// Whether nobody waits for the time.
    pub(crate) fn is_not_waited_for(&self) -> bool {
        self.manual.next_wait().is_none()
    }

    /// Waits until somebody waits for exactly that long, and lets the time pass.
    pub(crate) async fn pass(&self, span: Duration) {
        self.asked_for(span).await;
        self.advance(span);
    }
}

impl Clock for StagedClock {
    fn now(&self) -> Timestamp {
        self.manual.now()
    }

    fn elapsed(&self) -> Duration {
        self.manual.elapsed()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let sleep = self.manual.sleep(span);
        self.asked.send_modify(|asked| asked.push(span));
        sleep
    }

    fn sleep_until(&self, instant: Timestamp) -> Sleep {
        self.manual.sleep_until(instant)
    }
}
