use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use evertask_core::storage::TaskStorage;
use evertask_core::task::Failure;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::blocking::BlockingHandler;
use super::context::TaskContext;
use super::definition::Task;
use super::error::{TaskError, TaskResult};
use super::handler::TaskHandler;
use super::outcome::TaskOutcome;
use super::payload::{DecodeError, decode};
use super::result::{TaskOutput, encode};
use crate::dispatch::Dispatch;

/// A typed task value, behind which the type is hidden.
pub(crate) type Payload = Arc<dyn Any + Send + Sync>;

/// What no body outlives. It is no part of the context, which the application may keep for longer.
pub(crate) type Held = Arc<dyn TaskStorage>;

/// What a body comes to: the value it returned, as JSON, if it had one.
pub(crate) type BodyResult = TaskResult<Option<String>>;

/// A handler body that was set going.
pub(crate) struct Body {
    pub(crate) join: JoinHandle<BodyResult>,
    /// A body on a blocking thread ends when it returns, and not when it is told to.
    pub(crate) can_abort: bool,
}

/// A handler, behind which its type and that of its task are hidden.
pub(crate) trait AnyHandler: Send + Sync {
    /// Decodes a payload that was stored with that version.
    fn decode(&self, version: u32, json: &str) -> Result<Payload, DecodeError>;
    /// Sets an attempt going, whose value may have `max_result` bytes. It holds `held` until it is
    /// dropped, if it can be aborted.
    fn spawn(
        &self,
        runtime: &Handle,
        payload: &Payload,
        context: TaskContext,
        max_result: usize,
        held: Held,
    ) -> Body;
    fn hook(
        &self,
        hook: Hook,
        payload: &Payload,
        context: TaskContext,
    ) -> BoxFuture<'static, TaskResult>;
    /// Asks which tasks follow.
    fn follow_ups(
        &self,
        payload: &Payload,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Result<Vec<Dispatch>, TaskError>;
}

/// Which hook to call, with what it is told.
#[derive(Clone, Debug)]
pub(crate) enum Hook {
    Started,
    Retry(Failure, Duration),
    Completed,
    Error(Failure),
}

impl Hook {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Started => "on_started",
            Self::Retry(..) => "on_retry",
            Self::Completed => "on_completed",
            Self::Error(_) => "on_error",
        }
    }
}

pub(crate) struct AsyncAdapter<T, O, H> {
    handler: Arc<H>,
    task: PhantomData<fn(T) -> O>,
}

pub(crate) struct BlockingAdapter<T, O, H> {
    handler: Arc<H>,
    task: PhantomData<fn(T) -> O>,
}

impl<T: Task, O: TaskOutput, H: TaskHandler<T, O>> AsyncAdapter<T, O, H> {
    pub(crate) fn new(handler: H) -> Self {
        Self {
            handler: Arc::new(handler),
            task: PhantomData,
        }
    }
}

impl<T: Task, O: TaskOutput, H: BlockingHandler<T, O>> BlockingAdapter<T, O, H> {
    pub(crate) fn new(handler: H) -> Self {
        Self {
            handler: Arc::new(handler),
            task: PhantomData,
        }
    }
}

impl<T: Task, O: TaskOutput, H: TaskHandler<T, O>> AnyHandler for AsyncAdapter<T, O, H> {
    fn decode(&self, version: u32, json: &str) -> Result<Payload, DecodeError> {
        erased::<T>(version, json)
    }

    fn spawn(
        &self,
        runtime: &Handle,
        payload: &Payload,
        context: TaskContext,
        max_result: usize,
        held: Held,
    ) -> Body {
        let handler = Arc::clone(&self.handler);
        let payload = typed::<T>(payload);
        let span = context.span();
        let body = async move {
            // Dropped after what the handler was at.
            let _held = held;
            let value = handler.handle(&*payload?, &context).await?;
            encode(&value, max_result)
        };
        Body {
            join: runtime.spawn(tracing::Instrument::instrument(body, span)),
            can_abort: true,
        }
    }

    fn hook(
        &self,
        hook: Hook,
        payload: &Payload,
        context: TaskContext,
    ) -> BoxFuture<'static, TaskResult> {
        let handler = Arc::clone(&self.handler);
        let payload = typed::<T>(payload);
        Box::pin(async move {
            let task = &*payload?;
            match hook {
                Hook::Started => handler.on_started(task, &context).await,
                Hook::Retry(failure, delay) => {
                    handler.on_retry(task, &context, &failure, delay).await
                }
                Hook::Completed => handler.on_completed(task, &context).await,
                Hook::Error(failure) => handler.on_error(task, &context, &failure).await,
            }
        })
    }

    fn follow_ups(
        &self,
        payload: &Payload,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Result<Vec<Dispatch>, TaskError> {
        let payload = typed::<T>(payload)?;
        self.handler.follow_ups(&payload, context, outcome)
    }
}

impl<T: Task, O: TaskOutput, H: BlockingHandler<T, O>> AnyHandler for BlockingAdapter<T, O, H> {
    fn decode(&self, version: u32, json: &str) -> Result<Payload, DecodeError> {
        erased::<T>(version, json)
    }

    fn spawn(
        &self,
        runtime: &Handle,
        payload: &Payload,
        context: TaskContext,
        max_result: usize,
        _: Held,
    ) -> Body {
        let handler = Arc::clone(&self.handler);
        let payload = typed::<T>(payload);
        Body {
            // It holds nothing: one that never ends would keep all tasks of this runtime from the next.
            join: runtime.spawn_blocking(move || {
                context.span().in_scope(|| {
                    let value = handler.handle(&*payload?, &context)?;
                    encode(&value, max_result)
                })
            }),
            can_abort: false,
        }
    }

    fn hook(
        &self,
        hook: Hook,
        payload: &Payload,
        context: TaskContext,
    ) -> BoxFuture<'static, TaskResult> {
        let handler = Arc::clone(&self.handler);
        let payload = typed::<T>(payload);
        Box::pin(async move {
            let task = &*payload?;
            match hook {
                Hook::Started => handler.on_started(task, &context).await,
                Hook::Retry(failure, delay) => {
                    handler.on_retry(task, &context, &failure, delay).await
                }
                Hook::Completed => handler.on_completed(task, &context).await,
                Hook::Error(failure) => handler.on_error(task, &context, &failure).await,
            }
        })
    }

    fn follow_ups(
        &self,
        payload: &Payload,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Result<Vec<Dispatch>, TaskError> {
        let payload = typed::<T>(payload)?;
        self.handler.follow_ups(&payload, context, outcome)
    }
}

fn erased<T: Task>(version: u32, json: &str) -> Result<Payload, DecodeError> {
    decode::<T>(version, json).map(|task| Arc::new(task) as Payload)
}

fn typed<T: Task>(payload: &Payload) -> Result<Arc<T>, TaskError> {
    // Two task types can't share a name, so this fails only for a task that was dispatched as a
    // type other than the registered one.
    Arc::clone(payload).downcast::<T>().map_err(|_| {
        TaskError::permanent(format!(
            "the task was dispatched with another type than the {} registered as {:?}",
            std::any::type_name::<T>(),
            T::NAME
        ))
    })
}
