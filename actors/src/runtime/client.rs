use std::fmt;
use std::sync::Arc;

use actix::{Addr, Handler, Message, Recipient};
use evertask_core::log::{LogPage, LogSearch};
use evertask_core::task::{IdSource, TaskId};
use evertask_core::time::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use super::lifecycle::{Lifecycle, RuntimeFault};
use super::request::DispatchRequest;
use crate::dispatch::{AdmissionDeps, Dispatch, DispatchError, Dispatched, PreparedTask};
use crate::log::LogTail;
use crate::monitor::{EventStream, LimitEvents, QueueEvents, Subscribers, TaskEvent};
use crate::persistence::HealthWatch;
use crate::retention::RetentionReport;
use crate::supervision::ask;
use crate::supervisor::{
    GetLogs, GetTask, PreviewRetention, RequestError, RunRetention, Shutdown, ShutdownNow,
    ShutdownReport, Supervisor, TailLogs, TaskView,
};
use crate::task::Task;
use crate::throttle::Limits;
use crate::waiting::{Ends, WaitError, wait_for};

/// Talks to a runtime; cheap to clone, `Send` and `Sync`.
///
/// It does not keep the runtime running: that is what the handle does that started it.
#[derive(Clone)]
pub struct Client {
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) subscribers: Subscribers,
    pub(super) health: HealthWatch,
    pub(super) lifecycle: Lifecycle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) admission: Arc<AdmissionDeps>,
    pub(super) parent: Option<TaskId>,
    pub(super) ends: Ends,
}

/// How often a dispatch whose answer was lost in a crash is repeated with its id.
pub(super) const REPEATS: usize = 3;

impl Client {
    /// Stores a task and answers its id and what became of the dispatch; see [`DispatchRequest`] for what can be said about it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use evertask_actors::{Client, DispatchError, Task};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct WelcomeEmail { to: String }
    /// # impl Task for WelcomeEmail { const NAME: &'static str = "email.welcome"; }
    /// # async fn example(client: Client, welcome: WelcomeEmail) -> Result<(), DispatchError> {
    /// let welcome = client.dispatch(welcome).after(Duration::from_secs(60)).await?;
    /// let task = client.task(welcome.id).await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dispatch<T: Task>(&self, task: T) -> DispatchRequest<'_> {
        DispatchRequest {
            client: self,
            dispatch: Dispatch::new(task),
        }
    }

    /// Sends a dispatch and answers the task that does its work.
    ///
    /// If a crash of ours loses the answer, it is repeated with the same id, so the task is stored
    /// once. Should its queue be full and [wait](crate::WhenFull::Wait), the answer comes when the task
    /// has a place; who stops waiting leaves a task that is stored and runs. Within a handler or a hook
    /// nothing waits.
    ///
    /// # Errors
    ///
    /// See [`DispatchError`]; its [`stored`](DispatchError::stored) says what became of the task.
    pub async fn send(&self, dispatch: Dispatch) -> Result<Dispatched, DispatchError> {
        let (id, dispatch) = self.named(dispatch);
        // Whoever gives up waiting for a place tells the one that keeps it by dropping this.
        let gone = CancellationToken::new();
        let _gone = gone.clone().drop_guard();
        let dispatch = dispatch.until(gone);
        if self.lifecycle.is_stopped() {
            return Err(DispatchError::ShuttingDown);
        }
        for _ in 0..REPEATS {
            match ask(&self.supervisor, dispatch.clone()).await {
                Ok(Err(DispatchError::Unknown { .. })) | Err(_) => {
                    if self.lifecycle.has_ended() {
                        break;
                    }
                }
                Ok(answer) => return answer,
            }
        }
        Err(DispatchError::Unknown { id })
    }

    /// A dispatch that says who asks, with the id under which a repetition finds it.
    pub(super) fn named(&self, mut dispatch: Dispatch) -> (TaskId, Dispatch) {
        let id = dispatch.known_id();
        let id = id.unwrap_or_else(|| TaskId(self.ids.next(self.clock.now())));
        if let Some(parent) = self.parent {
            dispatch = dispatch.by_handler();
            if !dispatch.has_parent() {
                dispatch = dispatch.parent(parent);
            }
        }
        (id, dispatch.id(id))
    }

    /// Checks a dispatch and answers the row that is to be stored for it, by somebody else.
    ///
    /// # Errors
    ///
    /// What is wrong with the dispatch.
    pub fn prepare(&self, dispatch: impl Into<Dispatch>) -> Result<PreparedTask, DispatchError> {
        let dispatch = dispatch.into();
        let dispatch = match self.parent {
            Some(parent) if !dispatch.has_parent() => dispatch.parent(parent),
            _ => dispatch,
        };
        PreparedTask::new(&self.admission, dispatch)
    }

    /// Has every queue look for stored tasks at once: after a transaction of the application's own was
    /// committed in which tasks were stored.
    ///
    /// Without it, they are found when their queue looks the next time: when something else is stored
    /// in it that finds no room, when something in it comes due, or at the next start. An idle runtime
    /// does not look by itself.
    pub fn nudge(&self) {
        for gate in self.admission.gates.all() {
            gate.set_backlog();
        }
    }

    /// Reads a task with its attempts; `None` if there is no such task.
    ///
    /// # Errors
    ///
    /// Fails if the storage can't be read or the runtime does not answer.
    pub async fn task(&self, id: impl Into<TaskId>) -> Result<Option<TaskView>, RequestError> {
        let answer = ask(&self.supervisor, GetTask(id.into())).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Waits until a task is over, wherever it runs, and answers it as it is then: whether it was
    /// completed, failed or cancelled is for the caller to see;
    /// [`into_result`](TaskView::into_result) makes it a `Result`.
    ///
    /// A task that is over already is answered at once. One that ends in this process is answered as
    /// soon as its end is committed; one that another process runs is looked at now and then, at most
    /// every second and at least every 30. A series is over when no further run will come, which may
    /// be never: for its single runs there are [`events`](Self::events). An outage of the storage is
    /// waited out. Whoever has less time puts a timeout around it; dropping the future ends the wait
    /// and nothing else.
    ///
    /// A handler that waits for another task keeps its slot meanwhile, so in a queue without a further
    /// slot it waits for itself.
    ///
    /// ```no_run
    /// # use evertask_actors::{Client, Task};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Sum { numbers: Vec<u32> }
    /// # impl Task for Sum { const NAME: &'static str = "sum"; }
    /// # async fn example(client: Client, sum: Sum) -> Result<(), Box<dyn std::error::Error>> {
    /// let sum = client.dispatch(sum).await?;
    /// let total: u32 = client.wait_for(sum).await?.into_result()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if there is no such task, also if it is deleted meanwhile, and if the runtime ends before
    /// the task does; then it can be waited for again after the next start.
    pub async fn wait_for(&self, id: impl Into<TaskId>) -> Result<TaskView, WaitError> {
        wait_for(id.into(), self, &self.ends, &self.lifecycle, &*self.clock).await
    }

    /// Reads a page of the lines that a task logged, in the order of run, delivery and sequence. The
    /// `next` of a page is the `after` of the following search.
    ///
    /// # Errors
    ///
    /// Fails if more lines are asked for than a page can have, the storage can't be read or the
    /// runtime does not answer.
    pub async fn logs(&self, search: LogSearch) -> Result<LogPage, RequestError> {
        let answer = ask(&self.supervisor, GetLogs(search)).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Follows the lines that a task logs from now on; `None` if there is no such task.
    ///
    /// # Errors
    ///
    /// As [`task`](Self::task).
    pub async fn tail(&self, id: impl Into<TaskId>) -> Result<Option<LogTail>, RequestError> {
        let answer = ask(&self.supervisor, TailLogs(id.into())).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Tells whether the storage can be used, and when that changes: what a health check of the
    /// application asks.
    pub fn storage_health(&self) -> HealthWatch {
        self.health.clone()
    }

    /// Does a cycle of retention now, without waiting for its time, and answers what it deleted.
    ///
    /// # Errors
    ///
    /// Fails if no retention policy is set, the storage can't be used or the runtime does not answer;
    /// what was deleted by then stays deleted.
    pub async fn run_retention(&self) -> Result<RetentionReport, RequestError> {
        let answer = ask(&self.supervisor, RunRetention).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Counts what a cycle of retention would delete now, and deletes nothing.
    ///
    /// # Errors
    ///
    /// Fails if no retention policy is set, the storage can't be read or the runtime does not answer.
    pub async fn preview_retention(&self) -> Result<RetentionReport, RequestError> {
        let answer = ask(&self.supervisor, PreviewRetention).await;
        answer.unwrap_or(Err(RequestError::NoAnswer))
    }

    /// Opens a stream of every event from now on.
    pub fn events(&self) -> EventStream {
        self.subscribers.stream(&self.lifecycle)
    }

    /// Opens a stream of what is decided about queues from now on.
    pub fn queue_events(&self) -> QueueEvents {
        self.subscribers.queue_events(&self.lifecycle)
    }

    /// Opens a stream of what rate limits do from now on; see [`LimitEvents`].
    pub fn limit_events(&self) -> LimitEvents {
        self.subscribers.limit_events(&self.lifecycle)
    }

    /// The rate limits of this runtime: what they are doing, and what of them can be changed.
    ///
    /// ```no_run
    /// # use evertask_actors::{Client, LimitError};
    /// # use evertask_core::limit::{RateLimit, Scope};
    /// # async fn example(client: Client) -> Result<(), LimitError> {
    /// let limits = client.limits();
    /// println!("{} tasks wait for budget", limits.overview(10).await?.throttled);
    /// limits.change(Scope::task("partner.call"), RateLimit::per_minute(30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits(&self) -> Limits {
        let admission = &self.admission;
        Limits::new(
            admission.limits.clone(),
            admission.scheduler.clone(),
            admission.gates.clone(),
        )
    }

    /// Sends every event from now on to an actor; see [`Subscribe`](crate::Subscribe).
    pub fn subscribe(&self, recipient: Recipient<TaskEvent>) {
        self.subscribers.add(recipient);
    }

    /// The address of the supervisor, for those who rather send messages.
    pub fn supervisor(&self) -> &Addr<Supervisor> {
        &self.supervisor
    }

    /// Shuts the runtime down in three phases and answers what each did: running handlers may
    /// finish, then they are told to stop, then they are aborted. Waiting tasks stay stored.
    ///
    /// Asking again joins the shutdown that was begun. The storage is let go of by the time of the
    /// answer, so the next start may follow at once. The report says whether everything was written by
    /// then; what was not is found as after a crash.
    ///
    /// # Errors
    ///
    /// Fails if the runtime has ended by itself, with the fault.
    pub async fn shutdown(&self) -> Result<ShutdownReport, RuntimeFault> {
        self.end_by(Shutdown).await
    }

    /// Shuts the runtime down without waiting for handlers: they are told to stop and aborted at once,
    /// and their tasks run again after the next start. A [`shutdown`](Self::shutdown) that was begun
    /// skips to that; its callers get the same report.
    ///
    /// # Errors
    ///
    /// As of [`shutdown`](Self::shutdown).
    pub async fn shutdown_now(&self) -> Result<ShutdownReport, RuntimeFault> {
        self.end_by(ShutdownNow).await
    }

    async fn end_by<M>(&self, order: M) -> Result<ShutdownReport, RuntimeFault>
    where
        M: Message<Result = ShutdownReport> + Copy + Send + 'static,
        Supervisor: Handler<M>,
    {
        loop {
            match ask(&self.supervisor, order).await {
                Ok(report) if report.storage_closed => return Ok(report),
                // The storage is let go of with the thread.
                Ok(report) => return self.lifecycle.ended().await.or(Ok(report)),
                // The message crashed the supervisor or was lost with it; asking again is harmless.
                Err(_) if !self.lifecycle.has_ended() => {}
                Err(_) => return self.lifecycle.ended().await,
            }
        }
    }

    /// Waits until the runtime has ended and let go of its storage: `Ok` after a shutdown, else the
    /// first fault.
    ///
    /// # Errors
    ///
    /// The fault that ended it.
    pub async fn stopped(&self) -> Result<(), RuntimeFault> {
        self.lifecycle.ended().await.map(drop)
    }

    /// What checks dispatches before they are stored.
    pub(crate) fn admission(&self) -> &AdmissionDeps {
        &self.admission
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same client, whose dispatches name `parent`.
    pub(crate) fn within(&self, parent: TaskId) -> Self {
        Self {
            parent: Some(parent),
            ..self.clone()
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}
