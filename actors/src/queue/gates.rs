use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::{QueueSelector, QueueSettings};
use evertask_core::task::TaskId;
use parking_lot::Mutex;

use super::config::Queue;
use super::gate::Gate;
use crate::monitor::{Publisher, QueueEvent};

/// The queues by name.
#[derive(Clone)]
pub(crate) struct Gates(Arc<ByName>);

struct ByName {
    gates: HashMap<String, Arc<Gate>>,
    publisher: Publisher,
    /// Names that nobody configured and of which the log says so already.
    unknown: Mutex<HashSet<String>>,
    known: Mutex<Known>,
}

/// What is known of decisions beyond what the queues themselves show.
#[derive(Default)]
struct Known {
    /// When it was last looked, on the monotonic clock.
    looked_at: Duration,
    /// Queues that are paused and that nobody here configures.
    paused_elsewhere: Vec<String>,
}

/// Names may come from anywhere: so many are remembered, and those beyond are not warned of.
const MAX_UNKNOWN: usize = 1_000;

/// How long what is known of decisions is good enough.
const GOOD_FOR: Duration = Duration::from_secs(1);

impl Gates {
    pub(crate) fn new(gates: &[Arc<Gate>], publisher: Publisher) -> Self {
        let named = gates
            .iter()
            .map(|gate| (gate.name().to_owned(), Arc::clone(gate)));
        Self(Arc::new(ByName {
            gates: named.collect(),
            publisher,
            unknown: Mutex::default(),
            known: Mutex::default(),
        }))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Gate>> {
        self.0.gates.values()
    }

    /// The queue of that name, if it is configured.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Gate>> {
        self.0.gates.get(name)
    }

    /// The queue of that name, or the default one with a warning, once for each name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Gate>> {
        self.find(name).or_else(|| {
            self.warn_of_unknown(name);
            self.find(Queue::DEFAULT)
        })
    }

    /// Whoever waits for a place for this task need not any more.
    pub(crate) fn let_go(&self, id: TaskId) {
        self.all().for_each(|gate| gate.line.grant(id));
    }

    /// Puts in force all that was decided about queues, by whatever process.
    pub(crate) fn apply_all(&self, settings: &[QueueSettings]) {
        self.apply(settings);
        let paused = settings.iter().filter(|settings| settings.is_paused);
        let elsewhere = paused.filter(|settings| self.find(&settings.queue).is_none());
        self.0.known.lock().paused_elsewhere =
            elsewhere.map(|settings| settings.queue.clone()).collect();
    }

    /// Puts in force what was decided about some queues, and says what is different.
    pub(crate) fn apply<'a>(&self, settings: impl IntoIterator<Item = &'a QueueSettings>) {
        for settings in settings {
            let Some(gate) = self.find(&settings.queue) else {
                continue;
            };
            for kind in gate.apply(settings) {
                self.0
                    .publisher
                    .publish_queue(QueueEvent::of(settings, kind));
            }
        }
    }

    /// Which stored rows a pool may claim: none of a queue that is paused and that nobody here
    /// configures, although the default pool serves those.
    pub(crate) fn claimable(&self, gate: &Gate) -> QueueSelector {
        match &gate.selector {
            QueueSelector::Only(name) => QueueSelector::Only(name.clone()),
            QueueSelector::AllExcept(others) => {
                let known = self.0.known.lock();
                let left_out = others.iter().chain(&known.paused_elsewhere);
                QueueSelector::AllExcept(left_out.cloned().collect())
            }
        }
    }

    /// Whether what others decided has not been looked at for a while; it is taken to be looked at now.
    pub(crate) fn begin_look(&self, now: Duration) -> bool {
        let mut known = self.0.known.lock();
        let is_due = now.saturating_sub(known.looked_at) >= GOOD_FOR;
        if is_due {
            known.looked_at = now;
        }
        is_due
    }

    /// Says that a queue is not configured and that its tasks run in the default one.
    pub(crate) fn warn_of_unknown(&self, name: &str) {
        let mut unknown = self.0.unknown.lock();
        if unknown.len() < MAX_UNKNOWN && unknown.insert(name.to_owned()) {
            tracing::warn!(
                queue = name,
                "the queue is not configured, using the default one"
            );
        }
    }
}
