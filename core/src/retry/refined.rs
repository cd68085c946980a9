use serde::{Deserialize, Serialize};

use super::policy::{InvalidRetryPolicy, RetryPolicy};
use crate::task::FailureKind;

/// A policy together with the kinds of failures that it retries.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RefinedRetry {
    pub(super) policy: RetryPolicy,
    /// Whether an attempt that ran into its timeout is retried.
    pub(super) timeouts: bool,
    /// If it names any, only these are retried.
    pub(super) only: Vec<FailureKind>,
    /// These are not retried.
    pub(super) except: Vec<FailureKind>,
}

impl RefinedRetry {
    /// A refinement that changes nothing.
    pub(super) fn of(policy: RetryPolicy) -> Self {
        Self {
            policy,
            timeouts: false,
            only: Vec::new(),
            except: Vec::new(),
        }
    }

    /// Whether it has a list of what is retried.
    pub fn allows(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether it has a list of what is not retried.
    pub fn denies(&self) -> bool {
        !self.except.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), InvalidRetryPolicy> {
        if matches!(self.policy, RetryPolicy::Refined(_)) {
            return Err(InvalidRetryPolicy::RefinedTwice);
        }
        if self.allows() && self.denies() {
            return Err(InvalidRetryPolicy::Mixed);
        }
        self.policy.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Core edge case 120: in both orders.
    #[test]
    fn a_list_of_what_is_retried_beside_one_of_what_is_not_is_refused() {
        let policy = RetryPolicy::default;
        let (one, other) = ([FailureKind::Transient], [FailureKind::Panicked]);
        for mixed in [
            policy().only(one).except(other),
            policy().except(other).only(one),
        ] {
            assert_eq!(mixed.validate(), Err(InvalidRetryPolicy::Mixed));
        }
        assert_eq!(policy().only(one).only(other).validate(), Ok(()));
        assert_eq!(policy().except(one).except(other).validate(), Ok(()));
        assert_eq!(policy().and_timeouts().only(one).validate(), Ok(()));
    }

    #[test]
    fn what_is_refined_is_checked_too() {
        let refined = RetryPolicy::Delays(Vec::new()).and_timeouts();
        assert_eq!(refined.validate(), Err(InvalidRetryPolicy::NoRetries));
        let inner = RetryPolicy::default().and_timeouts();
        let twice = RetryPolicy::Refined(Box::new(RefinedRetry::of(inner)));
        assert_eq!(twice.validate(), Err(InvalidRetryPolicy::RefinedTwice));
    }
}
