//! Which errors of a kind of task are worth another attempt.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evertask_core::retry::{ErrorClass, FilterVerdict};

use super::error::TaskError;
use crate::supervision::panic_text;

type Predicate = dyn Fn(&TaskError) -> bool + Send + Sync;

/// What the options of a kind of task say about its errors.
#[derive(Clone, Default)]
pub(crate) struct RetryFilter {
    pub(crate) predicate: Option<Arc<Predicate>>,
    pub(crate) only: Vec<ErrorClass>,
    pub(crate) except: Vec<ErrorClass>,
}

impl RetryFilter {
    /// Asks everything it is made of; in which order the answers count is decided elsewhere.
    pub(crate) fn judge(&self, error: &TaskError) -> FilterVerdict {
        let predicate = self.predicate.as_ref();
        FilterVerdict {
            predicate: predicate.and_then(|predicate| guarded(|| predicate(error))),
            only: (!self.only.is_empty()).then(|| names(&self.only, error)),
            except: names(&self.except, error),
        }
    }
}

fn names(classes: &[ErrorClass], error: &TaskError) -> bool {
    let named = || classes.iter().any(|class| class.contains(error.source()));
    guarded(named).unwrap_or(false)
}

/// Runs code of the application; if it panics, it has said nothing.
fn guarded(ask: impl Fn() -> bool) -> Option<bool> {
    catch_unwind(AssertUnwindSafe(ask))
        .inspect_err(|panic| {
            let panic = panic_text(&**panic);
            tracing::error!(panic, "a retry filter panicked and is passed over");
        })
        .ok()
}

impl fmt::Debug for RetryFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RetryFilter")
            .field("has_predicate", &self.predicate.is_some())
            .field("only", &self.only)
            .field("except", &self.except)
            .finish()
    }
}
