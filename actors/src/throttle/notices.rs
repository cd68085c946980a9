//! Saying that tasks wait, without saying it for each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::limit::OwnedScope;
use evertask_core::time::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::monitor::{LimitEvent, LimitEventKind, Publisher};

/// How long what happens again in a scope is counted before it is told.
const WINDOW: Duration = Duration::from_secs(30);

/// Tells the first of what happens at once, and how often it happened again every half a minute.
#[derive(Clone)]
pub(crate) struct Notices(Arc<Shared>);

struct Shared {
    publisher: Publisher,
    clock: Arc<dyn Clock>,
    threads: Handle,
    open: Mutex<HashMap<Topic, Window>>,
}

/// What is counted together.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Topic {
    Deferred(OwnedScope),
    FailedOpen,
}

/// What has happened since it was told last.
struct Window {
    scope: OwnedScope,
    count: u64,
    slot: Timestamp,
}

impl Notices {
    pub(crate) fn new(publisher: Publisher, clock: Arc<dyn Clock>, threads: Handle) -> Self {
        Self(Arc::new(Shared {
            publisher,
            clock,
            threads,
            open: Mutex::default(),
        }))
    }

    /// A task was told a slot.
    pub(super) fn deferred(&self, scope: &OwnedScope, slot: Timestamp) {
        // Nobody needs to count for nobody.
        if self.0.publisher.has_limit_listeners() {
            self.note(Topic::Deferred(scope.clone()), scope, slot);
        }
    }

    /// A task was let go without being limited.
    pub(super) fn failed_open(&self, scope: &OwnedScope) {
        let now = self.0.clock.now();
        self.note(Topic::FailedOpen, scope, now);
    }

    /// Nothing of a scope starts for a while.
    pub(super) fn paused(&self, scope: &OwnedScope, until: Timestamp) {
        let scope = scope.clone();
        self.0.tell(scope, LimitEventKind::Paused { until });
    }

    fn note(&self, topic: Topic, scope: &OwnedScope, slot: Timestamp) {
        let mut open = self.0.open.lock();
        match open.entry(topic.clone()) {
            Entry::Occupied(mut window) => {
                let window = window.get_mut();
                window.count += 1;
                window.slot = slot;
                return;
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Window {
                    scope: scope.clone(),
                    count: 0,
                    slot,
                });
            }
        }
        drop(open);
        self.0.tell(scope.clone(), topic.told(1, slot));
        let shared = Arc::clone(&self.0);
        let counting = async move {
            loop {
                shared.clock.sleep(WINDOW).await;
                if !shared.close(&topic) {
                    return;
                }
            }
        };
        drop(self.0.threads.spawn(counting));
    }
}

impl Shared {
    /// Tells what was counted and counts anew; `false` if there is nothing to tell any more.
    fn close(&self, topic: &Topic) -> bool {
        let mut open = self.open.lock();
        let Some(window) = open.get_mut(topic).filter(|window| window.count > 0) else {
            open.remove(topic);
            return false;
        };
        let (count, slot) = (std::mem::take(&mut window.count), window.slot);
        let scope = window.scope.clone();
        drop(open);
        self.tell(scope, topic.told(count, slot));
        true
    }

    fn tell(&self, scope: OwnedScope, kind: LimitEventKind) {
        if let LimitEventKind::FailedOpen { count } = kind {
            tracing::warn!(%scope, count, "tasks were not limited: too many keys are tracked, or the limiter failed");
        }
        let at = self.clock.now();
        self.publisher.publish_limit(LimitEvent { scope, kind, at });
    }
}

impl Topic {
    fn told(&self, count: u64, next_slot: Timestamp) -> LimitEventKind {
        match self {
            Self::Deferred(_) => LimitEventKind::Deferred { count, next_slot },
            Self::FailedOpen => LimitEventKind::FailedOpen { count },
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Notices")
    }
}
