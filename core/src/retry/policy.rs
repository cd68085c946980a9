use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::exponential::Exponential;
use super::refined::RefinedRetry;
use crate::task::{FailureKind, InvalidName, check_name};

/// The longest wait before a retry; a longer one is cut to it.
pub const MAX_DELAY: Duration = Duration::from_hours(24 * 365 * 100);

/// How the failures of a task are retried; stored with the task, so that it survives a restart.
///
/// ```
/// use std::time::Duration;
/// use evertask_core::retry::{Exponential, Jitter, RetryPolicy};
///
/// let steady = RetryPolicy::Linear { retries: 5, delay: Duration::from_secs(10) };
/// let patient = Exponential::new(8, Duration::from_secs(1))
///     .max(Duration::from_mins(10))
///     .jitter(Jitter::Equal);
/// let patient = RetryPolicy::Exponential(patient).and_timeouts();
/// # assert!(steady.validate().is_ok() && patient.validate().is_ok());
/// ```
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
    /// As many retries as there are delays, each after its own.
    Delays(Vec<Duration>),
    /// Delays that grow from one retry to the next.
    Exponential(Exponential),
    /// The policy that the application has registered under this name.
    ///
    /// A task that is loaded where nothing is registered under its name is retried as its kind and
    /// its queue say, with a warning.
    Custom(String),
    /// A policy that retries other kinds of failures than usual; made by
    /// [`and_timeouts`](Self::and_timeouts), [`only`](Self::only) and [`except`](Self::except).
    Refined(Box<RefinedRetry>),
}

/// A retry policy that can't be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidRetryPolicy {
    /// No retry at all is written as [`RetryPolicy::None`].
    #[error("a retry policy needs at least one retry; use RetryPolicy::None for none")]
    NoRetries,
    /// A retry without a wait would hammer what has just failed.
    #[error("a retry policy needs a delay above zero before each retry")]
    NoDelay,
    /// A wait that nobody will see the end of.
    #[error("a delay of {delay:?} is longer than the limit of {MAX_DELAY:?}")]
    TooLong {
        /// The delay.
        delay: Duration,
    },
    /// More delays than should be stored with every task.
    #[error("{count} delays are more than {limit}; use an exponential or a custom policy")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Delays that shrink would hammer what keeps failing.
    #[error("the factor of an exponential retry policy is {percent} percent, below 100")]
    Shrinking {
        /// The factor.
        percent: u32,
    },
    /// The longest delay is shorter than the first.
    #[error("the longest delay, {max:?}, is shorter than the first, {first:?}")]
    MaxBelowFirst {
        /// The first delay.
        first: Duration,
        /// The longest delay.
        max: Duration,
    },
    /// A name that no policy can be registered under.
    #[error("a retry policy can't be named so: {0}")]
    Name(#[from] InvalidName),
    /// The application has registered no policy under this name.
    #[error("no retry policy is registered as {0:?}; register it with `.retry_policy(…)`")]
    Unknown(String),
    /// A list of what is retried and one of what is not.
    #[error(
        "a retry policy says both which failures it retries and which it does not; use one list"
    )]
    Mixed,
    /// A refinement within a refinement, which says twice what may be said once.
    #[error("a refined retry policy is refined again; say it all in one")]
    RefinedTwice,
}

impl RetryPolicy {
    /// The most delays of a [`RetryPolicy::Delays`].
    pub const MAX_DELAYS: usize = 1_000;

    /// Retries attempts that ran into their timeout, too; without this they are final.
    #[must_use]
    pub fn and_timeouts(self) -> Self {
        self.refine(|refined| refined.timeouts = true)
    }

    /// Retries failures of these kinds only; kinds that are never retried are none the more.
    ///
    /// Repeated, the kinds add up. A policy has this list or that of [`except`](Self::except).
    #[must_use]
    pub fn only(self, kinds: impl IntoIterator<Item = FailureKind>) -> Self {
        self.refine(|refined| refined.only.extend(kinds))
    }

    /// Retries all failures but those of these kinds.
    #[must_use]
    pub fn except(self, kinds: impl IntoIterator<Item = FailureKind>) -> Self {
        self.refine(|refined| refined.except.extend(kinds))
    }

    fn refine(self, change: impl FnOnce(&mut RefinedRetry)) -> Self {
        let mut refined = match self {
            Self::Refined(refined) => refined,
            plain @ (Self::None
            | Self::Linear { .. }
            | Self::Delays(_)
            | Self::Exponential(_)
            | Self::Custom(_)) => Box::new(RefinedRetry::of(plain)),
        };
        change(&mut refined);
        Self::Refined(refined)
    }

    /// Answers whether the policy makes sense, whatever is registered.
    ///
    /// # Errors
    ///
    /// See [`InvalidRetryPolicy`].
    pub fn validate(&self) -> Result<(), InvalidRetryPolicy> {
        match self {
            Self::None => Ok(()),
            Self::Linear { retries: 0, .. } => Err(InvalidRetryPolicy::NoRetries),
            Self::Linear { delay, .. } => check_delay(*delay),
            Self::Delays(delays) => check_delays(delays),
            Self::Exponential(exponential) => exponential.validate(),
            Self::Custom(name) => Ok(check_name(name)?),
            Self::Refined(refined) => refined.validate(),
        }
    }

    /// The wait before a retry, counted from 1, or `None` if there are not so many.
    ///
    /// `draw` decides what is left to chance. A custom policy answers nothing here: it has to be
    /// [resolved](super::Retries::resolve).
    pub(super) fn delay_before(&self, retry: u32, draw: impl FnOnce() -> u64) -> Option<Duration> {
        let delay = match self {
            Self::None | Self::Custom(_) => None,
            Self::Linear { retries, delay } => (retry <= *retries).then_some(*delay),
            Self::Delays(delays) => {
                let place = usize::try_from(retry).ok()?.checked_sub(1)?;
                delays.get(place).copied()
            }
            Self::Exponential(exponential) => exponential.delay_before(retry, draw),
            Self::Refined(refined) => return refined.policy.delay_before(retry, draw),
        };
        delay.map(|delay| delay.min(MAX_DELAY))
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

/// Answers whether a retry may wait that long.
pub(super) fn check_delay(delay: Duration) -> Result<(), InvalidRetryPolicy> {
    if delay.is_zero() {
        return Err(InvalidRetryPolicy::NoDelay);
    }
    if delay > MAX_DELAY {
        return Err(InvalidRetryPolicy::TooLong { delay });
    }
    Ok(())
}

fn check_delays(delays: &[Duration]) -> Result<(), InvalidRetryPolicy> {
    let (count, limit) = (delays.len(), RetryPolicy::MAX_DELAYS);
    if count == 0 {
        return Err(InvalidRetryPolicy::NoRetries);
    }
    if count > limit {
        return Err(InvalidRetryPolicy::TooMany { count, limit });
    }
    delays.iter().copied().try_for_each(check_delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delays_of(policy: &RetryPolicy, retries: u32) -> Vec<Option<Duration>> {
        let delay = |retry| policy.delay_before(retry, || 0);
        (1..=retries).map(delay).collect()
    }

    #[test]
    fn the_default_policy_allows_three_retries_half_a_second_apart() {
        let half = Some(Duration::from_millis(500));
        assert_eq!(
            delays_of(&RetryPolicy::default(), 4),
            [half, half, half, None]
        );
    }

    #[test]
    fn no_policy_at_all_and_a_bare_name_allow_no_retry() {
        assert_eq!(delays_of(&RetryPolicy::None, 1), [None]);
        assert_eq!(
            delays_of(&RetryPolicy::Custom("mine".to_owned()), 1),
            [None]
        );
    }

    #[test]
    fn a_list_gives_each_retry_its_own_delay() {
        let policy = RetryPolicy::Delays(vec![SECOND, SECOND * 5]);
        let expected = [Some(SECOND), Some(SECOND * 5), None];
        assert_eq!(delays_of(&policy, 3), expected);
        assert_eq!(policy.delay_before(0, || 0), None);
        assert_eq!(policy.delay_before(u32::MAX, || 0), None);
    }

    #[test]
    fn a_refined_policy_waits_like_the_policy_it_refines() {
        let plain = RetryPolicy::Delays(vec![SECOND, SECOND * 2]);
        let refined = plain.clone().and_timeouts().except([FailureKind::Panicked]);
        assert_eq!(delays_of(&refined, 3), delays_of(&plain, 3));
    }

    #[test]
    fn no_delay_is_longer_than_a_hundred_years() {
        assert_eq!(MAX_DELAY, Duration::from_hours(876_000));
        let endless = RetryPolicy::Delays(vec![Duration::MAX]);
        assert_eq!(delays_of(&endless, 1), [Some(MAX_DELAY)]);
    }

    #[test]
    fn a_policy_that_makes_no_sense_is_refused() {
        use InvalidRetryPolicy::{NoDelay, NoRetries, TooLong, TooMany};
        let linear = |retries, delay| RetryPolicy::Linear { retries, delay };
        let too_long = MAX_DELAY + Duration::from_nanos(1);
        let policies = [
            (linear(0, SECOND), Err(NoRetries)),
            (linear(1, Duration::ZERO), Err(NoDelay)),
            (linear(1, too_long), Err(TooLong { delay: too_long })),
            (linear(1, MAX_DELAY), Ok(())),
            (linear(u32::MAX, Duration::from_nanos(1)), Ok(())),
            (RetryPolicy::None, Ok(())),
            (RetryPolicy::Delays(Vec::new()), Err(NoRetries)),
            (
                RetryPolicy::Delays(vec![SECOND, Duration::ZERO]),
                Err(NoDelay),
            ),
            (RetryPolicy::Delays(vec![SECOND; 1_000]), Ok(())),
            (
                RetryPolicy::Delays(vec![SECOND; 1_001]),
                Err(TooMany {
                    count: 1_001,
                    limit: 1_000,
                }),
            ),
            (RetryPolicy::Custom("mine".to_owned()), Ok(())),
        ];
        for (policy, expected) in policies {
            assert_eq!(policy.validate(), expected, "{policy:?}");
        }
        let blank = RetryPolicy::Custom(" ".to_owned()).validate();
        assert!(
            matches!(blank, Err(InvalidRetryPolicy::Name(_))),
            "{blank:?}"
        );
    }

    /// Rows that were stored by earlier versions hold these texts.
    #[test]
    fn a_policy_is_stored_under_stable_names() {
        let list = RetryPolicy::Delays(vec![SECOND]);
        let refined = list.clone().and_timeouts().only([FailureKind::Transient]);
        let policies = [
            (RetryPolicy::None, r#""none""#),
            (
                RetryPolicy::default(),
                r#"{"linear":{"retries":3,"delay":{"secs":0,"nanos":500000000}}}"#,
            ),
            (list, r#"{"delays":[{"secs":1,"nanos":0}]}"#),
            (
                RetryPolicy::Exponential(Exponential::new(2, SECOND)),
                r#"{"exponential":{"retries":2,"first":{"secs":1,"nanos":0},"factor_percent":200,"max":{"secs":3600,"nanos":0},"jitter":"none"}}"#,
            ),
            (
                RetryPolicy::Custom("mine".to_owned()),
                r#"{"custom":"mine"}"#,
            ),
            (
                refined,
                r#"{"refined":{"policy":{"delays":[{"secs":1,"nanos":0}]},"timeouts":true,"only":["transient"],"except":[]}}"#,
            ),
        ];
        for (policy, text) in policies {
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
            assert_eq!(serde_json::from_str::<RetryPolicy>(text).unwrap(), policy);
        }
    }
}
