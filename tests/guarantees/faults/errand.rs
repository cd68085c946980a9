//! What the runtimes are asked to do, and who does it.

use std::time::Duration;

use evertask::time::{Clock, ManualClock};
use evertask::{Task, TaskContext, TaskError, TaskHandler, TaskId, TaskResult};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Run};

/// How often a failed attempt is followed by another one.
pub(super) const RETRIES: u32 = 3;

/// How long one that asks to be called later sleeps.
const NAP: Duration = Duration::from_secs(7);

/// A task that knows how it will fare.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Errand {
    /// So many attempts fail before one succeeds.
    pub(super) fails: u32,
    /// Whether another attempt is no use.
    pub(super) is_hopeless: bool,
    /// How often it asks to be called later.
    pub(super) snoozes: u32,
    /// How long an attempt takes.
    pub(super) takes: Duration,
    /// Within which time of its dispatch it has to be started, if it has to.
    pub(super) deadline: Option<Duration>,
    /// Whether it stops when it is told to.
    pub(super) heeds: bool,
}

impl Task for Errand {
    const NAME: &'static str = "faults.errand";
}

/// A task that not every runtime has a handler for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Rarity(pub(super) Errand);

impl Task for Rarity {
    const NAME: &'static str = "faults.rarity";
}

impl Errand {
    /// Whether it succeeds in the end if nobody cancels it.
    pub(super) fn succeeds(&self) -> bool {
        !self.is_hopeless && self.fails <= RETRIES
    }
}

/// Runs errands and notes who does so when.
#[derive(Clone, Debug)]
pub(super) struct Runner {
    pub(super) clock: ManualClock,
    pub(super) ledger: Ledger,
    /// The number of the runtime that it is a handler of.
    pub(super) runtime: u32,
}

impl Runner {
    async fn run(&self, errand: &Errand, context: &TaskContext) -> TaskResult {
        let run = Running::enter(&self.ledger, context.id(), self.runtime);
        if !errand.takes.is_zero() {
            tokio::select! {
                () = self.clock.sleep(errand.takes) => {}
                () = context.cancelled(), if errand.heeds => {
                    return Err(TaskError::other("told to stop"));
                }
            }
        }
        if errand.snoozes > 0 && run.snooze() < errand.snoozes {
            return Err(TaskError::snooze(NAP, "not yet"));
        }
        match context.attempt() {
            _ if errand.is_hopeless => Err(TaskError::permanent("hopeless")),
            attempt if attempt <= errand.fails => Err(TaskError::other("not this time")),
            _ => Ok(()),
        }
    }
}

impl TaskHandler<Errand> for Runner {
    async fn handle(&self, errand: &Errand, context: &TaskContext) -> TaskResult {
        self.run(errand, context).await
    }
}

impl TaskHandler<Rarity> for Runner {
    async fn handle(&self, Rarity(errand): &Rarity, context: &TaskContext) -> TaskResult {
        self.run(errand, context).await
    }
}

/// A run that goes on until this is dropped, however it ends.
struct Running<'a> {
    ledger: &'a Ledger,
    run: Run,
}

impl<'a> Running<'a> {
    fn enter(ledger: &'a Ledger, id: TaskId, runtime: u32) -> Self {
        let run = ledger.enter(id, runtime);
        Self { ledger, run }
    }

    /// Notes that it wants to snooze, and answers how often one of its task's life did before.
    fn snooze(&self) -> u32 {
        self.ledger.snooze(self.run)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.ledger.leave(self.run);
    }
}
