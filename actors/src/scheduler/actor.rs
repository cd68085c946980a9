use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use evertask_core::delay_queue::DelayQueue;
use evertask_core::time::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::timetable::{Look, Timetable};
use crate::delivery::Held;
use crate::persistence::PersistenceClient;
use crate::pool::{LookAhead, SweepOrphans};
use crate::queue::Gate;
use crate::runtime::{FaultSwitch, Lifecycle};
use crate::supervision::tell;

/// Keeps one alarm for all queues and all that is held.
pub(crate) struct Scheduler {
    pub(super) deps: SchedulerDeps,
    timetable: Timetable,
    alarm: watch::Sender<Option<Timestamp>>,
    restarted: bool,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct SchedulerDeps {
    pub(crate) gates: Vec<Arc<Gate>>,
    /// What waits for its instant: no delivery is lost with the actor.
    pub(crate) parked: Arc<Mutex<DelayQueue<Held>>>,
    pub(crate) persistence: PersistenceClient,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: FaultSwitch,
}

/// Something stored in a queue becomes due.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct WakeAt {
    pub(crate) gate: Arc<Gate>,
    pub(crate) at: Timestamp,
}

/// Something that a queue has passed over may run then.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LookAgain {
    pub(crate) gate: Arc<Gate>,
    pub(crate) at: Timestamp,
}

/// A queue has been told what is due and has not claimed it all: it looks then at the latest.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LookBy {
    pub(crate) gate: Arc<Gate>,
    pub(crate) at: Option<Timestamp>,
}

/// Has a queue look for a stored row when it is due: now, or at its instant.
pub(crate) fn look_when_due(
    scheduler: &Addr<Scheduler>,
    gate: &Arc<Gate>,
    at: Timestamp,
    now: Timestamp,
) {
    if at <= now {
        gate.set_backlog();
    } else {
        let gate = Arc::clone(gate);
        tell(scheduler, WakeAt { gate, at });
    }
}

/// The instant the alarm was set to has come.
#[derive(Message)]
#[rtype(result = "()")]
struct AlarmTick;

impl Scheduler {
    pub(crate) fn new(deps: SchedulerDeps) -> Self {
        // A claim brings what is due within the horizon. If the next one came as soon as one row more is,
        // each would bring one row.
        let leads = deps.gates.iter().map(|gate| gate.horizon() / 2);
        Self {
            timetable: Timetable::new(leads),
            deps,
            alarm: watch::Sender::new(None),
            restarted: false,
        }
    }

    /// When it has to do something next.
    fn next(&self) -> Option<Timestamp> {
        let parked = self.deps.parked.lock().next_due();
        parked.into_iter().chain(self.timetable.next()).min()
    }

    fn position(&self, gate: &Arc<Gate>) -> Option<usize> {
        let mut gates = self.deps.gates.iter();
        gates.position(|other| Arc::ptr_eq(other, gate))
    }

    pub(super) fn set_alarm(&self) {
        let next = self.next();
        self.alarm.send_if_modified(|set| {
            let differs = *set != next;
            *set = next;
            differs
        });
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.deps.faults.started::<Self>();
        let ringing = ring(
            Arc::clone(&self.deps.clock),
            self.alarm.subscribe(),
            context.address(),
        );
        context.spawn(ringing.into_actor(self));
        if self.restarted {
            // What was to come is forgotten; the claims that follow bring it up again. What was handed to
            // it just then is stored and owned, and nobody's any more.
            for gate in &self.deps.gates {
                tell(&gate.pool, SweepOrphans);
                gate.set_backlog();
            }
            self.set_alarm();
        }
    }
}

impl Supervised for Scheduler {
    fn restarting(&mut self, _: &mut Self::Context) {
        *self = Self::new(self.deps.clone());
        self.restarted = true;
        self.deps.faults.restarting::<Self>();
    }
}

/// Waits for the alarm, however often it is set anew; one timer at a time.
async fn ring(
    clock: Arc<dyn Clock>,
    mut alarm: watch::Receiver<Option<Timestamp>>,
    scheduler: Addr<Scheduler>,
) {
    loop {
        let set_to = *alarm.borrow_and_update();
        let due = async {
            match set_to {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = alarm.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = due => {
                tell(&scheduler, AlarmTick);
                if alarm.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Handler<WakeAt> for Scheduler {
    type Result = ();

    fn handle(&mut self, WakeAt { gate, at }: WakeAt, _: &mut Self::Context) {
        if let Some(queue) = self.position(&gate) {
            self.timetable.add(queue, at);
            self.set_alarm();
        }
    }
}

impl Handler<LookAgain> for Scheduler {
    type Result = ();

    fn handle(&mut self, LookAgain { gate, at }: LookAgain, _: &mut Self::Context) {
        if let Some(queue) = self.position(&gate) {
            self.timetable.look_again(queue, at);
            self.set_alarm();
        }
    }
}

impl Handler<LookBy> for Scheduler {
    type Result = ();

    fn handle(&mut self, LookBy { gate, at }: LookBy, _: &mut Self::Context) {
        if let Some(queue) = self.position(&gate) {
            self.timetable.look_by(queue, at);
            self.set_alarm();
        }
    }
}

impl Handler<AlarmTick> for Scheduler {
    type Result = ();

    fn handle(&mut self, _: AlarmTick, _: &mut Self::Context) {
        let now = self.deps.clock.now();
        self.hand_over_due(now);
        for (queue, look) in self.timetable.take_due(now) {
            let Some(gate) = self.deps.gates.get(queue) else {
                continue;
            };
            match look {
                Look::Now => gate.set_backlog(),
                Look::Ahead(due) => tell(&gate.pool, LookAhead { due }),
                Look::Again => gate.look_again(now),
            }
        }
        // The alarm went off, so it has to be set again even to the same instant.
        self.alarm.send_replace(self.next());
    }
}
