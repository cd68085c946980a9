use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use std::time::Duration;

use evertask_core::outcome::{BodyEnd, Snooze};
use evertask_core::retry::Advice;
use evertask_core::task::{Failure, FailureKind};

use super::filter::RetryFilter;
use crate::supervision::panic_text;

/// What a handler or a hook returns: most of them nothing.
pub type TaskResult<O = ()> = Result<O, TaskError>;

/// Why a handler failed.
///
/// `?` turns any error into an ordinary one, which the retry policy decides about;
/// [`permanent`](Self::permanent) and [`transient`](Self::transient) say what the handler knows,
/// [`retry_after`](Self::retry_after) also when, and [`snooze`](Self::snooze) that nothing has failed.
///
/// ```
/// use std::time::Duration;
/// use evertask_actors::{TaskError, TaskResult};
///
/// fn accept(status: u16, retry_after: Option<Duration>) -> TaskResult {
///     match (status, retry_after) {
///         (200..300, _) => Ok(()),
///         (429, Some(delay)) => Err(TaskError::retry_after(delay, "it asks for patience")),
///         (423, _) => Err(TaskError::snooze(Duration::from_secs(60), "it is locked")),
///         (400..500, _) => Err(TaskError::permanent(format!("it answers {status}"))),
///         _ => Err(TaskError::transient(format!("it answers {status}"))),
///     }
/// }
/// # assert!(accept(204, None).is_ok());
/// ```
///
/// A "cancelled" or "timed out" error that a handler returns on its own is an ordinary failure: the
/// runtime decides about cancellation and timeouts by which token fired, never by an error.
pub struct TaskError {
    kind: FailureKind,
    wish: Wish,
    source: Box<dyn Error + Send + Sync>,
}

/// What a handler wants to happen next.
#[derive(Clone, Copy, Debug)]
enum Wish {
    /// Whatever the policy says.
    None,
    /// Another attempt after that long.
    Retry(Duration),
    /// To be called again after that long, as if nothing had been.
    Snooze(Duration),
}

impl TaskError {
    /// Creates a failure that trying again can't mend; it is never retried.
    pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(FailureKind::Permanent, error)
    }

    /// Creates a failure that trying again may mend.
    pub fn transient(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(FailureKind::Transient, error)
    }

    /// Creates an ordinary failure, from a text for example.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::of(FailureKind::Other, error)
    }

    /// The work is done and what it returned can't be stored.
    pub(super) fn unstorable(problem: String) -> Self {
        Self::of(FailureKind::UnstorableResult, problem)
    }

    /// Creates a transient failure after which the handler knows when to try again.
    ///
    /// The attempt counts and is the policy's last one if it allows no more; but the delay is this
    /// one, and filters are not asked. A delay of a second or more frees the slot.
    pub fn retry_after(delay: Duration, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            wish: Wish::Retry(delay),
            ..Self::transient(error)
        }
    }

    /// Asks to be called again later, for a reason that is stored with the task while it waits.
    ///
    /// That is no failure: no attempt is counted, no hook is called before it goes on, and no
    /// statistic knows of it. The slot is free meanwhile. A handler that snoozes more often in a row
    /// than the builder's `max_snoozes` allows has failed, and is retried as its policy says.
    pub fn snooze(delay: Duration, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            wish: Wish::Snooze(delay),
            ..Self::transient(reason)
        }
    }

    /// What is left of a handler that panicked.
    pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = format!("the handler panicked: {}", panic_text(payload));
        Self::of(FailureKind::Panicked, text)
    }

    fn of(kind: FailureKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
            wish: Wish::None,
            source: error.into(),
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The error that the handler met.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }

    /// Reads how a body ended that returned the error; the filter sees the error itself.
    pub(crate) fn into_end(self, filter: &RetryFilter) -> BodyEnd {
        match self.wish {
            Wish::Snooze(delay) => BodyEnd::Snoozed(Snooze {
                delay,
                reason: self.into_failure().text,
            }),
            Wish::Retry(delay) => BodyEnd::Failed(self.into_failure(), Advice::After(delay)),
            Wish::None => {
                let advice = Advice::Filtered(filter.judge(&self));
                BodyEnd::Failed(self.into_failure(), advice)
            }
        }
    }

    /// Reads what is stored of the error. Its text is made by code of the application, which may
    /// panic; then that is the failure.
    pub(crate) fn into_failure(self) -> Failure {
        let kind = self.kind;
        let printed = catch_unwind(AssertUnwindSafe(move || self.to_string()));
        printed.map_or_else(
            |payload| {
                let panic = panic_text(&*payload);
                let text = format!("the error panicked when it was printed: {panic}");
                Failure::new(FailureKind::Panicked, text)
            },
            |text| Failure::new(kind, text),
        )
    }
}

/// The error with everything that caused it, on one line.
impl fmt::Display for TaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}({self})", self.kind)
    }
}

// `TaskError` is deliberately no `Error` itself: only so can every error be turned into it by `?`.
impl<E: Error + Send + Sync + 'static> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::of(FailureKind::Other, error)
    }
}
