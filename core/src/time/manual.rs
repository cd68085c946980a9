use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::clock::{Clock, Sleep, Timestamp, to_micros};

/// A clock that stands still until a test moves it.
///
/// Clones share one time. Waits are woken, in the order they are due, by [`advance`](Self::advance);
/// the woken code runs afterwards, so a test waits for its effect (an event, an answer), never for
/// the clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: Timestamp,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    waits: u64,
    due: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// Creates a clock that shows `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        let start = to_micros(start);
        Self {
            start,
            state: Arc::new(Mutex::new(State {
                now: start,
                waits: 0,
                due: BTreeMap::new(),
            })),
        }
    }

    /// Moves the time forward and wakes every wait that has become due.
    pub fn advance(&self, span: Duration) {
        let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let mut state = self.state.lock();
        let now = state
            .now
            .checked_add_signed(span)
            .unwrap_or(Timestamp::MAX_UTC);
        state.now = now;
        while let Some(entry) = state.due.first_entry()
            && entry.key().0 <= now
        {
            // A wait that was given up has no receiver any more: nothing to wake.
            entry.remove().send(()).ok();
        }
    }

    /// Answers when the earliest live wait is due, if anything waits.
    pub fn next_wait(&self) -> Option<Timestamp> {
        let mut state = self.state.lock();
        state.due.retain(|_, wake| !wake.is_closed());
        state.due.first_key_value().map(|((due, _), _)| *due)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().now
    }

    fn elapsed(&self) -> Duration {
        (self.now() - self.start).to_std().unwrap_or_default()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let span = TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let now = self.now();
        self.sleep_until(now.checked_add_signed(span).unwrap_or(Timestamp::MAX_UTC))
    }

    fn sleep_until(&self, instant: Timestamp) -> Sleep {
        let mut state = self.state.lock();
        if instant <= state.now {
            return Box::pin(std::future::ready(()));
        }
        let (wake, woken) = oneshot::channel();
        state.waits += 1;
        let key = (instant, state.waits);
        state.due.insert(key, wake);
        drop(state);
        Box::pin(async move {
            // An error means that the clock itself is gone; then nobody waits for time either.
            woken.await.ok();
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_wait_ends_exactly_when_its_time_has_come() {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        let mut wait = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_millis(9_999));
        assert!((&mut wait).now_or_never().is_none());
        clock.advance(Duration::from_millis(1));
        assert!(wait.now_or_never().is_some());
        assert_eq!(clock.next_wait(), None);
    }

    #[test]
    fn a_dropped_wait_is_forgotten() {
        let clock = ManualClock::starting_at(Timestamp::UNIX_EPOCH);
        drop(clock.sleep(Duration::from_secs(10)));
        assert_eq!(clock.next_wait(), None);
    }
}
