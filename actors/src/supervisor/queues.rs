//! Deciding about queues at run time, and looking at them.

use std::sync::Arc;

use actix::{Handler, Message, ResponseFuture};
use evertask_core::storage::query::{CappedCount, TaskFilter};
use evertask_core::storage::{
    Answer, ChangeQueue, ChangeQueueAnswer, QueueChange, QueueChangeId, QueueSettings, Write,
};
use evertask_core::task::Status;
use tokio_util::sync::CancellationToken;

use super::actor::{Supervisor, SupervisorDeps};
use super::messages::RequestError;
use crate::persistence::Patience;
use crate::pool::Drain;
use crate::queue::{Gate, WhenFull};
use crate::supervision::ask;

/// Pauses, resumes or drains a queue, or changes its parallelism.
///
/// The decision is stored with who made it and why. It holds for every process that uses the storage,
/// from the next time on that it looks for work in it, and after a restart.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<QueueOutcome, RequestError>")]
pub struct ControlQueue {
    queue: String,
    change: QueueChange,
    /// Whether the answer waits until nothing of the queue runs.
    until_idle: bool,
    actor: Option<String>,
    reason: Option<String>,
    /// Fires when nobody waits for the answer any more; without one, nobody knows.
    caller_gone: Option<CancellationToken>,
}

/// What became of a decision about a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum QueueOutcome {
    /// It is stored and in force here.
    Changed,
    /// It was so already; nothing is written.
    AlreadySo,
    /// To a drain: the queue is paused, and nothing of it runs in this process.
    Drained,
    /// To a drain: somebody resumed the queue before what ran had ended.
    Resumed,
}

impl ControlQueue {
    fn new(queue: impl Into<String>, change: QueueChange) -> Self {
        Self {
            queue: queue.into(),
            change,
            until_idle: false,
            actor: None,
            reason: None,
            caller_gone: None,
        }
    }

    /// Starts nothing of the queue any more. What runs comes to its end, what waits is stored, and what
    /// is dispatched is stored behind it.
    pub fn pause(queue: impl Into<String>) -> Self {
        Self::new(queue, QueueChange::Pause)
    }

    /// Lets a paused queue go on.
    pub fn resume(queue: impl Into<String>) -> Self {
        Self::new(queue, QueueChange::Resume)
    }

    /// Pauses the queue and answers once nothing of it runs in this process. It stays paused.
    pub fn drain(queue: impl Into<String>) -> Self {
        Self {
            until_idle: true,
            ..Self::pause(queue)
        }
    }

    /// Runs so many handlers of the queue at once, in each process; `None` is as many as configured.
    /// Those that run go on, even if they are too many.
    pub fn parallelism(queue: impl Into<String>, handlers: Option<u32>) -> Self {
        Self::new(queue, QueueChange::SetParallelism(handlers))
    }

    /// Says who decided.
    #[must_use]
    pub fn by(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    pub(crate) fn until(mut self, gone: CancellationToken) -> Self {
        self.caller_gone = Some(gone);
        self
    }
}

/// Looks at every queue of the runtime; they come in the order of their names.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<Vec<QueueStatus>, RequestError>")]
pub struct GetQueues;

/// A queue as it is at this moment, in this process.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueueStatus {
    /// Its name.
    pub queue: String,
    /// Whether nothing of it is started.
    pub is_paused: bool,
    /// How many of its handlers run at once.
    pub parallelism: usize,
    /// How many would if nothing had been decided at run time.
    pub configured_parallelism: usize,
    /// How many tasks wait in memory at most.
    pub capacity: usize,
    /// What happens to a task that is due now when the window is full.
    pub when_full: WhenFull,
    /// How many handlers run.
    pub running: usize,
    /// How many tasks are in memory and wait for a slot.
    pub ready: usize,
    /// How many tasks are in memory and wait for their time, which is within the
    /// horizon of the runtime.
    pub due_soon: usize,
    /// How many callers wait until their tasks have a place.
    pub waiting_callers: usize,
    /// How many tasks are stored and wait: for room, for their time, or for a reason.
    pub backlog: CappedCount,
    /// What was decided about it at run time, by whom and why, if anything was.
    pub settings: Option<QueueSettings>,
}

impl Handler<ControlQueue> for Supervisor {
    type Result = ResponseFuture<Result<QueueOutcome, RequestError>>;

    fn handle(&mut self, control: ControlQueue, _: &mut Self::Context) -> Self::Result {
        let deps = self.deps().clone();
        let change = match change_of(&deps, &control) {
            Ok(change) => change,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        Box::pin(async move { deps.control(change, control).await })
    }
}

/// The write a decision comes to, if it can be one.
fn change_of(
    deps: &SupervisorDeps,
    control: &ControlQueue,
) -> Result<(Arc<Gate>, ChangeQueue), RequestError> {
    let queue = &control.queue;
    let gate = deps.admission.gates.find(queue);
    let gate = gate.ok_or_else(|| RequestError::UnknownQueue {
        queue: queue.clone(),
    })?;
    if let Some(parallelism) = control.change.parallelism() {
        let parallelism = usize::try_from(parallelism).unwrap_or(usize::MAX);
        gate.config.check_parallelism(parallelism)?;
    }
    let at = deps.admission.clock.now();
    let change = ChangeQueue {
        id: QueueChangeId(deps.admission.ids.next(at)),
        queue: queue.clone(),
        change: control.change,
        at,
        actor: control.actor.clone(),
        reason: control.reason.clone(),
    };
    Ok((Arc::clone(gate), change))
}

impl SupervisorDeps {
    async fn control(
        &self,
        (gate, change): (Arc<Gate>, ChangeQueue),
        control: ControlQueue,
    ) -> Result<QueueOutcome, RequestError> {
        let write = Write::ChangeQueue(change);
        let patience = Patience::For(self.patience);
        let answer = self
            .admission
            .persistence
            .apply_one(write, patience)
            .await?;
        let (settings, outcome) = match answer {
            Answer::ChangeQueue(ChangeQueueAnswer::Changed(settings)) => {
                (Some(settings), QueueOutcome::Changed)
            }
            Answer::ChangeQueue(ChangeQueueAnswer::Unchanged(settings)) => {
                (settings, QueueOutcome::AlreadySo)
            }
            Answer::Insert(_)
            | Answer::InsertAll(_)
            | Answer::Change(_)
            | Answer::Redefine(_)
            | Answer::AppendLogs(_)
            | Answer::Cancel(_)
            | Answer::Delete(_)
            | Answer::Reconsidered
            | Answer::Claim(_) => return Err(RequestError::NoAnswer),
        };
        self.admission.gates.apply(&settings);
        if control.change == QueueChange::Pause {
            // Without an answer the pool has crashed, and what it had is let go of by the next life.
            ask(&gate.pool, Drain).await.ok();
            gate.returned().await;
        }
        if !control.until_idle {
            return Ok(outcome);
        }
        let caller_gone = async {
            match control.caller_gone {
                Some(gone) => gone.cancelled_owned().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            is_drained = gate.drained() => Ok(if is_drained {
                QueueOutcome::Drained
            } else {
                QueueOutcome::Resumed
            }),
            () = caller_gone => Err(RequestError::NoAnswer),
            () = self.admission.lifecycle.left_running() => Err(RequestError::NoAnswer),
        }
    }

    async fn status_of(
        &self,
        gate: &Gate,
        settings: Option<QueueSettings>,
    ) -> Result<QueueStatus, RequestError> {
        let filter = TaskFilter {
            queue: Some(gate.name().to_owned()),
            statuses: vec![Status::WaitingQueue, Status::ServiceStopped],
            ..TaskFilter::default()
        };
        let backlog = self.storage.queries().count(&filter, CappedCount::CAP);
        let backlog = backlog.await?;
        let occupancy = gate.occupancy();
        Ok(QueueStatus {
            queue: gate.name().to_owned(),
            is_paused: occupancy.is_paused,
            parallelism: occupancy.parallelism,
            configured_parallelism: gate.config.parallelism,
            capacity: gate.config.capacity,
            when_full: gate.config.when_full,
            running: occupancy.running,
            ready: occupancy.places.saturating_sub(occupancy.running),
            due_soon: occupancy.ahead,
            waiting_callers: occupancy.callers,
            backlog,
            settings,
        })
    }
}

impl Handler<GetQueues> for Supervisor {
    type Result = ResponseFuture<Result<Vec<QueueStatus>, RequestError>>;

    fn handle(&mut self, _: GetQueues, _: &mut Self::Context) -> Self::Result {
        let deps = self.deps().clone();
        Box::pin(async move {
            let settings = deps.storage.queries().queue_settings().await;
            let settings = settings?;
            deps.admission.gates.apply_all(&settings);
            let mut gates: Vec<_> = deps.admission.gates.all().collect();
            gates.sort_unstable_by_key(|gate| gate.name());
            let mut queues = Vec::new();
            for gate in gates {
                let of_it = settings.iter().find(|of| of.queue == gate.name());
                queues.push(deps.status_of(gate, of_it.cloned()).await?);
            }
            Ok(queues)
        })
    }
}
