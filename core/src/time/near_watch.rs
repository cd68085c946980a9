//! Waiting for the very instant.
//!
//! Timers of tokio go by whole milliseconds, rounded up: who waits for one wakes a millisecond late on
//! average. So the last stretch before an instant is waited out by a thread of its own, which the system
//! wakes within some tens of microseconds. It exists from the first such wait on, and sleeps while there
//! is none.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

/// Waits out short spans; clones share the thread, which ends with the last of them.
#[derive(Clone)]
pub(super) struct NearWatch(Arc<Handle>);

/// Ends the thread when dropped.
struct Handle(Arc<Shared>);

struct Shared {
    /// The time since some fixed point.
    elapsed: Box<dyn Fn() -> Duration + Send + Sync>,
    waits: Mutex<Waits>,
    changed: Condvar,
}

#[derive(Default)]
struct Waits {
    count: u64,
    due: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    is_watched: bool,
    is_over: bool,
}

/// A wait, forgotten when dropped.
struct Wait<'a> {
    shared: &'a Shared,
    key: (Duration, u64),
}

impl NearWatch {
    /// The longest span that is waited out so: longer than a timer of tokio is late.
    pub(super) const MOST: Duration = Duration::from_millis(3);

    pub(super) fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(Handle(Arc::new(Shared {
            elapsed: Box::new(elapsed),
            waits: Mutex::default(),
            changed: Condvar::new(),
        }))))
    }

    /// Waits for a span that is at most [`MOST`](Self::MOST).
    pub(super) async fn wait(&self, span: Duration) {
        let (wake, woken) = oneshot::channel();
        let shared = &self.0.0;
        let Some(_wait) = shared.add(span, wake) else {
            // The system gives no thread; being late is the smaller evil.
            tokio::time::sleep(span).await;
            return;
        };
        woken.await.ok();
    }
}

impl Shared {
    fn add(self: &Arc<Self>, span: Duration, wake: oneshot::Sender<()>) -> Option<Wait<'_>> {
        let due = (self.elapsed)() + span;
        let mut waits = self.waits.lock();
        if !waits.is_watched {
            let shared = Arc::clone(self);
            let thread = thread::Builder::new().name("evertask-alarm".to_owned());
            thread.spawn(move || shared.watch()).ok()?;
            waits.is_watched = true;
        }
        waits.count += 1;
        let key = (due, waits.count);
        waits.due.insert(key, wake);
        let is_first = waits.due.first_key_value().map(|(first, _)| *first) == Some(key);
        drop(waits);
        if is_first {
            self.changed.notify_one();
        }
        Some(Wait { shared: self, key })
    }

    /// The life of the thread.
    fn watch(&self) {
        let mut waits = self.waits.lock();
        while !waits.is_over {
            let Some((due, _)) = waits.due.first_key_value().map(|(first, _)| *first) else {
                self.changed.wait(&mut waits);
                continue;
            };
            let left = due.saturating_sub((self.elapsed)());
            if !left.is_zero() {
                self.changed.wait_for(&mut waits, left);
            } else if let Some((_, wake)) = waits.due.pop_first() {
                // A wait that was given up has no receiver any more: nothing to wake.
                wake.send(()).ok();
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.waits.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.shared.waits.lock().due.remove(&self.key);
    }
}

impl fmt::Debug for NearWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NearWatch")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::FutureExt;

    use super::*;

    /// A watch whose time the test sets, in milliseconds.
    fn watch() -> (NearWatch, Arc<AtomicU64>) {
        let time = Arc::new(AtomicU64::new(0));
        let shown = Arc::clone(&time);
        let elapsed = move || Duration::from_millis(shown.load(Ordering::Relaxed));
        (NearWatch::new(elapsed), time)
    }

    #[tokio::test]
    async fn waits_end_in_the_order_of_their_instants() {
        let (watch, time) = watch();
        let mut late = Box::pin(watch.wait(Duration::from_millis(3)));
        let mut early = Box::pin(watch.wait(Duration::from_millis(1)));
        assert!((&mut late).now_or_never().is_none());
        assert!((&mut early).now_or_never().is_none());
        time.store(1, Ordering::Relaxed);
        early.await;
        assert!((&mut late).now_or_never().is_none());
        time.store(3, Ordering::Relaxed);
        late.await;
    }

    #[tokio::test]
    async fn a_wait_that_is_given_up_is_forgotten() {
        let (watch, _) = watch();
        let mut wait = Box::pin(watch.wait(Duration::from_millis(3)));
        assert!((&mut wait).now_or_never().is_none());
        assert_eq!(watch.0.0.waits.lock().due.len(), 1);
        drop(wait);
        assert!(watch.0.0.waits.lock().due.is_empty());
    }
}
