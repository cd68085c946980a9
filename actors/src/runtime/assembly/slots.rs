use std::sync::Arc;

use evertask_core::storage::QueueSelector;

use crate::monitor::Monitor;
use crate::persistence::Persistence;
use crate::pool::WorkerPool;
use crate::queue::{Gate, Queue, QueueConfig};
use crate::retention::Housekeeper;
#[cfg(feature = "testing")]
use crate::runtime::faults::FaultSwitch;
#[cfg(feature = "testing")]
use crate::runtime::provoke::Provoker;
use crate::runtime::settings::Settings;
use crate::scheduler::Scheduler;
use crate::supervision::{ActorName, GuardedSlot};
use crate::supervisor::Supervisor;

/// No part of the design relies on a mailbox being bounded, so none is.
const MAILBOX: u16 = 0;

/// The addresses of all actors, before any of them exists.
pub(super) struct Slots {
    pub(super) supervisor: GuardedSlot<Supervisor>,
    pub(super) persistence: GuardedSlot<Persistence>,
    pub(super) scheduler: GuardedSlot<Scheduler>,
    pub(super) monitor: GuardedSlot<Monitor>,
    /// There if a retention policy is set.
    pub(super) housekeeper: Option<GuardedSlot<Housekeeper>>,
    pub(super) pools: Vec<GuardedSlot<WorkerPool>>,
}

impl Slots {
    pub(super) fn new(settings: &Settings, queues: &[QueueConfig]) -> Self {
        let pool = |queue: &QueueConfig| {
            GuardedSlot::new(ActorName::from(format!("pool {}", queue.name)), MAILBOX)
        };
        Self {
            supervisor: GuardedSlot::new(ActorName::from("supervisor"), MAILBOX),
            persistence: GuardedSlot::new(ActorName::from("persistence"), MAILBOX),
            scheduler: GuardedSlot::new(ActorName::from("scheduler"), MAILBOX),
            monitor: GuardedSlot::new(ActorName::from("monitor"), MAILBOX),
            housekeeper: settings
                .retention
                .as_ref()
                .map(|_| GuardedSlot::new(ActorName::from("housekeeper"), MAILBOX)),
            pools: queues.iter().map(pool).collect(),
        }
    }

    pub(super) fn gates(&self, queues: &[QueueConfig]) -> Vec<Arc<Gate>> {
        let names = queues.iter().map(|queue| queue.name.clone());
        let others: Vec<_> = names.filter(|name| name != Queue::DEFAULT).collect();
        let gate = |(queue, slot): (&QueueConfig, &GuardedSlot<WorkerPool>)| {
            let selector = if queue.name == Queue::DEFAULT {
                QueueSelector::AllExcept(others.clone())
            } else {
                QueueSelector::Only(queue.name.clone())
            };
            Arc::new(Gate::new(queue.clone(), selector, slot.addr()))
        };
        queues.iter().zip(&self.pools).map(gate).collect()
    }

    #[cfg(feature = "testing")]
    pub(super) fn provoker(&self, faults: &FaultSwitch) -> Provoker {
        Provoker {
            supervisor: self.supervisor.addr(),
            persistence: self.persistence.addr(),
            scheduler: self.scheduler.addr(),
            monitor: self.monitor.addr(),
            housekeeper: self.housekeeper.as_ref().map(GuardedSlot::addr),
            pools: self.pools.iter().map(GuardedSlot::addr).collect(),
            faults: faults.clone(),
        }
    }
}
