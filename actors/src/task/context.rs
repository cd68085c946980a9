use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::log::LogLevel;
use evertask_core::task::{Progress, TaskId};
use evertask_core::time::Timestamp;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{Level, Span};

use super::data::{AppData, Data};
use crate::delivery::{Follows, Shelf};
use crate::dispatch::{Dispatch, DispatchError};
use crate::log::{DeliveryLog, printed, span_captured_by};
use crate::queue::Gate;
use crate::runtime::Client;
use crate::throttle::LimitError;

/// What a handler and its hooks know about the delivery they serve.
///
/// Cheap to clone; everything it holds is shared by the hooks and attempts of one delivery, except
/// the number and the cancellation of the attempt.
#[derive(Clone)]
pub struct TaskContext {
    delivery: Arc<DeliveryContext>,
    attempt: u32,
    cancellation: CancellationToken,
}

/// One run of a series, as its handler sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SeriesRun {
    /// The series.
    pub series: TaskId,
    /// The instant this run is for. It begins later if it had to wait, and then too it is the one that
    /// the schedule says.
    pub scheduled_at: Timestamp,
    /// Which run it is, from 1; `None` for one that runs [beside](evertask_core::schedule::Overlap::Allow)
    /// its series.
    pub number: Option<u32>,
    /// When the run before it ended; `None` if there was none, or it runs beside its series.
    pub previous_ended_at: Option<Timestamp>,
    /// The occurrence after this one by the schedule; `None` if it is the last, or runs beside its
    /// series.
    pub next_at: Option<Timestamp>,
}

/// The part of a context that all attempts of a delivery share.
pub(crate) struct DeliveryContext {
    id: TaskId,
    task: String,
    occurrence: Option<SeriesRun>,
    client: Client,
    runtime: Handle,
    span: Span,
    log: Option<Arc<DeliveryLog>>,
    data: AppData,
    /// What the handler said last of how far it has come.
    progress: watch::Sender<Option<Progress>>,
    /// Its queue and its key, by which its rate limits are found.
    limited: Option<(Arc<Gate>, Option<String>)>,
    state: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    shelf: Shelf,
}

impl DeliveryContext {
    pub(crate) fn new(
        id: TaskId,
        task: &str,
        occurrence: Option<SeriesRun>,
        client: &Client,
        runtime: &Handle,
        log: Option<Arc<DeliveryLog>>,
        data: &AppData,
    ) -> Self {
        let span = match &log {
            None => tracing::info_span!("task", %id, name = task),
            // However little the application wants to hear, a captured span has to be seen.
            Some(log) => span_captured_by(log, || tracing::error_span!("task", %id, name = task)),
        };
        Self {
            id,
            task: task.to_owned(),
            occurrence,
            client: client.within(id),
            runtime: runtime.clone(),
            span,
            log,
            data: data.clone(),
            progress: watch::Sender::new(None),
            limited: None,
            state: Mutex::default(),
            shelf: Shelf::default(),
        }
    }

    /// Says by what its rate limits are found.
    pub(crate) fn limited(mut self, gate: &Arc<Gate>, key: Option<String>) -> Self {
        self.limited = Some((Arc::clone(gate), key));
        self
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The follow-ups that were named so far.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// What the handler says of how far it has come.
    pub(crate) fn progress(&self) -> watch::Receiver<Option<Progress>> {
        self.progress.subscribe()
    }

    /// Where its lines are kept, if they are.
    pub(crate) fn log(&self) -> Option<&Arc<DeliveryLog>> {
        self.log.as_ref()
    }
}

impl TaskContext {
    pub(crate) fn new(
        delivery: &Arc<DeliveryContext>,
        attempt: u32,
        cancellation: CancellationToken,
    ) -> Self {
        Self {
            delivery: Arc::clone(delivery),
            attempt,
            cancellation,
        }
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        self.delivery.id
    }

    /// The stable name of the task's type.
    pub fn task_name(&self) -> &str {
        &self.delivery.task
    }

    /// Which run of a series this is; `None` for a task that runs once and is no occurrence of one.
    pub fn series_run(&self) -> Option<SeriesRun> {
        self.delivery.occurrence
    }

    /// Which attempt this is, from 1. After a crash the interrupted attempt is repeated under its
    /// number.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Which retry this is, from 1; 0 in the first attempt.
    pub fn retry(&self) -> u32 {
        self.attempt.saturating_sub(1)
    }

    /// Whether the attempt should stop: the task was cancelled, its time is up, or the runtime is
    /// stopping and the time to drain is over.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    /// Waits until the attempt should stop.
    ///
    /// A handler that does not stop by itself is aborted at its next `.await` after a grace time.
    pub async fn cancelled(&self) {
        self.cancellation.cancelled().await;
    }

    /// The token behind [`is_cancelled`](Self::is_cancelled), for libraries that take one.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Dispatches more tasks, which know this one as their parent.
    pub fn client(&self) -> &Client {
        &self.delivery.client
    }

    /// Has a task stored in the commit that says that this one succeeded: either both are stored or
    /// neither is, so a chain of tasks survives every crash.
    ///
    /// Answers the id that the task will have. It counts for this attempt only: if the attempt fails,
    /// the task is not stored, and the next attempt names it again. Nothing is refused for want of
    /// room, delays count from the outcome, and the task knows this one as its parent. If its id is
    /// taken by then, the task that has it stands for it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evertask_actors::{Dispatch, Task, TaskContext, TaskHandler, TaskResult};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Charge { order: u32 }
    /// # impl Task for Charge { const NAME: &'static str = "order.charge"; }
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Ship { order: u32 }
    /// # impl Task for Ship { const NAME: &'static str = "order.ship"; }
    /// # struct Till;
    /// impl TaskHandler<Charge> for Till {
    ///     async fn handle(&self, task: &Charge, context: &TaskContext) -> TaskResult {
    ///         // …
    ///         context.then(Ship { order: task.order })?;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the dispatch is said at once. Once the end of the attempt is decided, in
    /// `on_completed` and `on_error` for example, it is too late: see
    /// [`DispatchError::OutcomeDecided`].
    pub fn then(&self, dispatch: impl Into<Dispatch>) -> Result<TaskId, DispatchError> {
        self.follow_up(Follows::Success, dispatch.into())
    }

    /// As [`then`](Self::then), for the case that this attempt is the one with which the task fails for
    /// good. A task that is cancelled, or stopped by a shutdown, has no follow-ups.
    ///
    /// # Errors
    ///
    /// As [`then`](Self::then).
    pub fn or_else(&self, dispatch: impl Into<Dispatch>) -> Result<TaskId, DispatchError> {
        self.follow_up(Follows::Failure, dispatch.into())
    }

    /// As [`then`](Self::then), whether the task succeeds with this attempt or fails for good with it.
    ///
    /// # Errors
    ///
    /// As [`then`](Self::then).
    pub fn finally(&self, dispatch: impl Into<Dispatch>) -> Result<TaskId, DispatchError> {
        self.follow_up(Follows::Either, dispatch.into())
    }

    pub(crate) fn follow_up(
        &self,
        follows: Follows,
        dispatch: Dispatch,
    ) -> Result<TaskId, DispatchError> {
        let delivery = &self.delivery;
        let dispatch = if dispatch.has_parent() {
            dispatch
        } else {
            dispatch.parent(delivery.id)
        };
        let deps = delivery.client.admission();
        delivery.shelf.name(deps, self.attempt, follows, dispatch)
    }

    /// Lets nothing start for so long that shares the narrowest rate limit of this task: its key's if it
    /// has one, else its type's, else its queue's. After that tasks start steadily, without a burst.
    ///
    /// For a handler that was told to slow down, by the status 429 and a `Retry-After` for example. What
    /// becomes of this task is for the handler to say: an error that
    /// [asks for a delay](crate::TaskError::retry_after) or a snooze.
    ///
    /// # Errors
    ///
    /// Fails if the task has no rate limit, and if the limiter does.
    pub async fn slow_down(&self, time: Duration) -> Result<(), LimitError> {
        let delivery = &self.delivery;
        let limits = &delivery.client.admission().limits;
        let limited = delivery.limited.as_ref();
        let queue = limited.map_or("", |(gate, _)| gate.name());
        let key = limited.and_then(|(_, key)| key.as_deref());
        let scope = limits.narrowest(queue, &delivery.task, key);
        limits.pause(scope, time).await
    }

    /// The `tracing` span of the delivery. It is entered already while the handler runs; a thread or
    /// task that the handler starts can enter it so that its lines belong to the task.
    pub fn span(&self) -> Span {
        self.delivery.span.clone()
    }

    /// Logs a line, which is kept with the task if its log is on, and handed to `tracing` in any
    /// case.
    ///
    /// It works without any subscriber; handlers that log through `tracing` don't need it.
    ///
    /// ```
    /// # use evertask_actors::TaskContext;
    /// # use evertask_core::log::LogLevel;
    /// # fn example(context: &TaskContext, sent: u32) {
    /// context.log(LogLevel::Info, format_args!("{sent} letters sent"));
    /// # }
    /// ```
    pub fn log(&self, level: LogLevel, message: impl fmt::Display) {
        let log = self.delivery.log.as_ref();
        let log = log.filter(|log| log.keeps_level(level));
        if log.is_none() && !is_traced(level) {
            return;
        }
        let message = printed(message);
        trace(&self.delivery, level, &message);
        if let Some(log) = log {
            log.push(level, self.delivery.task.clone(), message, None);
        }
    }

    /// Says how far the task has come, as a fraction between 0 and 1, and what it is doing.
    ///
    /// It is stored at most once a second, the last word counts, and the very last one is stored with
    /// the outcome; so it may be called as often as is convenient. Whoever looks at the task finds it
    /// in [`TaskView::progress`](crate::TaskView::progress), and subscribers are told once it is
    /// stored. It never fails the task.
    ///
    /// ```
    /// # use evertask_actors::TaskContext;
    /// # fn example(context: &TaskContext, pages: &[String]) {
    /// for (number, page) in pages.iter().enumerate() {
    ///     // …
    ///     let done = (number + 1) as f64 / pages.len() as f64;
    ///     context.progress(done, format_args!("printed {page}"));
    /// }
    /// # }
    /// ```
    pub fn progress(&self, fraction: f64, text: impl fmt::Display) {
        let delivery = &self.delivery;
        let said = Progress::new(fraction, printed(text), delivery.client.now());
        delivery.progress.send_replace(Some(said));
    }

    /// What the application registered of that type, if it did.
    ///
    /// A handler that is a function takes [`Data`] as an argument instead, and then it is never
    /// missing.
    pub fn data<D: ?Sized + Send + Sync + 'static>(&self) -> Option<Data<D>> {
        self.delivery.data.get()
    }

    /// Keeps a value for later attempts and hooks of this delivery, at most one of each type; the
    /// previous one is replaced. It is lost when a later attempt runs in a new delivery.
    pub fn put<V: Send + Sync + 'static>(&self, value: V) {
        self.delivery
            .state
            .lock()
            .insert(TypeId::of::<V>(), Arc::new(value));
    }

    /// Answers the value of that type that was [`put`](Self::put) during this delivery.
    pub fn get<V: Send + Sync + 'static>(&self) -> Option<Arc<V>> {
        let state = self.delivery.state.lock();
        Arc::clone(state.get(&TypeId::of::<V>())?).downcast().ok()
    }

    /// Runs a future to its end from a blocking handler.
    ///
    /// # Panics
    ///
    /// Panics within an asynchronous handler, which can `.await` instead.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.delivery.runtime.block_on(future)
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskContext")
            .field("id", &self.delivery.id)
            .field("task", &self.delivery.task)
            .field("attempt", &self.attempt)
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// Where the lines of [`TaskContext::log`] come from, for subscribers. Nothing of evertask's own is
/// captured, so such a line is kept once.
const TARGET: &str = "evertask::task";

/// Does something for the level of the crate `tracing` that is meant: its levels are constants.
macro_rules! at_level {
    ($level:expr, $TRACED:ident => $act:expr) => {
        match $level {
            LogLevel::Trace => {
                const $TRACED: Level = Level::TRACE;
                $act
            }
            LogLevel::Debug => {
                const $TRACED: Level = Level::DEBUG;
                $act
            }
            LogLevel::Info => {
                const $TRACED: Level = Level::INFO;
                $act
            }
            LogLevel::Warn => {
                const $TRACED: Level = Level::WARN;
                $act
            }
            LogLevel::Error => {
                const $TRACED: Level = Level::ERROR;
                $act
            }
        }
    };
}

/// Whether a subscriber wants to hear of a line.
fn is_traced(level: LogLevel) -> bool {
    at_level!(level, TRACED => tracing::event_enabled!(target: TARGET, TRACED))
}

fn trace(delivery: &DeliveryContext, level: LogLevel, message: &str) {
    let span = &delivery.span;
    at_level!(level, TRACED => tracing::event!(target: TARGET, parent: span, TRACED, "{message}"));
}
