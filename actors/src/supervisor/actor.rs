use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, ResponseFuture, Supervised};
use evertask_core::log::LogPage;
use evertask_core::storage::TaskStorage;

use super::messages::{
    GetLogs, GetTask, PreviewRetention, RequestError, RunRetention, Shutdown, ShutdownNow,
    Subscribe, TailLogs,
};
use super::shutdown::{ShutdownReport, Shutdowns};
use super::view::TaskView;
use crate::dispatch::{
    AdmissionDeps, BatchError, Dispatch, DispatchAll, DispatchAllOrNothing, DispatchError,
    Dispatched, admit, dispatch_all, dispatch_all_or_nothing,
};
use crate::log::LogTail;
use crate::monitor::Subscribers;
use crate::retention::{Housekeeper, PreviewCycle, RetentionReport, RunCycle};
use crate::runtime::FaultSwitch;
use crate::supervision::ask;

/// Takes what an application asks for.
pub struct Supervisor {
    pub(super) deps: SupervisorDeps,
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

    pub(super) fn deps(&self) -> &SupervisorDeps {
        &self.deps
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
            Ok((admitted, under_way)) => Box::pin(admitted.store(under_way)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl Handler<DispatchAll> for Supervisor {
    type Result = ResponseFuture<Result<Vec<Result<Dispatched, DispatchError>>, DispatchError>>;

    fn handle(&mut self, batch: DispatchAll, _: &mut Self::Context) -> Self::Result {
        dispatch_all(&self.deps.admission, batch.dispatches)
    }
}

impl Handler<DispatchAllOrNothing> for Supervisor {
    type Result = ResponseFuture<Result<Vec<Dispatched>, BatchError>>;

    fn handle(&mut self, batch: DispatchAllOrNothing, _: &mut Self::Context) -> Self::Result {
        dispatch_all_or_nothing(&self.deps.admission, batch.dispatches)
    }
}

impl Handler<GetTask> for Supervisor {
    type Result = ResponseFuture<Result<Option<TaskView>, RequestError>>;

    fn handle(&mut self, GetTask(id): GetTask, _: &mut Self::Context) -> Self::Result {
        let storage = Arc::clone(&self.deps.storage);
        Box::pin(async move {
            let Some(record) = storage.task(id).await? else {
                return Ok(None);
            };
            let attempts = storage.attempts(id).await?;
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
            Ok(storage.queries().logs(&search).await?)
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
            let record = storage.task(id).await?;
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

impl Handler<ShutdownNow> for Supervisor {
    type Result = ResponseFuture<ShutdownReport>;

    fn handle(&mut self, _: ShutdownNow, _: &mut Self::Context) -> Self::Result {
        let report = self.deps.shutdowns.hurry();
        Box::pin(report)
    }
}
