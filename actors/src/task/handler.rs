use std::sync::Arc;
use std::time::Duration;

use evertask_core::task::Failure;

use super::context::TaskContext;
use super::data::Need;
use super::definition::Task;
use super::error::{TaskError, TaskResult};
use super::outcome::TaskOutcome;
use super::result::TaskOutput;
use crate::dispatch::Dispatch;

/// Does the work of one kind of task.
///
/// One value serves all tasks of its kind at once; what it depends on (a mailer, a pool, a client)
/// are its fields. One type may implement this for several kinds of tasks.
///
/// # Guarantees
///
/// A task runs at least once: again if the process died before the outcome was stored. Two
/// deliveries of one task never overlap. A panic is a failed attempt, nothing more.
///
/// # Results
///
/// A handler that returns a value says of what type: it is stored as JSON in the commit of the
/// outcome. [`TaskView::into_result`](crate::TaskView::into_result) reads it.
///
/// ```
/// # use evertask_actors::{Task, TaskContext, TaskHandler, TaskResult};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct Sum { numbers: Vec<u32> }
/// # impl Task for Sum { const NAME: &'static str = "sum"; }
/// struct Adder;
///
/// impl TaskHandler<Sum, u32> for Adder {
///     async fn handle(&self, task: &Sum, _context: &TaskContext) -> TaskResult<u32> {
///         Ok(task.numbers.iter().sum())
///     }
/// }
/// ```
///
/// # Hooks
///
/// Hooks run in the order `on_started`, `handle`, (`on_retry`, `handle`)…, `on_completed` or
/// `on_error`, with the same context, so state put there by one is found by the next. An error or
/// panic of a hook is logged and changes nothing, except of [`follow_ups`](Self::follow_ups). A task that is cancelled before it started gets
/// no hook.
///
/// ```
/// use evertask_actors::{Task, TaskContext, TaskHandler, TaskResult};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # struct WelcomeEmail { to: String }
/// # impl Task for WelcomeEmail { const NAME: &'static str = "email.welcome"; }
/// struct Mailer;
///
/// impl TaskHandler<WelcomeEmail> for Mailer {
///     async fn handle(&self, task: &WelcomeEmail, _context: &TaskContext) -> TaskResult {
///         println!("mail to {}", task.to);
///         Ok(())
///     }
/// }
/// ```
pub trait TaskHandler<T: Task, O: TaskOutput = ()>: Send + Sync + 'static {
    /// Runs one attempt.
    fn handle(&self, task: &T, context: &TaskContext)
    -> impl Future<Output = TaskResult<O>> + Send;

    /// What has to be registered with `.data(…)` before it can run; a start without it is refused.
    /// Nothing by default.
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// Runs before the first attempt, once per delivery.
    fn on_started(
        &self,
        _task: &T,
        _context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// Runs immediately before each further attempt, after its delay;
    /// [`TaskContext::retry`] says which retry it is.
    ///
    /// `failure` is that of the attempt before, and `delay` what was to be waited for since. Both are
    /// known after a restart, too: a retry whose task was parked is announced by whoever resumes it. One
    /// that a crash interrupted is announced again when it is repeated; then the failure is known only
    /// if the audit level keeps failures, and the delay may have been cut short. A snooze is no retry
    /// and is not announced.
    fn on_retry(
        &self,
        _task: &T,
        _context: &TaskContext,
        _failure: &Failure,
        _delay: Duration,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// Runs after the task has been stored as completed.
    fn on_completed(
        &self,
        _task: &T,
        _context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// Runs after the task has been stored as failed, cancelled while running, or stopped; `failure`
    /// is that of the last attempt.
    fn on_error(
        &self,
        _task: &T,
        _context: &TaskContext,
        _failure: &Failure,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// Says which tasks follow this one. They are stored in the commit of its outcome: either both are
    /// stored or neither is, however the process dies.
    ///
    /// It is asked when the end of the task is known and not stored yet, so it should only decide, and
    /// not act. If it fails or panics, or what it names can't be dispatched, a success becomes a failed
    /// attempt; a failure is stored without it. What a handler names itself with
    /// [`TaskContext::then`] is stored in the same way.
    ///
    /// # Errors
    ///
    /// Whatever it returns is recorded as the failure of the attempt.
    fn follow_ups(
        &self,
        _task: &T,
        _context: &TaskContext,
        _outcome: TaskOutcome<'_>,
    ) -> Result<Vec<Dispatch>, TaskError> {
        Ok(Vec::new())
    }
}

/// A shared handler, to register one value for several kinds of tasks.
impl<T: Task, O: TaskOutput, H: TaskHandler<T, O>> TaskHandler<T, O> for Arc<H> {
    fn handle(
        &self,
        task: &T,
        context: &TaskContext,
    ) -> impl Future<Output = TaskResult<O>> + Send {
        H::handle(self, task, context)
    }

    fn needs(&self) -> Vec<Need> {
        H::needs(self)
    }

    fn on_started(
        &self,
        task: &T,
        context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        H::on_started(self, task, context)
    }

    fn on_retry(
        &self,
        task: &T,
        context: &TaskContext,
        failure: &Failure,
        delay: Duration,
    ) -> impl Future<Output = TaskResult> + Send {
        H::on_retry(self, task, context, failure, delay)
    }

    fn on_completed(
        &self,
        task: &T,
        context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        H::on_completed(self, task, context)
    }

    fn on_error(
        &self,
        task: &T,
        context: &TaskContext,
        failure: &Failure,
    ) -> impl Future<Output = TaskResult> + Send {
        H::on_error(self, task, context, failure)
    }

    fn follow_ups(
        &self,
        task: &T,
        context: &TaskContext,
        outcome: TaskOutcome<'_>,
    ) -> Result<Vec<Dispatch>, TaskError> {
        H::follow_ups(self, task, context, outcome)
    }
}
