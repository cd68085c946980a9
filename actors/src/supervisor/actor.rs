use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, ResponseFuture, Supervised};
use evertask_core::log::LogPage;
use evertask_core::storage::{Answer, CancelAnswer, CancelTask, TaskStorage, Write};
use evertask_core::task::Status;

use super::messages::{
    Cancel, CancelOutcome, GetLogs, GetTask, PreviewRetention, RequestError, RunRetention,
    Shutdown, Subscribe, TailLogs,
};
use super::shutdown::{ShutdownReport, Shutdowns};
use super::view::TaskView;
use crate::delivery::Cancellation;
use crate::dispatch::{AdmissionDeps, Dispatch, DispatchError, Dispatched, admit};
use crate::log::LogTail;
use crate::monitor::Subscribers;
use crate::persistence::{Patience, WriteError};
use crate::retention::{Housekeeper, PreviewCycle, RetentionReport, RunCycle};
use crate::runtime::FaultSwitch;
use crate::supervision::ask;

/// Takes what an application asks for.
pub struct Supervisor {
    deps: SupervisorDeps,
}

/// What stays true across a crash of the actor.
#[derive(Clone)]
pub(crate) struct SupervisorDeps {
    pub(crate) admission: AdmissionDeps,
    pub(crate) storage: Arc<dyn TaskStorage>,
    pub(crate) subscribers: Subscribers,
    /// There if a retention policy is set.
    pub(crate) housekeeper: Option<Addr<Housekeeper>>,
    pub(crate) shutdowns: Shutdowns,
    pub(crate) patience: Duration,
    pub(crate) faults: FaultSwitch,
}

impl std::fmt::Debug for Supervisor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Supervisor")
    }
}

impl Supervisor {
    pub(crate) fn new(deps: SupervisorDeps) -> Self {
        Self { deps }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.deps.faults.started::<Self>();
    }
}

impl Supervised for Supervisor {
    fn restarting(&mut self, _: &mut Self::Context) {
        *self = Self::new(self.deps.clone());
        self.deps.faults.restarting::<Self>();
    }
}

impl Handler<Dispatch> for Supervisor {
    type Result = ResponseFuture<Result<Dispatched, DispatchError>>;

    fn handle(&mut self, dispatch: Dispatch, _: &mut Self::Context) -> Self::Result {
        match admit(&self.deps.admission, dispatch) {
            Ok(admitted) => Box::pin(admitted.store()),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl Handler<Cancel> for Supervisor {
    type Result = ResponseFuture<Result<CancelOutcome, RequestError>>;

    fn handle(&mut self, cancel: Cancel, _: &mut Self::Context) -> Self::Result {
        // Marked before anything is stored, so that no outcome slips in between unnoticed.
        let cancellation = Cancellation {
            actor: cancel.actor.clone(),
            reason: cancel.reason.clone(),
        };
        let registry = &self.deps.admission.registry;
        let under_way = registry.cancel(cancel.id, cancellation);
        let write = Write::Cancel(CancelTask {
            id: cancel.id,
            at: self.deps.admission.clock.now(),
            actor: cancel.actor,
            reason: cancel.reason,
        });
        let persistence = self.deps.admission.persistence.clone();
        let patience = Patience::For(self.deps.patience);
        Box::pin(async move {
            let answer = persistence.apply_one(write, patience).await;
            let was_running = under_way.was_running;
            let is_heard = under_way.is_heard();
            drop(under_way);
            match answer {
                // A delivery may still be busy with hooks when its run has long been stored.
                Ok(Answer::Cancel(CancelAnswer::Cancelled(before))) => {
                    let was_held = matches!(before, Status::Queued | Status::InProgress);
                    Ok(CancelOutcome::of(was_running && was_held))
                }
                // The delivery has stored it already, with the same words.
                Ok(Answer::Cancel(CancelAnswer::AlreadyOver(Status::Cancelled))) if is_heard => {
                    Ok(CancelOutcome::of(was_running))
                }
                Ok(Answer::Cancel(CancelAnswer::AlreadyOver(status))) => {
                    Ok(CancelOutcome::AlreadyOver(status))
                }
                Ok(Answer::Cancel(CancelAnswer::Unknown)) => Ok(CancelOutcome::Unknown),
                Ok(_) | Err(WriteError::Lost | WriteError::Ended) => Err(RequestError::NoAnswer),
                Err(error @ (WriteError::Rejected(_) | WriteError::Unavailable(_))) => {
                    Err(RequestError::Storage(error.to_string()))
                }
            }
        })
    }
}

impl Handler<GetTask> for Supervisor {
    type Result = ResponseFuture<Result<Option<TaskView>, RequestError>>;

    fn handle(&mut self, GetTask(id): GetTask, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        Box::pin(async move {
            let failed = |error: evertask_core::storage::StorageError| {
                RequestError::Storage(error.to_string())
            };
            let Some(record) = storage.task(id).await.map_err(failed)? else {
                return Ok(None);
            };
            let attempts = storage.attempts(id).await.map_err(failed)?;
            Ok(Some(TaskView { record, attempts }))
        })
    }
}

impl Handler<GetLogs> for Supervisor {
    type Result = ResponseFuture<Result<LogPage, RequestError>>;

    fn handle(&mut self, GetLogs(search): GetLogs, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        Box::pin(async move {
            search.check()?;
            let page = storage.queries().logs(&search).await;
            page.map_err(|error| RequestError::Storage(error.to_string()))
        })
    }
}

impl Handler<TailLogs> for Supervisor {
    type Result = ResponseFuture<Result<Option<LogTail>, RequestError>>;

    fn handle(&mut self, TailLogs(id): TailLogs, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        let registry = self.deps.admission.registry.clone();
        // Opened before the task is read: if it ends in between, that is noticed.
        let tail = registry.tails().open(id, &self.deps.admission.lifecycle);
        Box::pin(async move {
            let record = storage.task(id).await;
            let record = record.map_err(|error| RequestError::Storage(error.to_string()))?;
            let is_over = record.as_ref().map(|record| record.state.is_over());
            if is_over == Some(true) {
                registry.task_over(id);
            }
            Ok(is_over.map(|_| tail))
        })
    }
}

impl Handler<RunRetention> for Supervisor {
    type Result = ResponseFuture<Result<RetentionReport, RequestError>>;

    fn handle(&mut self, _: RunRetention, _: &mut Self::Context) -> Self::Result {
        let asked = self.deps.housekeeper.as_ref();
        let asked = asked.map(|housekeeper| ask(housekeeper, RunCycle));
        Box::pin(async move {
            let answer = asked.ok_or(RequestError::NoRetention)?.await;
            answer.unwrap_or(Err(RequestError::NoAnswer))
        })
    }
}

impl Handler<PreviewRetention> for Supervisor {
    type Result = ResponseFuture<Result<RetentionReport, RequestError>>;

    fn handle(&mut self, _: PreviewRetention, _: &mut Self::Context) -> Self::Result {
        let asked = self.deps.housekeeper.as_ref();
        let asked = asked.map(|housekeeper| ask(housekeeper, PreviewCycle));
        Box::pin(async move {
            let answer = asked.ok_or(RequestError::NoRetention)?.await;
            answer.unwrap_or(Err(RequestError::NoAnswer))
        })
    }
}

impl Handler<Subscribe> for Supervisor {
    type Result = ();

    fn handle(&mut self, subscribe: Subscribe, _: &mut Self::Context) {
        self.deps.subscribers.add(subscribe.recipient);
    }
}

impl Handler<Shutdown> for Supervisor {
    type Result = ResponseFuture<ShutdownReport>;

    fn handle(&mut self, _: Shutdown, _: &mut Self::Context) -> Self::Result {
        let report = self.deps.shutdowns.begin();
        Box::pin(report)
    }
}
