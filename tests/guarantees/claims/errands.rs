//! Tasks with limits, which stand at a gate, and a witness who sees how many run at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use evertask::{
    Builder, EverTask, Queue, Task, TaskContext, TaskHandler, TaskId, TaskOptions, TaskResult,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::one_shot::home::Home;
use crate::stage::soon;

/// How many errands run at once, and how many of one tenant.
pub(super) const RUNNING: usize = 3;
pub(super) const RUNNING_PER_TENANT: usize = 1;

/// Something to be done for a tenant, if it is for one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) tenant: Option<char>,
    pub(super) number: u32,
}

impl Task for Errand {
    const NAME: &'static str = "test.errand";
    const ALIASES: &'static [&'static str] = &["test.chore"];

    fn options() -> TaskOptions {
        TaskOptions::new()
            .max_running(RUNNING)
            .max_running_per_key(RUNNING_PER_TENANT)
    }

    fn concurrency_key(&self) -> Option<String> {
        self.tenant.map(|tenant| format!("tenant {tenant}"))
    }
}

/// Sees every errand come and go, and holds it until told.
#[derive(Clone, Debug)]
pub(super) struct Witness {
    seen: Arc<watch::Sender<Seen>>,
    open: Arc<watch::Sender<Gate>>,
    running: Arc<Mutex<HashMap<Option<char>, usize>>>,
}

#[derive(Debug, Default)]
struct Seen {
    entered: Vec<u32>,
    ended: usize,
    most: usize,
    most_of_a_tenant: usize,
}

#[derive(Debug, Default)]
struct Gate {
    numbers: HashSet<u32>,
    is_open: bool,
}

impl Witness {
    pub(super) fn new() -> Self {
        Self {
            seen: Arc::new(watch::Sender::new(Seen::default())),
            open: Arc::new(watch::Sender::new(Gate::default())),
            running: Arc::default(),
        }
    }

    /// A runtime at that home with this queue.
    pub(super) fn at(&self, home: &Home, queue: Queue) -> Builder {
        EverTask::builder()
            .storage(home.clone())
            .queue(queue)
            .handler(self.clone())
    }

    /// Lets one errand end.
    pub(super) fn release(&self, number: u32) {
        self.open.send_modify(|gate| {
            gate.numbers.insert(number);
        });
    }

    /// Lets all of them end.
    pub(super) fn release_all(&self) {
        self.open.send_modify(|gate| gate.is_open = true);
    }

    /// Waits until that many have entered.
    pub(super) async fn entered(&self, errands: usize) {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.entered.len() >= errands);
        drop(soon(enough).await.unwrap());
    }

    /// Waits until that many have ended.
    pub(super) async fn ended(&self, errands: usize) {
        let mut seen = self.seen.subscribe();
        let enough = seen.wait_for(|seen| seen.ended >= errands);
        drop(soon(enough).await.unwrap());
    }

    /// The errands in the order in which they entered.
    pub(super) fn order(&self) -> Vec<u32> {
        self.seen.borrow().entered.clone()
    }

    /// That every errand ran once, and never more at once than may.
    #[track_caller]
    pub(super) fn assert_limits_held(&self, errands: u32) {
        let seen = self.seen.borrow();
        let mut numbers = seen.entered.clone();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..errands).collect::<Vec<_>>());
        assert!(seen.most <= RUNNING, "{seen:?}");
        assert!(seen.most_of_a_tenant <= RUNNING_PER_TENANT, "{seen:?}");
    }

    fn enter(&self, errand: &Errand) {
        let mut running = self.running.lock();
        *running.entry(errand.tenant).or_default() += 1;
        let all = running.values().sum();
        let of_tenant = errand.tenant.map_or(0, |_| running[&errand.tenant]);
        self.seen.send_modify(|seen| {
            seen.entered.push(errand.number);
            seen.most = seen.most.max(all);
            seen.most_of_a_tenant = seen.most_of_a_tenant.max(of_tenant);
        });
    }
}

/// Leaves however the handler ends.
struct Leave<'a>(&'a Witness, Option<char>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running.lock();
        running.entry(self.1).and_modify(|running| *running -= 1);
        self.0.seen.send_modify(|seen| seen.ended += 1);
    }
}

impl TaskHandler<Errand> for Witness {
    async fn handle(&self, errand: &Errand, _: &TaskContext) -> TaskResult {
        self.enter(errand);
        let _leave = Leave(self, errand.tenant);
        let mut gate = self.open.subscribe();
        let opened = gate.wait_for(|gate| gate.is_open || gate.numbers.contains(&errand.number));
        opened.await?;
        Ok(())
    }
}

/// Dispatches an errand.
pub(super) async fn send(evertask: &EverTask, tenant: Option<char>, number: u32) -> TaskId {
    let request = evertask.dispatch(Errand { tenant, number });
    request.await.unwrap().id
}
