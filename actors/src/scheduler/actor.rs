use std::sync::Arc;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use evertask_core::time::{Clock, Timestamp};
use tokio::sync::watch;

use super::timetable::Timetable;
use crate::queue::Gate;
use crate::runtime::FaultSwitch;
use crate::supervision::tell;

/// Keeps one alarm for all queues.
pub(crate) struct Scheduler {
    deps: SchedulerDeps,
    timetable: Timetable,
    alarm: watch::Sender<Option<Timestamp>>,
    restarted: bool,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct SchedulerDeps {
    pub(crate) gates: Vec<Arc<Gate>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: FaultSwitch,
}

/// Something in a queue becomes due.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct WakeAt {
    pub(crate) gate: Arc<Gate>,
    pub(crate) at: Timestamp,
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
        Self {
            deps,
            timetable: Timetable::default(),
            alarm: watch::Sender::new(None),
            restarted: false,
        }
    }

    fn set_alarm(&self) {
        let next = self.timetable.next();
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
            // What was to come is forgotten; the claims that follow bring it up again.
            self.deps.gates.iter().for_each(|gate| gate.set_backlog());
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
        let same = |other: &Arc<Gate>| Arc::ptr_eq(other, &gate);
        if let Some(queue) = self.deps.gates.iter().position(same) {
            self.timetable.add(queue, at);
            self.set_alarm();
        }
    }
}

impl Handler<AlarmTick> for Scheduler {
    type Result = ();

    fn handle(&mut self, _: AlarmTick, _: &mut Self::Context) {
        for queue in self.timetable.take_due(self.deps.clock.now()) {
            if let Some(gate) = self.deps.gates.get(queue) {
                gate.set_backlog();
            }
        }
        // The alarm went off, so it has to be set again even to the same instant.
        self.alarm.send_replace(self.timetable.next());
    }
}
