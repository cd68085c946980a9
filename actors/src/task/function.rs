//! Handlers that are plain functions.
//!
//! A function says with its arguments what it needs: the task, and things that are taken from the
//! context. Whatever can be missing is known from the types, so it is asked for when the runtime
//! starts and not when a task runs.

use std::marker::PhantomData;

use evertask_core::task::TaskId;

use super::context::TaskContext;
use super::data::{Data, Need};
use super::definition::Task;
use super::error::{TaskError, TaskResult};
use super::handler::TaskHandler;
use super::result::{IntoTaskResult, TaskOutput};
use crate::runtime::Client;

/// An argument of a function that handles tasks, taken from the context of a delivery.
///
/// There is the [`TaskContext`] itself, [`Data`] of the application, the [`Client`] and the
/// [`TaskId`]; an application may add types of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a handler",
    note = "the first argument of a handler is its task; the others are `TaskContext`, `Data<…>`, \
            `Client`, `TaskId`, or types that implement `FromContext`"
)]
pub trait FromContext: Sized + Send + 'static {
    /// What has to be registered for it; nothing by default.
    fn need() -> Option<Need> {
        None
    }

    /// Takes the value.
    ///
    /// # Errors
    ///
    /// An error is the failure of the attempt.
    fn from_context(context: &TaskContext) -> TaskResult<Self>;
}

impl FromContext for TaskContext {
    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        Ok(context.clone())
    }
}

impl FromContext for Client {
    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        Ok(context.client().clone())
    }
}

impl FromContext for TaskId {
    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        Ok(context.id())
    }
}

impl<T: ?Sized + Send + Sync + 'static> FromContext for Data<T> {
    fn need() -> Option<Need> {
        Some(Need::data::<T>())
    }

    fn from_context(context: &TaskContext) -> TaskResult<Self> {
        context.data().ok_or_else(|| {
            let name = std::any::type_name::<T>();
            TaskError::permanent(format!("no data of the type {name} is registered"))
        })
    }
}

/// An async function that handles tasks of type `T`: its first argument is the task, the others are
/// taken from the context.
///
/// The task is cloned for each attempt.
#[diagnostic::on_unimplemented(
    message = "this function can't handle tasks",
    label = "not a handler",
    note = "a handler is an `async fn` whose first argument is a task (`#[derive(Task)]`, and \
            `Clone`), with at most seven further arguments that implement `FromContext`, and which \
            returns nothing or a `Result`"
)]
pub trait HandlerFunction<T: Task, Arguments>: Send + Sync + 'static {
    /// What it returns.
    type Output: TaskOutput;

    /// What its arguments need.
    fn needs() -> Vec<Need>;

    /// Calls it.
    fn call(
        &self,
        task: T,
        context: &TaskContext,
    ) -> impl Future<Output = TaskResult<Self::Output>> + Send;
}

macro_rules! handler_function {
    ($($argument:ident)*) => {
        impl<T, F, Body, $($argument,)*> HandlerFunction<T, ($($argument,)*)> for F
        where
            T: Task,
            F: Fn(T, $($argument,)*) -> Body + Send + Sync + 'static,
            Body: Future<Output: IntoTaskResult> + Send,
            $($argument: FromContext,)*
        {
            type Output = <Body::Output as IntoTaskResult>::Output;

            fn needs() -> Vec<Need> {
                let needs: Vec<Option<Need>> = vec![$($argument::need(),)*];
                needs.into_iter().flatten().collect()
            }

            #[allow(
                non_snake_case,
                unused_variables,
                reason = "the arguments have the names of their types, and there may be none"
            )]
            async fn call(&self, task: T, context: &TaskContext) -> TaskResult<Self::Output> {
                $(let $argument = $argument::from_context(context)?;)*
                self(task, $($argument,)*).await.into_task_result()
            }
        }
    };
}

handler_function!();
handler_function!(A);
handler_function!(A B);
handler_function!(A B C);
handler_function!(A B C D);
handler_function!(A B C D E);
handler_function!(A B C D E G);
handler_function!(A B C D E G H);

/// A function as the handler it is.
pub(super) struct FunctionHandler<F, T, Arguments> {
    function: F,
    kind: PhantomData<fn(T) -> Arguments>,
}

impl<F, T, Arguments> FunctionHandler<F, T, Arguments> {
    pub(super) fn new(function: F) -> Self {
        Self {
            function,
            kind: PhantomData,
        }
    }
}

impl<F, T, Arguments> TaskHandler<T, F::Output> for FunctionHandler<F, T, Arguments>
where
    T: Task + Clone,
    F: HandlerFunction<T, Arguments>,
    Arguments: 'static,
{
    fn needs(&self) -> Vec<Need> {
        F::needs()
    }

    async fn handle(&self, task: &T, context: &TaskContext) -> TaskResult<F::Output> {
        self.function.call(task.clone(), context).await
    }
}

/// A kind of task that brings its handler along: what `#[evertask::task]` makes of a function.
pub trait TaskFunction: Task {
    /// What it returns.
    type Output: TaskOutput;

    /// What its arguments need.
    fn needs() -> Vec<Need>;

    /// Runs one attempt.
    fn run(&self, context: &TaskContext) -> impl Future<Output = TaskResult<Self::Output>> + Send;
}

/// The handler of tasks that bring theirs along.
pub(super) struct OwnHandler;

impl<T: TaskFunction> TaskHandler<T, T::Output> for OwnHandler {
    fn needs(&self) -> Vec<Need> {
        T::needs()
    }

    async fn handle(&self, task: &T, context: &TaskContext) -> TaskResult<T::Output> {
        task.run(context).await
    }
}
