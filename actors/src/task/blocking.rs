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

/// Does the work of one kind of task on a thread of its own: for work that blocks or computes.
///
/// It never stalls other handlers. In return it can't be aborted: it should look at
/// [`TaskContext::is_cancelled`] between steps, because its slot is taken until it returns.
/// Everything else is as for [`TaskHandler`](super::TaskHandler), the hooks included, which are
/// asynchronous here too.
pub trait BlockingHandler<T: Task, O: TaskOutput = ()>: Send + Sync + 'static {
    /// Runs one attempt.
    ///
    /// # Errors
    ///
    /// Whatever the handler returns is recorded as the failure of the attempt.
    fn handle(&self, task: &T, context: &TaskContext) -> TaskResult<O>;

    /// As [`TaskHandler::needs`](super::TaskHandler::needs).
    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    /// As [`TaskHandler::on_started`](super::TaskHandler::on_started).
    fn on_started(
        &self,
        _task: &T,
        _context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// As [`TaskHandler::on_retry`](super::TaskHandler::on_retry).
    fn on_retry(
        &self,
        _task: &T,
        _context: &TaskContext,
        _failure: &Failure,
        _delay: Duration,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// As [`TaskHandler::on_completed`](super::TaskHandler::on_completed).
    fn on_completed(
        &self,
        _task: &T,
        _context: &TaskContext,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// As [`TaskHandler::on_error`](super::TaskHandler::on_error).
    fn on_error(
        &self,
        _task: &T,
        _context: &TaskContext,
        _failure: &Failure,
    ) -> impl Future<Output = TaskResult> + Send {
        async { Ok(()) }
    }

    /// As [`TaskHandler::follow_ups`](super::TaskHandler::follow_ups).
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
impl<T: Task, O: TaskOutput, H: BlockingHandler<T, O>> BlockingHandler<T, O> for Arc<H> {
    fn handle(&self, task: &T, context: &TaskContext) -> TaskResult<O> {
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
