use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::task::Failure;

/// A retry policy of the application's own.
///
/// It is asked after each failure that may be retried at all, and has to answer the same wherever a
/// task is loaded: what it remembers dies with the process, the number of failed attempts does not. A
/// function of the two arguments is one.
pub trait CustomRetry: Send + Sync + 'static {
    /// Answers how long to wait before the next attempt, or `None` if the failure is final.
    ///
    /// `failed` counts the attempts that have failed, the present one included.
    fn delay_after(&self, failed: u32, failure: &Failure) -> Option<Duration>;
}

impl<F> CustomRetry for F
where
    F: Fn(u32, &Failure) -> Option<Duration> + Send + Sync + 'static,
{
    fn delay_after(&self, failed: u32, failure: &Failure) -> Option<Duration> {
        self(failed, failure)
    }
}

/// The policies that the application has registered, by name.
#[derive(Clone, Default)]
pub struct CustomRetries(HashMap<String, Arc<dyn CustomRetry>>);

impl CustomRetries {
    /// Registers a policy, unless the name is taken; answers whether it is registered.
    pub fn add(&mut self, name: &str, policy: Arc<dyn CustomRetry>) -> bool {
        if self.0.contains_key(name) {
            return false;
        }
        self.0.insert(name.to_owned(), policy);
        true
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<dyn CustomRetry>> {
        self.0.get(name)
    }
}

impl fmt::Debug for CustomRetries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort_unstable();
        formatter
            .debug_tuple("CustomRetries")
            .field(&names)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::FailureKind;

    #[test]
    fn a_name_is_given_once() {
        let mut customs = CustomRetries::default();
        let policy =
            |seconds| Arc::new(move |_: u32, _: &Failure| Some(Duration::from_secs(seconds)));
        assert!(customs.add("mine", policy(1)));
        assert!(!customs.add("mine", policy(2)));
        let failure = Failure::new(FailureKind::Other, "broken");
        let first = customs.get("mine").unwrap().delay_after(1, &failure);
        assert_eq!(first, Some(Duration::from_secs(1)));
        assert!(customs.get("yours").is_none());
        assert_eq!(format!("{customs:?}"), r#"CustomRetries(["mine"])"#);
    }
}
