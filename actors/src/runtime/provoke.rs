//! Making an actor of a running runtime crash.

use actix::{Addr, Handler};

use super::faults::{FaultPoint, FaultSwitch, Phase, Provocation, Provoke, Target};
use crate::monitor::Monitor;
use crate::persistence::Persistence;
use crate::pool::WorkerPool;
use crate::retention::Housekeeper;
use crate::scheduler::Scheduler;
use crate::supervision::tell;
use crate::supervisor::Supervisor;

/// The addresses of everything that can be made to crash.
pub(crate) struct Provoker {
    pub(crate) supervisor: Addr<Supervisor>,
    pub(crate) persistence: Addr<Persistence>,
    pub(crate) scheduler: Addr<Scheduler>,
    pub(crate) monitor: Addr<Monitor>,
    pub(crate) housekeeper: Option<Addr<Housekeeper>>,
    /// That of the default queue is the first.
    pub(crate) pools: Vec<Addr<WorkerPool>>,
    pub(crate) faults: FaultSwitch,
}

impl Provoker {
    pub(crate) fn provoke(&self, provocation: Provocation) {
        match provocation {
            Provocation::AfterCommit => self.faults.arm(FaultPoint::AfterCommit),
            Provocation::AfterClaim => self.faults.arm(FaultPoint::AfterClaim),
            Provocation::Actor(Target::Supervisor, phase) => self.crash(&self.supervisor, phase),
            Provocation::Actor(Target::Persistence, phase) => self.crash(&self.persistence, phase),
            Provocation::Actor(Target::Scheduler, phase) => self.crash(&self.scheduler, phase),
            Provocation::Actor(Target::Monitor, phase) => self.crash(&self.monitor, phase),
            Provocation::Actor(Target::Housekeeper, phase) => {
                let housekeeper = self.housekeeper.iter();
                housekeeper.for_each(|housekeeper| self.crash(housekeeper, phase));
            }
            Provocation::Actor(Target::Pool, phase) => {
                if let Some(default) = self.pools.first() {
                    self.crash(default, phase);
                }
            }
        }
    }

    fn crash<A>(&self, addr: &Addr<A>, phase: Phase)
    where
        A: Handler<Provoke> + actix::Actor<Context = actix::Context<A>>,
    {
        self.faults.arm_phase::<A>(phase);
        tell(addr, Provoke(phase));
    }
}
