//! When a failed attempt is followed by another one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::task::FailureKind;

/// How the failures of a task are retried; stored with the task, so that it survives a restart.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryPolicy {
    /// One attempt only.
    None,
    /// The same delay before every retry.
    Linear {
        /// How many retries follow the first attempt.
        retries: u32,
        /// The wait before each of them.
        delay: Duration,
    },
}

/// A retry policy that makes no sense.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidRetryPolicy {
    /// No retry at all is written as [`RetryPolicy::None`].
    #[error("a linear retry policy needs at least one retry; use RetryPolicy::None for none")]
    NoRetries,
    /// A retry without a wait would hammer what has just failed.
    #[error("a linear retry policy needs a delay above zero")]
    NoDelay,
}

impl RetryPolicy {
    /// Answers whether the policy makes sense.
    ///
    /// # Errors
    ///
    /// Zero retries and a zero delay are refused.
    pub fn validate(&self) -> Result<(), InvalidRetryPolicy> {
        match self {
            Self::Linear { retries: 0, .. } => Err(InvalidRetryPolicy::NoRetries),
            Self::Linear { delay, .. } if delay.is_zero() => Err(InvalidRetryPolicy::NoDelay),
            Self::None | Self::Linear { .. } => Ok(()),
        }
    }

    /// Answers how long to wait before the next attempt, or `None` if the failure is final.
    ///
    /// `failed` counts the attempts that have failed, the present one included. Permanent failures,
    /// timeouts and cancellations are never retried.
    pub fn delay_after(&self, failed: u32, kind: FailureKind) -> Option<Duration> {
        if !is_retryable(kind) {
            return None;
        }
        match self {
            Self::None => None,
            Self::Linear { retries, delay } => (failed <= *retries).then_some(*delay),
        }
    }
}

impl Default for RetryPolicy {
    /// Three retries, half a second apart.
    fn default() -> Self {
        Self::Linear {
            retries: 3,
            delay: Duration::from_millis(500),
        }
    }
}

fn is_retryable(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Transient | FailureKind::Panicked | FailureKind::Other => true,
        FailureKind::Permanent
        | FailureKind::Cancelled
        | FailureKind::Stopped
        | FailureKind::TimedOut
        | FailureKind::Quarantined
        | FailureKind::Undecodable => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_allows_three_retries_half_a_second_apart() {
        let delays: Vec<_> = (1..=4)
            .map(|failed| RetryPolicy::default().delay_after(failed, FailureKind::Other))
            .collect();
        let half = Some(Duration::from_millis(500));
        assert_eq!(delays, [half, half, half, None]);
    }

    #[test]
    fn only_failures_that_another_attempt_can_mend_are_retried() {
        let retried: Vec<_> = FailureKind::ALL
            .into_iter()
            .filter(|kind| RetryPolicy::default().delay_after(1, *kind).is_some())
            .collect();
        assert_eq!(
            retried,
            [
                FailureKind::Transient,
                FailureKind::Panicked,
                FailureKind::Other
            ]
        );
    }

    #[test]
    fn a_policy_without_retries_or_delay_is_refused() {
        let policy = |retries, delay| RetryPolicy::Linear {
            retries,
            delay: Duration::from_millis(delay),
        };
        assert_eq!(policy(0, 5).validate(), Err(InvalidRetryPolicy::NoRetries));
        assert_eq!(policy(1, 0).validate(), Err(InvalidRetryPolicy::NoDelay));
        assert_eq!(policy(1, 1).validate(), Ok(()));
    }
}
