//! Waiting for instants that are far away, at the price of one wake-up of one thread per look.
//!
//! A timer of tokio that is set to a minute wakes its thread several times on the way, because it is
//! passed down the levels of a wheel, and then the task that looks at the clock. So tokio's timers
//! are for what is near, and what is far is watched by a thread of its own that sleeps between two
//! looks. It exists only while something far is waited for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::clock::Timestamp;

/// Watches the wall clock for instants that are far away; clones share the thread.
#[derive(Clone)]
pub(super) struct FarWatch(Arc<Shared>);

struct Shared {
    look_every: Duration,
    now: fn() -> Timestamp,
    waits: Mutex<Waits>,
}

#[derive(Default)]
struct Waits {
    count: u64,
    near: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
    is_watched: bool,
}

/// A wait, forgotten when dropped.
struct Wait {
    shared: Arc<Shared>,
    key: (Timestamp, u64),
}

impl FarWatch {
    pub(super) fn new(look_every: Duration, now: fn() -> Timestamp) -> Self {
        Self(Arc::new(Shared {
            look_every,
            now,
            waits: Mutex::default(),
        }))
    }

    /// Waits until `instant` is nearer than the time between two looks, or has passed.
    pub(super) async fn until_near(&self, instant: Timestamp) {
        let (wake, woken) = oneshot::channel();
        let Some(_wait) = self.add(instant, wake) else {
            // The system gives no thread; one wake-up more is the smaller evil.
            tokio::time::sleep(self.0.look_every).await;
            return;
        };
        woken.await.ok();
    }

    fn add(&self, instant: Timestamp, wake: oneshot::Sender<()>) -> Option<Wait> {
        let mut waits = self.0.waits.lock();
        if !waits.is_watched {
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("evertask-clock".to_owned());
            thread.spawn(move || shared.watch()).ok()?;
            waits.is_watched = true;
        }
        waits.count += 1;
        let key = (instant, waits.count);
        waits.near.insert(key, wake);
        let shared = Arc::clone(&self.0);
        Some(Wait { shared, key })
    }
}

impl Shared {
    /// The life of the thread: it ends with the first look that finds nobody waiting.
    fn watch(&self) {
        let far = TimeDelta::from_std(self.look_every).unwrap_or(TimeDelta::MAX);
        loop {
            thread::sleep(self.look_every);
            let mut waits = self.waits.lock();
            if waits.near.is_empty() {
                waits.is_watched = false;
                return;
            }
            let now = (self.now)();
            while let Some(entry) = waits.near.first_entry()
                && entry.key().0 - now <= far
            {
                // A wait that was given up has no receiver any more: nothing to wake.
                entry.remove().send(()).ok();
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.shared.waits.lock().near.remove(&self.key);
    }
}

impl fmt::Debug for FarWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FarWatch")
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const LOOK_EVERY: Duration = Duration::from_millis(5);

    fn noon() -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::hours(12)
    }

    fn watch() -> FarWatch {
        FarWatch::new(LOOK_EVERY, noon)
    }

    #[tokio::test]
    async fn a_wait_ends_when_its_instant_is_near_and_not_before() {
        let watch = watch();
        let mut far = Box::pin(watch.until_near(noon() + TimeDelta::hours(1)));
        assert!((&mut far).now_or_never().is_none());
        watch.until_near(noon() + TimeDelta::milliseconds(5)).await;
        watch.until_near(noon() - TimeDelta::hours(1)).await;
        assert!((&mut far).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_dropped_wait_is_forgotten_and_a_later_one_watched_again() {
        let watch = watch();
        let far = Box::pin(watch.until_near(noon() + TimeDelta::hours(1)));
        assert!(far.now_or_never().is_none());
        assert_eq!(watch.0.waits.lock().near.len(), 0);
        // Whether the thread has ended meanwhile or not.
        for _ in 0..5 {
            watch.until_near(noon()).await;
            tokio::task::yield_now().await;
        }
    }
}
