//! Retry policies that the application has registered by name.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use evertask_core::retry::{CustomRetries, CustomRetry};
use evertask_core::task::{Failure, check_name};

use super::catalog::CatalogError;
use crate::supervision::panic_text;

/// The policies as they were registered; what is wrong with them is said by `build`.
#[derive(Default)]
pub(super) struct RetryRegistrations(Vec<(String, Arc<dyn CustomRetry>)>);

impl RetryRegistrations {
    pub(super) fn add(&mut self, name: String, policy: impl CustomRetry) {
        self.0.push((name, Arc::new(Guarded(policy))));
    }

    pub(super) fn build(self) -> Result<CustomRetries, CatalogError> {
        let mut customs = CustomRetries::default();
        for (name, policy) in self.0 {
            if let Err(source) = check_name(&name) {
                return Err(CatalogError::RetryName(source));
            }
            if !customs.add(&name, policy) {
                return Err(CatalogError::DuplicateRetry(name));
            }
        }
        Ok(customs)
    }
}

/// Calls code of the application; if it panics, there is no further attempt.
struct Guarded<P>(P);

impl<P: CustomRetry> CustomRetry for Guarded<P> {
    fn delay_after(&self, failed: u32, failure: &Failure) -> Option<Duration> {
        let ask = AssertUnwindSafe(|| self.0.delay_after(failed, failure));
        catch_unwind(ask).unwrap_or_else(|panic| {
            let panic = panic_text(&*panic);
            tracing::error!(panic, "a retry policy panicked, the failure is final");
            None
        })
    }
}
