use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use evertask_core::task::{Failure, FailureKind};

use crate::supervision::panic_text;

/// What a handler or a hook returns.
pub type TaskResult = Result<(), TaskError>;

/// Why a handler failed.
///
/// `?` turns any error into an ordinary one, which the retry policy decides about;
/// [`permanent`](Self::permanent) and [`transient`](Self::transient) say what the handler knows.
///
/// A "cancelled" or "timed out" error that a handler returns on its own is an ordinary failure: the
/// runtime decides about cancellation and timeouts by which token fired, never by an error.
pub struct TaskError {
    kind: FailureKind,
    source: Box<dyn Error + Send + Sync>,
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

    fn of(kind: FailureKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind,
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
