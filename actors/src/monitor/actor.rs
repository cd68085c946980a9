use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix::dev::SendError;
use actix::{Actor, Addr, Context, Handler, Message, Recipient, Supervised};
use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::event::{Happening, TaskEvent};
use super::limit_event::{LimitEvent, LimitEvents};
use super::queue_event::{QueueEvent, QueueEvents};
use super::stream::EventStream;
use crate::runtime::{FaultSwitch, Lifecycle};
use crate::supervision::tell;

/// Numbers events and hands them to every subscriber.
pub(crate) struct Monitor {
    deps: MonitorDeps,
}

/// What stays true across a crash of the actor: the subscribers and the count.
#[derive(Clone)]
pub(crate) struct MonitorDeps {
    pub(crate) subscribers: Subscribers,
    pub(crate) faults: FaultSwitch,
}

/// Publishes happenings, in order.
#[derive(Message)]
#[rtype(result = "()")]
struct Publish(Vec<Happening>);

/// Publishes what was decided about a queue.
#[derive(Message)]
#[rtype(result = "()")]
struct PublishQueue(QueueEvent);

/// Publishes what a rate limit did.
#[derive(Message)]
#[rtype(result = "()")]
struct PublishLimit(LimitEvent);

/// Everybody who wants to hear of events.
#[derive(Clone)]
pub(crate) struct Subscribers {
    published: Arc<AtomicU64>,
    recipients: Arc<Mutex<Vec<Subscriber>>>,
    streams: broadcast::Sender<TaskEvent>,
    queues: broadcast::Sender<QueueEvent>,
    limits: broadcast::Sender<LimitEvent>,
}

struct Subscriber {
    recipient: Recipient<TaskEvent>,
    missed: u64,
}

/// Where committed happenings are sent.
#[derive(Clone)]
pub(crate) struct Publisher {
    monitor: Addr<Monitor>,
    subscribers: Subscribers,
}

/// How many events a stream may lag behind before it misses the oldest.
const STREAM_CAPACITY: usize = 1_024;

/// The same of what is decided about queues, which is rare.
const QUEUE_CAPACITY: usize = 64;

/// The same of what rate limits do, which is told rarely for each scope.
const LIMIT_CAPACITY: usize = 1_024;

impl Monitor {
    pub(crate) fn new(deps: MonitorDeps) -> Self {
        Self { deps }
    }
}

impl Actor for Monitor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.deps.faults.started::<Self>();
    }
}

impl Supervised for Monitor {
    fn restarting(&mut self, _: &mut Self::Context) {
        *self = Self::new(self.deps.clone());
        self.deps.faults.restarting::<Self>();
    }
}

impl Handler<Publish> for Monitor {
    type Result = ();

    fn handle(&mut self, Publish(happenings): Publish, _: &mut Self::Context) {
        for happening in happenings {
            self.deps.subscribers.publish(happening);
        }
    }
}

impl Handler<PublishQueue> for Monitor {
    type Result = ();

    fn handle(&mut self, PublishQueue(event): PublishQueue, _: &mut Self::Context) {
        // An error means that no stream is open.
        self.deps.subscribers.queues.send(event).ok();
    }
}

impl Handler<PublishLimit> for Monitor {
    type Result = ();

    fn handle(&mut self, PublishLimit(event): PublishLimit, _: &mut Self::Context) {
        // An error means that no stream is open.
        self.deps.subscribers.limits.send(event).ok();
    }
}

impl Subscribers {
    pub(crate) fn new() -> Self {
        Self {
            published: Arc::default(),
            recipients: Arc::default(),
            streams: broadcast::channel(STREAM_CAPACITY).0,
            queues: broadcast::channel(QUEUE_CAPACITY).0,
            limits: broadcast::channel(LIMIT_CAPACITY).0,
        }
    }

    pub(crate) fn add(&self, recipient: Recipient<TaskEvent>) {
        self.recipients.lock().push(Subscriber {
            recipient,
            missed: 0,
        });
    }

    pub(crate) fn stream(&self, lifecycle: &Lifecycle) -> EventStream {
        EventStream::new(self.streams.subscribe(), lifecycle.clone())
    }

    pub(crate) fn queue_events(&self, lifecycle: &Lifecycle) -> QueueEvents {
        QueueEvents::new(self.queues.subscribe(), lifecycle.clone())
    }

    pub(crate) fn limit_events(&self, lifecycle: &Lifecycle) -> LimitEvents {
        LimitEvents::new(self.limits.subscribe(), lifecycle.clone())
    }

    fn exist(&self) -> bool {
        self.streams.receiver_count() > 0 || !self.recipients.lock().is_empty()
    }

    fn publish(&self, happening: Happening) {
        let event = TaskEvent {
            number: self.published.fetch_add(1, Ordering::Relaxed) + 1,
            missed: 0,
            at: happening.at,
            id: happening.id,
            kind: happening.kind,
        };
        self.recipients
            .lock()
            .retain_mut(|subscriber| subscriber.offer(event.clone()));
        // An error means that no stream is open.
        self.streams.send(event).ok();
    }
}

impl Subscriber {
    /// Hands an event over if the mailbox has room; answers whether the subscriber is still there.
    #[allow(
        clippy::disallowed_methods,
        reason = "`try_send` on one and the same recipient is bounded by its mailbox, and its error \
                  is answered by a count"
    )]
    fn offer(&mut self, event: TaskEvent) -> bool {
        let event = TaskEvent {
            missed: self.missed,
            ..event
        };
        match self.recipient.try_send(event) {
            Ok(()) => {
                self.missed = 0;
                true
            }
            Err(SendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(SendError::Closed(_)) => false,
        }
    }
}

impl Publisher {
    pub(crate) fn new(monitor: Addr<Monitor>, subscribers: Subscribers) -> Self {
        Self {
            monitor,
            subscribers,
        }
    }

    /// Whether it is worth to say what happened.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.subscribers.exist()
    }

    /// Whether somebody wants to hear what rate limits do.
    pub(crate) fn has_limit_listeners(&self) -> bool {
        self.subscribers.limits.receiver_count() > 0
    }

    pub(crate) fn publish_limit(&self, event: LimitEvent) {
        tell(&self.monitor, PublishLimit(event));
    }

    pub(crate) fn publish_queue(&self, event: QueueEvent) {
        tell(&self.monitor, PublishQueue(event));
    }

    pub(crate) fn publish(&self, happenings: Vec<Happening>) {
        if !happenings.is_empty() {
            tell(&self.monitor, Publish(happenings));
        }
    }
}
